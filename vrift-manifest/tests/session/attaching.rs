//! Attaching, reading and changing without drafts.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::journal::Operation;
use vrift_manifest::session::{Seal, Session, SessionError, Who};
use vrift_manifest::tree::Change;
use vrift_manifest::workspace::{Author, Bounds, drop_workspace};

use crate::support::{Fixture, TOP, as_somebody, at, author, make, node, read};

fn content(fixture: &Fixture, session: &Session, name: &str, bytes: &[u8]) {
    as_somebody(|who| {
        let node = session.change(who, &make(TOP, name, 0o100644)).expect("made").node;
        let (digest, size) = (fixture.put(bytes), bytes.len() as u64);
        let change = Change::SetContent { node, digest, size, mtime: None };
        session.change(who, &change).expect("content");
    });
}

#[test]
fn what_a_session_changes_everybody_sees_at_once() {
    let fixture = Fixture::new();
    let (one, other) = (fixture.session(), fixture.session());
    content(&fixture, &one, "f", b"hello");
    for session in [&one, &other] {
        let file = session.open_for_reading(node(session, "f"), OFlags::CLOEXEC).expect("opened");
        assert_eq!(read(file), b"hello");
        let shown = session.attributes(at(session, "f")).expect("attributes");
        assert_eq!((shown.attributes.size, shown.blocks), (5, 8));
    }
    let workspace = fixture.workspace();
    let found = workspace.tree().child(workspace.tree().root(), b"f").expect("a tree");
    assert_eq!(workspace.tree().attributes(found.expect("a file")).expect("attributes").size, 5);
    assert!(one.is_in_force() && other.is_in_force());
}

#[test]
fn a_process_is_described_once_before_its_first_change_and_not_for_one_that_is_refused() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let process = AtomicU64::new(0);
    let asked = AtomicU64::new(0);
    let author = || {
        asked.fetch_add(1, Ordering::Relaxed);
        Author { pid: 77, ..author() }
    };
    let who = Who { process: &process, author: &author };
    let refused = session.change(&who, &Change::Unlink { parent: TOP, name: b"none" });
    assert_eq!(refused, Err(SessionError::Errno(Errno::NOENT)));
    assert_eq!(process.load(Ordering::Relaxed), 0);
    for name in ["a", "b", "c"] {
        session.change(&who, &make(TOP, name, 0o100644)).expect("made");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2, "once for each try before it had a number");
    let workspace = fixture.workspace();
    let mut seen = Vec::new();
    let each = |entry: &vrift_manifest::workspace::Entry<'_>| {
        seen.push(match entry.record.operation {
            Operation::Process { pid, .. } => (pid, 0),
            _ => (0, entry.record.process),
        });
        true
    };
    workspace.for_each_record(1, u64::MAX, each).expect("a history");
    let number = process.load(Ordering::Relaxed);
    assert_eq!(seen, [(77, 0), (0, number), (0, number), (0, number)]);
}

#[test]
fn a_session_is_over_when_the_tree_is_replaced_and_goes_on_being_readable() {
    let fixture = Fixture::new();
    let session = fixture.session();
    content(&fixture, &session, "f", b"hello");
    fixture.workspace().compact().expect("folded");
    assert!(!session.is_in_force());
    let file = session.open_for_reading(node(&session, "f"), OFlags::CLOEXEC).expect("opened");
    assert_eq!(read(file), b"hello");
    as_somebody(|who| {
        let refused = session.change(who, &make(TOP, "g", 0o100644));
        assert_eq!(refused, Err(SessionError::Retired));
        fixture.session().change(who, &make(TOP, "g", 0o100644)).expect("made");
    });
}

