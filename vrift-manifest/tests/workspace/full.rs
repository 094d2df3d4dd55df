//! No room: a limit on the size of files, a full tmpfs, a full disk. The error says so, nobody is killed by a signal,
//! removing still works, and when there is room again everything goes on.

use std::fs;
use std::io::Write;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Done, Moment, Workspace, WorkspaceError};

use crate::support::{Fixture, child, create, from_parent, names, picture};

fn try_create(workspace: &mut Workspace, name: &str) -> Result<Done, WorkspaceError> {
    let (name, target) = (name.as_bytes(), &b""[..]);
    let (mode, uid, gid, rdev) = (0o100644, 0, 0, 0);
    workspace.change(&Change::Create { parent: ROOT, name, mode, uid, gid, rdev, target })
}

fn unlink(workspace: &mut Workspace, name: &str) -> Result<Done, WorkspaceError> {
    workspace.change(&Change::Unlink { parent: ROOT, name: name.as_bytes() })
}

/// Makes files until there is no room; their names.
fn fill(workspace: &mut Workspace, prefix: &str) -> Vec<String> {
    let mut made = Vec::new();
    for file in 0..200_000 {
        let name = format!("{prefix}-{file}");
        match try_create(workspace, &name) {
            Ok(_) => made.push(name),
            Err(error) => {
                assert!(error.is_no_room(), "{error}");
                return made;
            }
        }
    }
    panic!("there is room for everything");
}

fn assert_like_its_journal(workspace: &Workspace) {
    let replayed = workspace.view(workspace.head()).expect("a state");
    assert_eq!(picture(&replayed), picture(workspace.tree()));
}

/// What there is no room for says so; what there is room for happens.
fn ok_or_full<T>(result: Result<T, WorkspaceError>) -> bool {
    match result {
        Ok(_) => true,
        Err(WorkspaceError::Store(vrift_cas::StoreError::Full { .. })) => false,
        Err(error) => {
            assert!(error.is_no_room(), "{error}");
            false
        }
    }
}

#[test]
fn a_limit_on_the_size_of_files_kills_nobody() {
    for limit in [0, 4 << 10, 80 << 10, 300 << 10] {
        let fixture = Fixture::new();
        drop(fixture.workspace("w"));
        let limited = child("full::limited_child", &fixture.root, &limit.to_string())
            .stderr(std::process::Stdio::piped())
            .output();
        let limited = limited.expect("a child");
        let said = String::from_utf8_lossy(&limited.stdout).into_owned();
        let why = String::from_utf8_lossy(&limited.stderr).into_owned();
        assert!(limited.status.success(), "{limit}: {}\n{said}{why}", limited.status);
        let mut workspace = Workspace::open(&fixture.home, "w").expect("it opens");
        assert_like_its_journal(&workspace);
        try_create(&mut workspace, "after").expect("there is room");
    }
}

#[test]
#[ignore = "a child of other tests"]
fn limited_child() {
    let (home, limit) = from_parent();
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    let bytes = limit.parse().expect("a number");
    let maximum = getrlimit(Resource::Fsize).maximum;
    // What the harness prints goes to a pipe and has no size.
    setrlimit(Resource::Fsize, Rlimit { current: Some(bytes), maximum }).expect("a limit");
    let made = fill(&mut workspace, "limited");
    assert!(!made.is_empty(), "there was room for some");
    for name in made.iter().take(60) {
        unlink(&mut workspace, name).expect("removing works");
    }
    ok_or_full(workspace.sync());
    ok_or_full(workspace.snapshot("name"));
    ok_or_full(workspace.fork(&Moment::Now, "fork"));
    ok_or_full(workspace.compact());
    let head = workspace.head();
    drop(workspace);
    // Nobody is needed to put it right.
    let mut workspace = Workspace::open(&home, "w").expect("it opens");
    assert!(workspace.head() >= head);
    assert_like_its_journal(&workspace);
    assert!(!names(workspace.tree(), "").contains(&made[0]));
    ok_or_full(unlink(&mut workspace, &made[made.len() - 1]));
}

/// Run by `scripts/full-disks`, in a small file system with the live index in a small tmpfs.
#[test]
#[ignore = "run by scripts/full-disks"]
fn full_disk_child() {
    let (home, _) = from_parent();
    let root = std::env::var_os("VRIFT_TEST_ROOT").expect("given");
    let root = Path::new(&root);
    create(&home, "w");
    let mut workspace = Workspace::open(&home, "w").expect("it opens");
    try_create(&mut workspace, "first").expect("there is room");
    let named = workspace.snapshot("named").expect("there is room");

    // The tmpfs first: the index moves to the disk.
    stuff(&root.join("runtime/stuffing"));
    for file in 0..6000 {
        try_create(&mut workspace, &format!("moved-{file}")).expect("there is room on the disk");
    }
    stuff(&root.join("stuffing"));
    let made = fill(&mut workspace, "full");
    for file in 0..60 {
        unlink(&mut workspace, &format!("moved-{file}")).expect("removing works on a full disk");
    }
    let tree = picture(workspace.tree());
    println!("{} made before the disk was full, 60 removed after", made.len());
    let happened = [
        ok_or_full(workspace.sync()),
        ok_or_full(workspace.snapshot("full")),
        ok_or_full(workspace.fork(&Moment::Now, "fork")),
        ok_or_full(workspace.compact()),
        ok_or_full(workspace.sync()),
    ];
    println!("sync, snapshot, fork, compact, sync: {happened:?}");
    assert_eq!(picture(workspace.tree()), tree);
    assert_like_its_journal(&workspace);
    drop(workspace);
    let workspace = Workspace::open(&home, "w").expect("the index is still there");
    assert_eq!(picture(workspace.tree()), tree);
    drop(workspace);

    // Without an index, and with no room for one, it can be read.
    for directory in [home.store().workspaces_dir(), home.runtime().to_owned()] {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains("index-") {
                let length = path.metadata().expect("a file").len();
                fs::remove_file(&path).expect("removed");
                // Somebody else is faster.
                let more = path.with_file_name(format!("stuffing-{length}"));
                stuff(&more);
            }
        }
    }
    let mut workspace = Workspace::open(&home, "w").expect("it can be read");
    assert_eq!(picture(workspace.tree()), tree);
    assert_eq!(
        picture(workspace.tree()),
        picture(&workspace.view(workspace.head()).expect("a state"))
    );
    workspace.view(named).expect("the past can be read");
    let refused = unlink(&mut workspace, "first").expect_err("there is no room at all");
    assert!(refused.is_no_room(), "{refused}");

    for directory in [
        root.to_owned(),
        root.join("runtime"),
        home.store().workspaces_dir(),
        home.runtime().to_owned(),
    ] {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains("stuffing") {
                fs::remove_file(path).expect("removed");
            }
        }
    }
    unlink(&mut workspace, "first").expect("there is room again");
    workspace.snapshot("again").expect("there is room again");
    workspace.compact().expect("there is room again");
    assert_like_its_journal(&workspace);
    println!("\nwell");
}

/// Fills a file system.
fn stuff(path: &Path) {
    let mut file = fs::File::options().append(true).create(true).open(path).expect("a file");
    for size in [1 << 20, 1 << 12, 1] {
        let bytes = vec![1; size];
        while file.write_all(&bytes).is_ok() {}
    }
    let _ = file.sync_all();
}
