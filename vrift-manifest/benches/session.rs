//! What writing a file costs through a session. `cargo bench -p vrift-manifest --bench session [DIRECTORY]`
//!
//! Native and ours alternate within one run, so that a noisy machine is noisy for both.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustix::fs::OFlags;
use vrift_cas::Store;
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::handover::Handover;
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::session::{Session, Who};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Author, Home, NewWorkspace, Workspace, write_image};

const ROUNDS: usize = 31;
const FILES: usize = 64;
const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);

fn main() {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let directory = match given {
        Some(path) => tempfile::tempdir_in(path),
        None => tempfile::tempdir(),
    };
    let directory = directory.expect("a temporary directory");
    let session = session(directory.path());
    let real = directory.path().join("real");
    std::fs::create_dir(&real).expect("a directory");
    println!(
        "{:<40}{:>12}{:>12}{:>8}",
        "median of 31 rounds, ns of CPU a file", "native", "ours", "ratio"
    );
    let process = AtomicU64::new(0);
    let author = || Author { pid: std::process::id(), ..Author::default() };
    let who = Who { process: &process, author: &author };
    let mut made = 0u64;
    for length in [0, 100, 4096, 16384, 65536, 1 << 20] {
        let mut pairs = Vec::new();
        let mut bytes = vec![b'x'; length];
        for round in 0..ROUNDS {
            // No content twice.
            let mut next = |made: u64| {
                let stamp = made.to_le_bytes();
                let most = bytes.len().min(8);
                bytes[..most].copy_from_slice(&stamp[..most]);
                bytes.clone()
            };
            let contents: Vec<Vec<u8>> = (0..2 * FILES)
                .map(|_| {
                    made += 1;
                    next(made)
                })
                .collect();
            let start = now();
            for (place, content) in contents[..FILES].iter().enumerate() {
                native(&real.join(format!("{round}-{place}-{length}")), content);
            }
            let native = now() - start;
            let start = now();
            for (place, content) in contents[FILES..].iter().enumerate() {
                ours(&session, &who, &format!("{round}-{place}-{length}"), content);
            }
            let ours = now() - start;
            let each = |time: Duration| time.as_nanos() as f64 / FILES as f64;
            pairs.push((each(native), each(ours)));
            std::fs::remove_dir_all(&real).expect("removed");
            std::fs::create_dir(&real).expect("a directory");
            for place in 0..FILES {
                let name = format!("{round}-{place}-{length}");
                let change = Change::Unlink { parent: ROOT, name: name.as_bytes() };
                session.change(&who, &change).expect("unlinked");
            }
        }
        let middle = |key: &dyn Fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = pairs.iter().map(key).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        println!(
            "{:<40}{:>12.0}{:>12.0}{:>8.2}",
            format!("create, write {length}, close, seal"),
            middle(&|pair| pair.0),
            middle(&|pair| pair.1),
            middle(&|pair| pair.1 / pair.0)
        );
    }
}

/// Time of the processor that this process has used: the machine may be at work for others, and its disk too.
fn now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn native(path: &PathBuf, content: &[u8]) {
    let mut file = File::create(path).expect("made");
    file.write_all(content).expect("written");
}

fn ours(session: &Session, who: &Who<'_>, name: &str, content: &[u8]) {
    let (node, file) =
        session.create_file(who, ROOT, name.as_bytes(), 0o644, 0, 0, WRITE).expect("made");
    File::from(file).write_all(content).expect("written");
    session.seal(who, node).expect("sealed");
}

fn session(root: &Path) -> Session {
    let runtime = Path::new("/dev/shm");
    let runtime = if runtime.is_dir() { runtime.to_owned() } else { root.to_owned() };
    let store = Store::create_or_open(root.join("store")).expect("a store");
    let home = Home::new(Arc::new(store), &[runtime]);
    let time = Timestamp { sec: 1_600_000_000, nsec: 1 };
    let attributes = Attributes {
        mode: 0o040755,
        uid: 0,
        gid: 0,
        nlink: 2,
        size: 4096,
        atime: time,
        mtime: time,
        ctime: time,
        rdev: 0,
    };
    let top = NodeSpec { node: 1, attributes, content: Content::None, xattrs: &[] };
    let image = write_image(home.store(), Builder::new(top).expect("a root"), 2).expect("an image");
    let new =
        NewWorkspace { name: "b".into(), mount: "/b".into(), origin: None, image: image.image_id };
    new.create(&home).expect("a workspace");
    let workspace = Workspace::open(&home, "b").expect("it opens");
    Session::attach(&Handover::of(&workspace).expect("a handover")).expect("a session")
}
