//! A workspace that reaches a bound is folded by whoever runs into it, and goes on.

use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Author, Bounds, Workspace};

use crate::support::{Fixture, child, create_file, from_parent, names, picture};

fn bounds(what: &str) -> Bounds {
    match what {
        "journal" => Bounds { journal: 40 << 10, ..Bounds::default() },
        _ => Bounds { index: 160 << 10, ..Bounds::default() },
    }
}

#[test]
fn a_workspace_at_its_bound_is_folded_and_goes_on() {
    for what in ["journal", "index"] {
        let fixture = Fixture::new();
        fixture.workspace("w");
        let home = fixture.home.clone().with_bounds(bounds(what));
        let mut workspace = Workspace::open(&home, "w").expect("it opens");
        workspace.set_author(Author { program: vec![b'p'; 300], ..Author::default() });
        let mut nodes = std::collections::BTreeSet::new();
        for file in 0..2500 {
            let done = create_file(&mut workspace, ROOT, &format!("{file}"));
            assert!(nodes.insert(done.node), "a number was given twice");
        }
        for file in 0..2400 {
            let name = file.to_string();
            let change = Change::Unlink { parent: ROOT, name: name.as_bytes() };
            workspace.change(&change).expect("unlinked");
        }
        assert_eq!(names(workspace.tree(), "").len(), 100);
        let eras = workspace.config().expect("a description").era.len();
        assert!(eras > 3, "{what}: {eras} eras");
        let replayed = workspace.view(workspace.head()).expect("a state");
        assert_eq!(picture(&replayed), picture(workspace.tree()));
        // All of the past is there, too, and each change names its process.
        let mut next = 1;
        let each = |entry: &vrift_manifest::workspace::Entry<'_>| {
            assert_eq!(entry.seq, next);
            let operation = &entry.record.operation;
            assert!(!operation.is_of_nodes() || entry.record.process != 0);
            next += 1;
            true
        };
        workspace.for_each_record(1, u64::MAX, each).expect("a readable journal");
        assert_eq!(names(&workspace.view(1500).expect("a state"), "").len() as u64, {
            let mut made = 0;
            let count = |entry: &vrift_manifest::workspace::Entry<'_>| {
                made += u64::from(entry.record.operation.is_of_nodes());
                true
            };
            workspace.for_each_record(1, 1500, count).expect("a readable journal");
            made
        });
    }
}

#[test]
fn several_that_run_into_the_bound_at_once_lose_nothing() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("w");
    let children: Vec<_> = (0..3)
        .map(|number| child("bounds::bounded_child", &fixture.root, &number.to_string()))
        .map(|mut command| command.spawn().expect("a child"))
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child").success());
    }
    let fresh = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(fresh.tree(), "").len(), 3 * 800);
    assert!(workspace.config().expect("a description").era.len() > 2);
}

#[test]
#[ignore = "a child of other tests"]
fn bounded_child() {
    let (home, number) = from_parent();
    let home = home.with_bounds(bounds("journal"));
    let mut workspace = Workspace::open(&home, "w").expect("it opens");
    for file in 0..800 {
        create_file(&mut workspace, ROOT, &format!("{number}-{file}"));
    }
}
