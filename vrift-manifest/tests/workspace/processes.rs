//! Several processes change one workspace at once: nothing is lost, nothing happens twice.

use std::collections::BTreeSet;

use vrift_manifest::tree::{Change, ROOT, RenameMode};
use vrift_manifest::workspace::{Author, Workspace};

use crate::support::{Fixture, child, create_file, from_parent, names, picture};

const EACH: usize = 400;

#[test]
fn eight_processes_mutating_at_once_lose_nothing() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("w");
    let children: Vec<_> = (0..8)
        .map(|number| child("processes::creating_child", &fixture.root, &number.to_string()))
        .map(|mut command| command.spawn().expect("a child"))
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child").success());
    }
    let expected: BTreeSet<String> =
        (0..8).flat_map(|child| (0..EACH).map(move |file| format!("{child}-{file}"))).collect();
    let found: BTreeSet<String> = names(workspace.tree(), "").into_iter().collect();
    assert_eq!(found, expected);

    // The journal is contiguous, every change names its process, and replaying it gives the same tree.
    let mut next = 1;
    let mut processes = BTreeSet::new();
    workspace
        .for_each_record(0, u64::MAX, |entry| {
            assert_eq!(entry.seq, next);
            next += 1;
            if entry.record.operation.changes_tree() {
                processes.insert(entry.record.process);
            }
            true
        })
        .expect("a readable journal");
    assert_eq!(processes.len(), 8);
    let replayed = workspace.view(workspace.head()).expect("the present");
    assert_eq!(picture(&replayed), picture(workspace.tree()));
}

#[test]
#[ignore = "a child of other tests"]
fn creating_child() {
    let (home, number) = from_parent();
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    workspace.set_author(Author { program: b"/bin/child".to_vec(), ..Author::default() });
    for file in 0..EACH {
        // Created under another name and renamed, so that names come and go.
        create_file(&mut workspace, ROOT, &format!("{number}-temporary"));
        let (from, to) = (format!("{number}-temporary"), format!("{number}-{file}"));
        let change = Change::Rename {
            from_parent: ROOT,
            from: from.as_bytes(),
            to_parent: ROOT,
            to: to.as_bytes(),
            mode: RenameMode::Replace,
        };
        workspace.change(&change).expect("a rename");
    }
}

#[test]
fn compacting_while_others_write_loses_nothing() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let mut children: Vec<_> = (0..2)
        .map(|number| child("processes::creating_child", &fixture.root, &number.to_string()))
        .map(|mut command| command.spawn().expect("a child"))
        .collect();
    let mut compactions = 0;
    while children.iter_mut().any(|child| child.try_wait().expect("a child").is_none()) {
        workspace.compact().expect("compaction");
        compactions += 1;
    }
    for mut child in children {
        assert!(child.wait().expect("a child").success());
    }
    assert!(compactions > 0);
    workspace.refresh().expect("attached");
    assert_eq!(names(workspace.tree(), "").len(), 2 * EACH);
    let fresh = Workspace::open(&fixture.home, "w").expect("it exists");
    assert_eq!(picture(fresh.tree()), picture(workspace.tree()));
}

#[test]
fn a_target_of_a_rename_is_never_seen_missing() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "target");
    let mut writer =
        child("processes::replacing_child", &fixture.root, "").spawn().expect("a child");
    let mut looks = 0u64;
    let mut seen = BTreeSet::new();
    while writer.try_wait().expect("a child").is_none() {
        for _ in 0..1000 {
            let tree = workspace.tree();
            let found = tree.child(tree.root(), b"target").expect("sound");
            let found = found.expect("the target is always there");
            seen.insert(tree.number(found).expect("a number"));
            looks += 1;
        }
    }
    assert!(writer.wait().expect("a child").success());
    assert!(looks > 1000 && seen.len() > 2, "{looks} looks saw {} nodes", seen.len());
}

#[test]
#[ignore = "a child of other tests"]
fn replacing_child() {
    let (home, _) = from_parent();
    let mut workspace = Workspace::open(&home, "w").expect("it exists");
    for _ in 0..20_000 {
        create_file(&mut workspace, ROOT, "new");
        let change = Change::Rename {
            from_parent: ROOT,
            from: b"new",
            to_parent: ROOT,
            to: b"target",
            mode: RenameMode::Replace,
        };
        workspace.change(&change).expect("a rename");
    }
}
