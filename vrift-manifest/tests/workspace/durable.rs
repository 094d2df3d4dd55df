//! What was acknowledged as durable is there after the machine went down, whole, and is never cut away for another
//! reason; what stands behind it is an exact prefix with all its content.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use vrift_cas::Digest;
use vrift_manifest::journal::Reason;
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::{Moment, Replacement, Workspace, WorkspaceError};

use crate::support::{
    Fixture, control_path, create_file, empty_image, names, open_segment, picture, restart_machine,
};

/// The machine goes down, and of the journal nothing behind `length` was on the disk.
fn power_cut(fixture: &Fixture, workspace: Workspace, length: u64) {
    let path = open_segment(&workspace);
    let end = workspace.journal_bytes();
    drop(workspace);
    let segment = fs::File::options().write(true).open(path).expect("a segment");
    segment.write_all_at(&vec![0; (end - length) as usize], length).expect("written");
    restart_machine(&fixture.root, "w");
}

fn put(workspace: &mut Workspace, name: &str, content: &[u8]) -> Digest {
    let blob = workspace.store().put_bytes(content).expect("a blob");
    let node = create_file(workspace, ROOT, name).node;
    let change = Change::SetContent { node, digest: blob.digest, size: blob.size, mtime: None };
    workspace.change(&change).expect("content");
    blob.digest
}

fn lose(workspace: &Workspace, digest: Digest) {
    let hex = digest.to_string();
    let path = workspace.store().root().join("blobs").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(path).expect("removed");
}

#[test]
fn a_second_name_for_the_same_state_survives_a_power_cut_too() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "file");
    // All that the first snapshot has brought to the disk: the record that says so is not.
    let synced = workspace.journal_bytes();
    workspace.snapshot("first").expect("a snapshot");
    workspace.snapshot("second").expect("a snapshot");
    let state = picture(workspace.tree());
    power_cut(&fixture, workspace, synced);
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert!(workspace.damage().is_none());
    for name in ["first", "second"] {
        let seq = workspace.resolve(&Moment::Snapshot(name.into())).expect("a name");
        assert_eq!(picture(&workspace.view(seq).expect("its state")), state, "{name}");
    }
}

#[test]
fn content_missing_from_what_was_synced_does_not_cut_the_history() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let lost = put(&mut workspace, "lost", b"this rots");
    create_file(&mut workspace, ROOT, "synced");
    workspace.sync().expect("synced");
    create_file(&mut workspace, ROOT, "later");
    lose(&workspace, lost);
    drop(workspace);
    restart_machine(&fixture.root, "w");
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(workspace.tree(), ""), ["later", "lost", "synced"]);
    assert!(workspace.cuts().is_empty());
}

#[test]
fn content_missing_from_what_was_not_synced_is_no_part_of_the_tree() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    put(&mut workspace, "synced", b"whole");
    workspace.sync().expect("synced");
    let lost = put(&mut workspace, "lost", b"never reached the disk");
    create_file(&mut workspace, ROOT, "later");
    lose(&workspace, lost);
    drop(workspace);
    restart_machine(&fixture.root, "w");
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    // The file is there, empty, as it was before it had content.
    assert_eq!(names(workspace.tree(), ""), ["lost", "synced"]);
    assert_eq!(workspace.cuts().len(), 1);
}

#[test]
fn zeros_where_synced_records_were_are_damage_though_nothing_stands_behind_them() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "one");
    let one = workspace.journal_bytes();
    create_file(&mut workspace, ROOT, "two");
    workspace.sync().expect("synced");
    power_cut(&fixture, workspace, one);
    let mut workspace = Workspace::open(&fixture.home, "w").expect("it can be read");
    assert!(matches!(workspace.damage(), Some(WorkspaceError::Damaged { seq: 2, .. })));
    assert_eq!(names(workspace.tree(), ""), ["one"]);
    assert_eq!(workspace.head(), 1);
    workspace.repair().expect("repaired").expect("something was damaged");
    create_file(&mut workspace, ROOT, "three");
    restart_machine(&fixture.root, "w");
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert!(workspace.damage().is_none());
    assert_eq!(names(workspace.tree(), ""), ["one", "three"]);
}

/// A replacer of the tree died, while the machine went on.
fn leave_odd_epoch(fixture: &Fixture) {
    let page = fs::File::options().read(true).write(true).open(control_path(&fixture.root, "w"));
    let page = page.expect("a control page");
    let mut epoch = [0; 8];
    page.read_exact_at(&mut epoch, 16 * 8).expect("readable");
    let epoch = u64::from_le_bytes(epoch) | 1;
    page.write_all_at(&epoch.to_le_bytes(), 16 * 8).expect("written");
}

