//! The past stays: every state can be viewed, forks and snapshots share it, compaction and dropping hurt nobody.

use std::time::Duration;

use vrift_cas::GcOptions;
use vrift_manifest::journal::Reason;
use vrift_manifest::tree::{Change, ROOT, RenameMode};
use vrift_manifest::workspace::{
    CollectError, Moment, Replacement, Workspace, WorkspaceError, collect, drop_workspace,
    open_image, roots,
};

use crate::support::{
    Fixture, create_file, empty_image, make_directory, names, number, picture, restart_machine,
};

fn fill(workspace: &mut Workspace) -> Vec<(u64, Vec<String>)> {
    let mut states = vec![(workspace.head(), picture(workspace.tree()))];
    let mut note = |workspace: &Workspace| {
        states.push((workspace.head(), picture(workspace.tree())));
    };
    let directory = make_directory(workspace, ROOT, "directory").node;
    note(workspace);
    let file = create_file(workspace, directory, "file").node;
    note(workspace);
    workspace.change(&Change::SetMode { node: file, mode: 0o600 }).expect("chmod");
    note(workspace);
    workspace.change(&Change::Link { node: file, parent: ROOT, name: b"link" }).expect("link");
    note(workspace);
    let rename = Change::Rename {
        from_parent: ROOT,
        from: b"directory",
        to_parent: ROOT,
        to: b"moved",
        mode: RenameMode::Replace,
    };
    workspace.change(&rename).expect("rename");
    note(workspace);
    workspace.change(&Change::Unlink { parent: ROOT, name: b"link" }).expect("unlink");
    note(workspace);
    states
}

#[test]
fn every_state_can_be_viewed_also_after_compaction_and_a_restart() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let mut states = fill(&mut workspace);
    workspace.compact().expect("compaction");
    create_file(&mut workspace, ROOT, "later");
    states.push((workspace.head(), picture(workspace.tree())));
    let check = |workspace: &Workspace| {
        for (seq, state) in &states {
            assert_eq!(&picture(&workspace.view(*seq).expect("a state")), state, "state {seq}");
        }
    };
    check(&workspace);
    workspace.sync().expect("synced");
    drop(workspace);
    restart_machine(&fixture.root, "w");
    check(&Workspace::open(&fixture.home, "w").expect("it opens"));
}

#[test]
fn a_state_that_never_was_is_an_error_that_says_what_there_is() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("w");
    match workspace.view(99) {
        Err(WorkspaceError::NoSuchState { seq: 99, first: 0, last: 0, .. }) => {}
        other => panic!("{:?}", other.map(drop)),
    }
}

#[test]
fn a_fork_has_the_state_it_was_made_of_and_goes_its_own_way() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let states = fill(&mut workspace);
    workspace.fork(&Moment::Now, "now").expect("a fork");
    workspace.fork(&Moment::Seq(states[2].0), "then").expect("a fork");
    let mut now = Workspace::open(&fixture.home, "now").expect("it exists");
    let mut then = Workspace::open(&fixture.home, "then").expect("it exists");
    assert_eq!(picture(now.tree()), states.last().expect("states").1);
    assert_eq!(picture(then.tree()), states[2].1);

    create_file(&mut now, ROOT, "only-in-now");
    create_file(&mut then, ROOT, "only-in-then");
    create_file(&mut workspace, ROOT, "only-in-w");
    assert_eq!(names(workspace.tree(), ""), ["moved", "only-in-w"]);
    assert_eq!(names(now.tree(), ""), ["moved", "only-in-now"]);
    assert_eq!(names(then.tree(), ""), ["directory", "only-in-then"]);
    assert_eq!(picture(&now.view(states[1].0).expect("a shared state")), states[1].1);
}

#[test]
fn dropping_or_compacting_a_workspace_never_hurts_a_fork_of_it() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let states = fill(&mut workspace);
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    workspace.compact().expect("compaction");
    workspace.forget().expect("forgotten");
    drop_workspace(&fixture.home, "w").expect("dropped");
    collect_twice(&fixture);
    assert_eq!(files(&fixture, "images"), 1, "the dropped workspace had an image of its own");
    let fork = Workspace::open(&fixture.home, "fork").expect("it exists");
    for (seq, state) in &states {
        assert_eq!(&picture(&fork.view(*seq).expect("a state")), state);
    }
    assert!(matches!(Workspace::open(&fixture.home, "w"), Err(WorkspaceError::NoSuchWorkspace(_))));
}

