//! What writing a file costs through a session. `cargo bench -p vrift-manifest --bench session [DIRECTORY]`
//!
//! Native and ours alternate within one run, so that a noisy machine is noisy for both.

use std::fs::File;
use std::io::Write;
use std::path::Path;
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
use vrift_manifest::tree::ROOT;
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
        "{:<40}{:>12}{:>12}{:>12}{:>8}",
        "median of 31 rounds, ns of CPU a file", "native", "written", "sealed", "ratio"
    );
    let process = AtomicU64::new(0);
    let author = || Author { pid: std::process::id(), ..Author::default() };
    let who = Who { process: &process, author: &author };
    let mut made = 0u64;
    for length in [0, 100, 4096, 16384, 65536, 1 << 20] {
        let mut rounds = Vec::new();
        let mut bytes = vec![b'x'; length];
        for round in 0..ROUNDS {
            // Nothing is removed in between: some file systems look at what was removed a moment ago when they make a
            // file.
            let real = real.join(format!("{length}-{round}"));
            std::fs::create_dir(&real).expect("a directory");
            let mut sums = [Duration::ZERO; 3];
            for place in 0..FILES {
                // One after the other, so that what else goes on is the same for both; and no content twice.
                made += 1;
                let most = bytes.len().min(8);
                bytes[..most].copy_from_slice(&made.to_le_bytes()[..most]);
                let start = now();
                native(&real.join(place.to_string()), &bytes);
                let between = now();
                let name = format!("{round}-{place}-{length}");
                let (node, file) = session
                    .create_file(&who, ROOT, name.as_bytes(), 0o644, 0, 0, WRITE)
                    .expect("made");
                File::from(file).write_all(&bytes).expect("written");
                let written = now();
                session.seal(&who, node).expect("sealed");
                let end = now();
                let parts = [between - start, written - between, end - written];
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
            }
            rounds.push(sums.map(|sum| sum.as_nanos() as f64 / FILES as f64));
        }
        let middle = |key: &dyn Fn(&[f64; 3]) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(key).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        println!(
            "{:<40}{:>12.0}{:>12.0}{:>12.0}{:>8.2}",
            format!("create, write {length}, close, seal"),
            middle(&|parts| parts[0]),
            middle(&|parts| parts[1]),
            middle(&|parts| parts[2]),
            middle(&|parts| (parts[1] + parts[2]) / parts[0])
        );
    }
}

/// Time of the processor that this process has used: the machine may be at work for others, and its disk too.
fn now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn native(path: &Path, content: &[u8]) {
    let mut file = File::create(path).expect("made");
    file.write_all(content).expect("written");
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