#[test]
fn a_builder_that_died_is_no_power_cut() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let lost = put(&mut workspace, "lost", b"gone for another reason");
    create_file(&mut workspace, ROOT, "later");
    let (segment, end) = (open_segment(&workspace), workspace.journal_bytes());
    lose(&workspace, lost);
    drop(workspace);
    leave_odd_epoch(&fixture);
    let workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    assert_eq!(names(workspace.tree(), ""), ["later", "lost"]);
    drop(workspace);

    // A flipped bit with something valid behind it is damage then, and nothing is cut.
    let file = fs::File::options().write(true).open(&segment).expect("a segment");
    file.write_all_at(&[0xff], 90).expect("written");
    let bytes = fs::read(&segment).expect("readable");
    leave_odd_epoch(&fixture);
    let workspace = Workspace::open(&fixture.home, "w").expect("it can be read");
    assert!(workspace.damage().is_some());
    assert!(end > 200 && fs::read(&segment).expect("readable") == bytes);
}

#[test]
fn repairing_a_closed_segment_keeps_the_segments_behind_it_aside_too() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    for file in 0..6 {
        create_file(&mut workspace, ROOT, &file.to_string());
    }
    let shared = open_segment(&workspace);
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    let mut fork = Workspace::open(&fixture.home, "fork").expect("it opens");
    create_file(&mut fork, ROOT, "of the fork's own");
    let own = fs::read(open_segment(&fork)).expect("readable");
    drop((workspace, fork));
    let file = fs::File::options().write(true).open(&shared).expect("a segment");
    file.write_all_at(&[0xff; 8], 200).expect("written");
    restart_machine(&fixture.root, "fork");
    let mut fork = Workspace::open(&fixture.home, "fork").expect("it can be read");
    fork.repair().expect("repaired").expect("something was damaged");
    let journals = fs::read_dir(shared.parent().expect("a parent")).expect("a directory");
    let kept = journals.map(|entry| entry.expect("an entry").path());
    let kept: Vec<Vec<u8>> = kept
        .filter(|path| path.to_string_lossy().contains(".cut-"))
        .map(|path| fs::read(path).expect("readable"))
        .collect();
    assert_eq!(kept.len(), 2);
    let whole = |kept: &Vec<u8>| kept.len() > 100 && own.starts_with(kept);
    assert!(kept.iter().any(whole), "the fork's own records can be read by hand");
}

#[test]
fn two_that_repair_the_same_damage_do_not_cut_what_came_between() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    for file in 0..6 {
        create_file(&mut workspace, ROOT, &file.to_string());
    }
    workspace.sync().expect("synced");
    let segment = fs::File::options().write(true).open(open_segment(&workspace));
    segment.expect("a segment").write_all_at(&[0; 16], 200).expect("written");
    drop(workspace);
    restart_machine(&fixture.root, "w");
    let mut first = Workspace::open(&fixture.home, "w").expect("it can be read");
    let mut second = Workspace::open(&fixture.home, "w").expect("it can be read");
    first.repair().expect("repaired").expect("something was damaged");
    create_file(&mut first, ROOT, "between");
    assert_eq!(second.repair().expect("nothing is left to repair"), None);
    assert!(names(second.tree(), "").contains(&"between".to_owned()));
    let fresh = Workspace::open(&fixture.home, "w").expect("it opens");
    assert!(names(fresh.tree(), "").contains(&"between".to_owned()));
}

#[test]
fn numbers_and_stamps_go_on_when_the_tree_is_replaced_by_an_older_one() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let image = empty_image(&fixture.home);
    let last = (0..5).map(|file| create_file(&mut workspace, ROOT, &file.to_string())).last();
    let last = last.expect("a file");
    let replacement = Replacement::plain(image, Reason::Reset);
    workspace.replace(&replacement).expect("replaced");
    restart_machine(&fixture.root, "w");
    let mut workspace = Workspace::open(&fixture.home, "w").expect("it opens");
    let new = create_file(&mut workspace, ROOT, "new");
    assert!(new.node > last.node, "{} was another node's number", new.node);
    assert!(new.time >= last.time);
}

#[test]
fn forking_while_the_past_is_forgotten_gives_the_state_or_says_that_it_is_gone() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for file in 0..25 {
                create_file(&mut workspace, ROOT, &file.to_string());
                workspace.compact().expect("folded");
                workspace.forget().expect("forgotten");
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut forks = 0;
        while !done.load(Ordering::SeqCst) {
            let mut other = Workspace::open(&fixture.home, "w").expect("it opens");
            forks += 1;
            let name = format!("fork-{forks}");
            for moment in [Moment::Now, Moment::Seq(other.head())] {
                match other.fork(&moment, &name) {
                    Ok(()) => {
                        let fork = Workspace::open(&fixture.home, &name).expect("it opens");
                        picture(fork.tree());
                        break;
                    }
                    Err(WorkspaceError::NoSuchState { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            let name = format!("name-{forks}");
            let named = other.snapshot(&name).expect("a snapshot");
            picture(&other.view(named).expect("a state that has a name is not forgotten"));
        }
        assert!(forks > 0);
    });
}