/// Once to the trash, once out of it.
fn collect_twice(fixture: &Fixture) {
    for _ in 0..2 {
        // File times are those of the last tick.
        std::thread::sleep(Duration::from_millis(20));
        let options = GcOptions { grace: Duration::ZERO, dry_run: false };
        collect(&fixture.home, &options).expect("collected");
    }
}

fn files(fixture: &Fixture, directory: &str) -> usize {
    let path = fixture.root.join("store").join(directory);
    std::fs::read_dir(path).expect("a directory").count()
}

#[test]
fn an_image_in_the_trash_is_brought_back_by_whoever_needs_it() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace("w");
    let image = workspace.config().expect("a description").era[0].image;
    let trash = fixture.root.join("store/trash/images");
    std::fs::create_dir_all(&trash).expect("a directory");
    let place = fixture.root.join("store/images").join(image.to_string());
    std::fs::rename(&place, trash.join(image.to_string())).expect("moved");
    open_image(fixture.home.store(), &image).expect("it opens");
    assert!(place.exists());
    assert!(roots(&fixture.home).expect("readable roots").images.contains(&image));
}

#[test]
fn an_unreadable_record_stops_the_collection() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    for number in 0..9 {
        create_file(&mut workspace, ROOT, &number.to_string());
    }
    workspace.sync().expect("synced");
    let path = crate::support::open_segment(&workspace);
    let mut bytes = std::fs::read(&path).expect("a segment");
    bytes[400] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let options = GcOptions { grace: Duration::ZERO, dry_run: false };
    match collect(&fixture.home, &options) {
        Err(CollectError::Roots(WorkspaceError::Damaged { workspace, .. })) => {
            assert_eq!(workspace, "w");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_process_that_has_a_dropped_workspace_open_gets_an_error() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    drop_workspace(&fixture.home, "w").expect("dropped");
    let change = Change::Unlink { parent: ROOT, name: b"x" };
    assert!(matches!(workspace.change(&change), Err(WorkspaceError::NoSuchWorkspace(_))));
}

#[test]
fn snapshots_name_states_and_forgetting_keeps_what_they_name() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "one");
    let named = workspace.snapshot("first").expect("a snapshot");
    let state = picture(workspace.tree());
    assert!(matches!(workspace.snapshot("first"), Err(WorkspaceError::SnapshotExists { .. })));
    assert!(matches!(workspace.snapshot("123"), Err(WorkspaceError::BadName(_))));
    create_file(&mut workspace, ROOT, "two");
    workspace.compact().expect("compaction");
    workspace.compact().expect("compaction");
    workspace.forget().expect("forgotten");
    assert_eq!(workspace.resolve(&Moment::Snapshot("first".into())).expect("named"), named);
    assert_eq!(picture(&workspace.view(named).expect("a state")), state);

    workspace.drop_snapshot("first").expect("dropped");
    assert!(workspace.forget().expect("forgotten") > 0);
    assert!(matches!(workspace.view(named), Err(WorkspaceError::NoSuchState { .. })));
    assert_eq!(names(workspace.tree(), ""), ["one", "two"]);
}

#[test]
fn node_numbers_are_never_given_twice() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let first = create_file(&mut workspace, ROOT, "gone").node;
    workspace.change(&Change::Unlink { parent: ROOT, name: b"gone" }).expect("unlink");
    workspace.compact().expect("compaction");
    let second = create_file(&mut workspace, ROOT, "new").node;
    assert!(second > first);
    let kept = number(workspace.tree(), "new");
    workspace.compact().expect("compaction");
    assert_eq!(number(workspace.tree(), "new"), kept);
}