/// Whoever comes by what was in force a moment ago finds a draft there that has been sealed or removed since.
#[test]
fn a_draft_that_went_after_the_tree_was_replaced_is_no_damage() {
    let fixture = Fixture::new();
    content(&fixture, &fixture.session(), "f", b"hello");
    content(&fixture, &fixture.session(), "g", b"hello");
    let session = fixture.session();
    as_somebody(|who| {
        let writing = ["f", "g"].map(|name| {
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            session.open_for_writing(who, node(&session, name), flags).expect("a draft")
        });
        fixture.workspace().compact().expect("folded");
        drop(writing);
        let later = fixture.session();
        assert!(matches!(later.seal_draft(who, node(&later, "f"), true), Ok(Seal::Sealed { .. })));
        later.change(who, &Change::Unlink { parent: TOP, name: b"g" }).expect("removed");
        for name in ["f", "g"] {
            let node = node(&session, name);
            let found = session.open_for_reading(node, OFlags::CLOEXEC).err();
            assert_eq!(found, Some(SessionError::Retired), "{name}");
            assert_eq!(session.seal_draft(who, node, true).err(), Some(SessionError::Retired));
            let shown = session.attributes(at(&session, name)).err();
            assert_eq!(shown, Some(SessionError::Retired), "{name}");
        }
    });
}

#[test]
fn an_index_that_is_missing_is_built_again() {
    let fixture = Fixture::new();
    content(&fixture, &fixture.session(), "f", b"hello");
    for entry in std::fs::read_dir(&fixture.handover.runtime).expect("a directory") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let session = fixture.session();
    assert_eq!(session.attributes(at(&session, "f")).expect("attributes").attributes.size, 5);
}

#[test]
fn a_workspace_that_is_gone_or_another_one_is_not_attached_to() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let mut other = fixture.handover.clone();
    other.id = "00000000000000000000000000000000".into();
    assert_eq!(Session::attach(&other).err(), Some(SessionError::Errno(Errno::NOENT)));
    other.workspace = "none".into();
    assert_eq!(Session::attach(&other).err(), Some(SessionError::Errno(Errno::NOENT)));
    drop_workspace(&fixture.home, "w").expect("dropped");
    assert!(!session.is_in_force());
    let gone = Some(SessionError::Errno(Errno::NOENT));
    assert_eq!(Session::attach(&fixture.handover).err(), gone);
}

#[test]
fn a_journal_at_its_bound_is_folded_and_the_change_made_after_that() {
    let fixture = Fixture::new();
    let bounds = Bounds { journal: 64 << 10, index: 64 << 20 };
    let mut session = fixture.session().with_bounds(bounds);
    let mut retired = 0;
    as_somebody(|who| {
        for number in 0..1500 {
            let name = format!("file-{number}");
            let done = session.change(who, &make(TOP, &name, 0o100644));
            if done == Err(SessionError::Retired) {
                retired += 1;
                session = fixture.session().with_bounds(bounds);
                session.change(who, &make(TOP, &name, 0o100644)).expect("made");
            } else {
                done.expect("made");
            }
        }
    });
    assert!(retired > 0);
    let children = session.tree().children(session.tree().root()).expect("a directory");
    assert_eq!(children.count(), 1500);
}

/// The one who takes a workspace over after a restart puts the index in force before he says that he has looked at everything.
/// There the index is in memory, and so of this boot; what the control page says may be of an earlier one all the same.
#[test]
fn a_taking_over_that_was_not_finished_is_finished_before_a_session_uses_the_index() {
    use std::os::unix::fs::FileExt;
    let memory = std::path::Path::new("/dev/shm");
    if tempfile::tempdir_in(memory).is_err() {
        return; // There are machines on which root alone may write there.
    }
    let fixture = Fixture::at(memory);
    let path = fixture.handover.directory().join("control");
    let page = std::fs::File::options().read(true).write(true).open(path).expect("a page");
    let words = |at: u64| {
        let mut bytes = [0; 16];
        page.read_exact_at(&mut bytes, at * 8).expect("read");
        bytes
    };
    let (lock_of, taken_by) = (words(10), words(18));
    page.write_all_at(&[0x5a; 16], 18 * 8).expect("written");
    let session = fixture.session();
    assert_eq!(words(18), taken_by, "somebody has looked at everything");
    as_somebody(|who| session.change(who, &make(TOP, "f", 0o100644))).expect("made");
    assert_eq!(words(10), lock_of, "the lock is whose it was");
}
