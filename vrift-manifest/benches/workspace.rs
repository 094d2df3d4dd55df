//! What a change and a look cost in a live workspace. `cargo bench -p vrift-manifest --bench workspace`
//!
//! Native and ours alternate within one run, so that a noisy machine is noisy for both.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::image::{Builder, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Change, Found, ROOT};
use vrift_manifest::workspace::{Home, NewWorkspace, Workspace, write_image};

const ROUNDS: usize = 31;

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let runtime = Path::new("/dev/shm");
    let runtime = if runtime.is_dir() { runtime.to_owned() } else { directory.path().to_owned() };
    let store = Store::create_or_open(directory.path().join("store")).expect("a store");
    let home = Home::new(Arc::new(store), &[runtime]);
    let image = write_image(home.store(), tree(), 1 << 20).expect("an image").image_id;
    let new = NewWorkspace { name: "b".into(), mount: "/b".into(), origin: None, image };
    new.create(&home).expect("a workspace");
    let mut workspace = Workspace::open(&home, "b").expect("it opens");

    let real = directory.path().join("real/a/b/c/d");
    std::fs::create_dir_all(&real).expect("directories");
    std::fs::write(real.join("file"), b"").expect("a file");
    println!(
        "{:<44}{:>12}{:>12}{:>8}",
        "median of 31 rounds, ns an operation", "native", "ours", "ratio"
    );

    let deep = directory.path().join("real/a/b/c/d/file");
    let look = |workspace: &Workspace| {
        let tree = workspace.tree();
        let mut scratch = Scratch::default();
        move_on(4096, || {
            let path = std::hint::black_box(&b"a/b/c/d/file"[..]);
            let found = tree.walk(tree.root(), path, b"/b", true, None, &mut scratch);
            let Ok(Found::Node(at)) = found else { panic!("it is there") };
            std::hint::black_box(tree.attributes(at).expect("attributes"));
        })
    };
    let stat = || {
        move_on(256, || {
            std::hint::black_box(std::fs::metadata(&deep).expect("it is there"));
        })
    };
    report("stat of 5 components, no change yet", stat, || look(&workspace));

    let mut number = 0u64;
    let touch = rustix::fs::open(&deep, rustix::fs::OFlags::RDWR, 0.into()).expect("a file");
    let utimes = |round: u64| rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: round as i64, tv_nsec: 0 },
        last_modification: rustix::fs::Timespec { tv_sec: round as i64, tv_nsec: 0 },
    };
    let node = {
        let mut scratch = Scratch::default();
        let tree = workspace.tree();
        let found = tree.walk(tree.root(), b"a/b/c/d/file", b"/b", true, None, &mut scratch);
        let Ok(Found::Node(at)) = found else { panic!("it is there") };
        tree.number(at).expect("a number")
    };
    report(
        "utimens",
        || move_on(512, || rustix::fs::futimens(&touch, &utimes(7)).expect("set")),
        || {
            move_on(512, || {
                let mtime = Some(Timestamp { sec: 7, nsec: 0 });
                let change = Change::SetTimes { node, atime: mtime, mtime };
                workspace.change(&change).expect("a change");
            })
        },
    );
    let mut real_number = 0u64;
    report(
        "create + unlink (two changes)",
        || {
            move_on(128, || {
                real_number += 1;
                let path = directory.path().join(format!("real/f{real_number}"));
                drop(std::fs::File::create(&path).expect("made"));
                std::fs::remove_file(&path).expect("removed");
            })
        },
        || {
            move_on(128, || {
                number += 1;
                let name = format!("f{number}");
                create(&mut workspace, name.as_bytes());
                let change = Change::Unlink { parent: ROOT, name: name.as_bytes() };
                workspace.change(&change).expect("unlinked");
            })
        },
    );
    let (from, to) = (directory.path().join("real/x"), directory.path().join("real/y"));
    std::fs::write(&from, b"").expect("a file");
    create(&mut workspace, b"x");
    report(
        "rename there and back (two changes)",
        || {
            move_on(128, || {
                std::fs::rename(&from, &to).expect("renamed");
                std::fs::rename(&to, &from).expect("renamed");
            })
        },
        || {
            move_on(128, || {
                rename(&mut workspace, b"x", b"y");
                rename(&mut workspace, b"y", b"x");
            })
        },
    );
    report("stat of 5 components, tree changed", stat, || look(&workspace));
    println!("journal: {} bytes for {} records", workspace.journal_bytes(), workspace.head());
}

fn create(workspace: &mut Workspace, name: &[u8]) {
    let change =
        Change::Create { parent: ROOT, name, mode: 0o100644, uid: 0, gid: 0, rdev: 0, target: b"" };
    workspace.change(&change).expect("created");
}

fn rename(workspace: &mut Workspace, from: &[u8], to: &[u8]) {
    let mode = vrift_manifest::tree::RenameMode::Replace;
    let change = Change::Rename { from_parent: ROOT, from, to_parent: ROOT, to, mode };
    workspace.change(&change).expect("renamed");
}

/// Nanoseconds per call over `times` calls.
fn move_on(times: u32, mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| call());
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

fn report(what: &str, mut native: impl FnMut() -> f64, mut ours: impl FnMut() -> f64) {
    let mut pairs: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (native(), ours())).collect();
    let mut middle = |key: fn(&(f64, f64)) -> f64| {
        pairs.sort_by(|a, b| key(a).total_cmp(&key(b)));
        (key(&pairs[ROUNDS / 2]), key(&pairs[ROUNDS / 10]), key(&pairs[ROUNDS * 9 / 10]))
    };
    let (native, ours, ratio) = (middle(|p| p.0), middle(|p| p.1), middle(|p| p.1 / p.0));
    println!(
        "{what:<44}{:>12.0}{:>12.0}{:>8.3}   (ours {:.0}..{:.0}, ratio {:.3}..{:.3})",
        native.0, ours.0, ratio.0, ours.1, ours.2, ratio.1, ratio.2
    );
}

/// a/b/c/d with 200 files, and 20,000 more beside them.
fn tree() -> Builder {
    let mut node = 0;
    let mut spec = |mode: u32| {
        node += 1;
        let content =
            if mode & 0o170000 == 0o040000 { Content::None } else { Content::Blob(Digest::EMPTY) };
        let time = Timestamp { sec: 1_600_000_000, nsec: 1 };
        let attributes = Attributes {
            mode,
            uid: 0,
            gid: 0,
            nlink: 1,
            size: 0,
            atime: time,
            mtime: time,
            ctime: time,
            rdev: 0,
        };
        NodeSpec { node, attributes, content, xattrs: &[] }
    };
    let mut builder = Builder::new(spec(0o040755)).expect("a root");
    let mut at = builder.root();
    for name in ["a", "b", "c", "d"] {
        at = builder.add(at, name.as_bytes(), spec(0o040755)).expect("added");
    }
    builder.add(at, b"file", spec(0o100644)).expect("added");
    for directory in 0..100 {
        let name = format!("dir{directory}");
        let below = builder.add(builder.root(), name.as_bytes(), spec(0o040755)).expect("added");
        for file in 0..200 {
            let name = format!("file-{file}.c");
            builder.add(below, name.as_bytes(), spec(0o100644)).expect("added");
        }
    }
    builder
}