#[test]
fn replacing_the_tree_is_one_step_and_is_refused_if_the_tree_changed_meanwhile() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let seen = workspace.head();
    create_file(&mut workspace, ROOT, "mine");
    let before = (workspace.head(), picture(workspace.tree()));
    let image = empty_image(&fixture.home);
    let mut replacement =
        Replacement { expected: Some(seen), ..Replacement::plain(image, Reason::Ingest) };
    assert!(matches!(workspace.replace(&replacement), Err(WorkspaceError::ChangedMeanwhile(_))));
    assert_eq!(names(workspace.tree(), ""), ["mine"]);

    replacement.expected = Some(before.0);
    let mut other = Workspace::open(&fixture.home, "w").expect("it exists");
    let step = workspace.replace(&replacement).expect("replaced");
    assert_eq!(step, before.0 + 1);
    assert!(names(workspace.tree(), "").is_empty());
    assert_eq!(picture(&workspace.view(before.0).expect("the state before")), before.1);
    // Another process sees the old tree until it looks again, and writes to the new one.
    assert_eq!(names(other.tree(), ""), ["mine"]);
    create_file(&mut other, ROOT, "after");
    assert_eq!(names(other.tree(), ""), ["after"]);
}

#[test]
fn looking_at_a_workspace_is_no_use_of_it_and_opening_it_is() {
    let fixture = Fixture::new();
    let used = fixture.workspace("w").last_use();
    assert!(used > 0);
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(Workspace::look(&fixture.home, "w").expect("it exists").last_use(), used);
    assert!(Workspace::open(&fixture.home, "w").expect("it exists").last_use() > used);
}

#[test]
fn every_era_knows_when_it_began_and_a_fork_knows_it_too() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "one");
    workspace.compact().expect("compaction");
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    let times = |workspace: &Workspace| {
        let config = workspace.config().expect("a description");
        config.era.iter().map(|era| era.time).collect::<Vec<_>>()
    };
    let began = times(&workspace);
    assert!(began[0] > 0 && began[1] >= began[0], "{began:?}");
    let fork = Workspace::open(&fixture.home, "fork").expect("it exists");
    assert_eq!(times(&fork), began);
}

#[test]
fn resetting_brings_back_the_nodes_of_that_state_and_keeps_the_way_there() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let states = fill(&mut workspace);
    let (seq, then) = &states[4];
    let now = (workspace.head(), picture(workspace.tree()));
    let tree = workspace.view(*seq).expect("a state");
    workspace.reset_to(&tree, u64::MAX).expect("reset");
    assert_eq!(&picture(workspace.tree()), then);
    assert_eq!(picture(&workspace.view(now.0).expect("a state")), now.1);
    // Numbers given since then are not given again.
    let highest = now.1.len() as u64;
    assert!(create_file(&mut workspace, ROOT, "new").node > highest);
}

#[test]
fn resetting_to_another_workspace_gives_numbers_that_were_never_used() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let mine = create_file(&mut workspace, ROOT, "mine").node;
    let mut other = fixture.workspace("other");
    let theirs = create_file(&mut other, ROOT, "theirs").node;
    assert_eq!(mine, theirs);
    other.change(&Change::Link { node: theirs, parent: ROOT, name: b"link" }).expect("link");
    let xattr = Change::SetXattr { node: ROOT, name: b"user.x", value: Some(b"y") };
    other.change(&xattr).expect("an attribute");
    workspace.reset_to(other.tree(), 0).expect("reset");
    assert_eq!(names(workspace.tree(), ""), ["link", "theirs"]);
    assert!(number(workspace.tree(), "theirs") > mine);
    assert_eq!(number(workspace.tree(), "theirs"), number(workspace.tree(), "link"));
    let root = workspace.tree().xattrs(workspace.tree().root()).expect("sound");
    assert_eq!(root, [(b"user.x".to_vec(), b"y".to_vec())]);
}

#[test]
fn a_store_that_is_only_read_shows_the_state_that_its_journal_ends_with() {
    let fixture = Fixture::new();
    // Never opened by anyone: the control page says nothing yet.
    crate::support::create(&fixture.home, "untouched");
    let mut workspace = fixture.workspace("w");
    let states = fill(&mut workspace);
    workspace.sync().expect("synced");
    let head = workspace.head();
    drop(workspace);
    restart_machine(&fixture.root, "w");
    let store = vrift_cas::Store::open_read_only(fixture.root.join("store")).expect("a store");
    let home = vrift_manifest::workspace::Home::new(std::sync::Arc::new(store), &[]);
    let untouched = Workspace::open(&home, "untouched").expect("it opens");
    assert_eq!(untouched.head(), 0);
    let read = Workspace::open(&home, "w").expect("it opens");
    assert_eq!(read.head(), head);
    assert_eq!(picture(read.tree()), states.last().expect("states").1);
    assert_eq!(picture(&read.view(states[2].0).expect("a state")), states[2].1);
}
