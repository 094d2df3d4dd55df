//! What a workspace as a whole does with files that are being written.

use std::fs::File;
use std::io::{Read, Write};

use rustix::fs::OFlags;
use vrift_cas::{Digest, GcOptions};
use vrift_manifest::journal::{Operation, Reason};
use vrift_manifest::session::{Seal, Session, SessionError};
use vrift_manifest::workspace::{Entry, Moment, Replacement, Workspace, WorkspaceError, collect};

use crate::support::{
    Fixture, append, as_somebody, at, author, content, create, drafts, node, restart_machine, write,
};

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);

/// A file that is open and has this much in it.
fn being_written(session: &Session, name: &str, bytes: &[u8]) -> File {
    let mut file = File::from(create(session, name, WRITE).expect("made").1);
    file.write_all(bytes).expect("written");
    file
}

fn digest(workspace: &Workspace, name: &str) -> Digest {
    let tree = workspace.tree();
    let at = tree.child(tree.root(), name.as_bytes()).expect("a tree").expect(name);
    tree.digest(at).expect("a tree").expect("a file")
}

#[test]
fn what_is_closed_is_sealed_and_what_is_open_is_named() {
    let fixture = Fixture::new();
    let session = fixture.session();
    drop(being_written(&session, "closed", b"closed"));
    let open = being_written(&session, "open", b"open");
    let mut workspace = fixture.workspace();
    assert_eq!(workspace.drafts().len(), 2);
    workspace.set_author(author());
    let report = workspace.seal_drafts().expect("sealed");
    assert_eq!((report.sealed, report.new_bytes, report.failed.len()), (1, 6, 0));
    let busy: Vec<&[u8]> = report.busy.iter().map(|left| left.path.as_slice()).collect();
    assert_eq!(busy, [b"open"]);
    assert_eq!(digest(&workspace, "closed"), Digest::of(b"closed"));
    assert_eq!(digest(&workspace, "open"), Digest::EMPTY);
    let cursor = at(&session, "open");
    assert_eq!(workspace.shown(cursor).expect("shown").size, 4);
    let mut text = String::new();
    let draft = workspace.open_draft(cursor).expect("readable").expect("a draft");
    (&draft).read_to_string(&mut text).expect("text");
    assert_eq!(text, "open");
    drop(open);
    assert_eq!(workspace.seal_drafts().expect("sealed").sealed, 1);
    assert_eq!(workspace.seal_drafts().expect("sealed"), Default::default());
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn a_snapshot_and_a_fork_have_what_was_closed_and_the_fork_none_of_the_drafts() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "open", b"before");
    let flags = WRITE | OFlags::APPEND;
    let open = as_somebody(|who| session.open_for_writing(who, node(&session, "open"), flags));
    let mut open = File::from(open.expect("opened"));
    open.write_all(b" and after").expect("written");
    drop(being_written(&session, "closed", b"closed"));
    let mut workspace = fixture.workspace();
    let named = workspace.snapshot("named").expect("named");
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    let view = workspace.view(named).expect("a state");
    let fork = Workspace::open(&fixture.home, "fork").expect("it opens");
    for tree in [&view, fork.tree()] {
        let get = |name: &[u8]| tree.child(tree.root(), name).expect("a tree").expect("a file");
        assert_eq!(tree.digest(get(b"open")), Ok(Some(Digest::of(b"before"))));
        assert_eq!(tree.digest(get(b"closed")), Ok(Some(Digest::of(b"closed"))));
        assert_eq!((tree.draft(get(b"open")), tree.draft(get(b"closed"))), (None, None));
    }
    // The one that it was forked from goes on.
    assert_eq!(content(&session, "open"), b"before and after");
    drop(open);
    let handover = vrift_manifest::handover::Handover::of(&fork).expect("a handover");
    let there = Session::attach(&handover).expect("a session");
    assert_eq!(content(&there, "open"), b"before");
    append(&there, "open", b" otherwise");
    assert_eq!(content(&there, "open"), b"before otherwise");
    assert_eq!(content(&session, "open"), b"before and after");
}

#[test]
fn folding_the_journal_keeps_what_is_being_written() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let mut files: Vec<File> =
        (0..30).map(|file| being_written(&session, &format!("f{file}"), b"one ")).collect();
    let mut workspace = fixture.workspace();
    workspace.compact().expect("folded");
    assert_eq!(workspace.drafts().len(), 30);
    assert!(!session.is_in_force());
    let session = fixture.session();
    for (place, file) in files.iter_mut().enumerate() {
        file.write_all(b"two").expect("written");
        assert_eq!(content(&session, &format!("f{place}")), b"one two");
    }
    drop(files);
    // Also when the index is lost, so that the journal decides.
    for entry in std::fs::read_dir(&fixture.handover.runtime).expect("a directory") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let report = fixture.workspace().seal_drafts().expect("sealed");
    assert_eq!((report.sealed, report.busy.len()), (30, 0));
    assert_eq!(content(&fixture.session(), "f7"), b"one two");
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn a_session_at_the_bound_of_its_journal_goes_on_with_its_drafts() {
    let fixture = Fixture::new();
    let bounds = vrift_manifest::workspace::Bounds { journal: 64 << 10, index: 64 << 20 };
    let attach = || fixture.session().with_bounds(bounds);
    let mut session = attach();
    let mut retired = 0;
    for file in 0..400 {
        let name = format!("f{file}");
        let made = loop {
            match create(&session, &name, WRITE) {
                Err(SessionError::Retired) => {
                    retired += 1;
                    session = attach();
                }
                other => break other.expect("made"),
            }
        };
        File::from(made.1).write_all(name.as_bytes()).expect("written");
        if file % 2 == 0 {
            let seal = || as_somebody(|who| session.seal(who, made.0));
            match seal() {
                Err(SessionError::Retired) => {
                    retired += 1;
                    session = attach();
                    as_somebody(|who| session.seal(who, made.0)).expect("sealed");
                }
                other => assert!(matches!(other, Ok(Seal::Sealed { .. })), "{other:?}"),
            }
        }
    }
    assert!(retired > 1, "{retired}");
    let session = fixture.session();
    for file in 0..400 {
        let name = format!("f{file}");
        assert_eq!(content(&session, &name), name.as_bytes());
    }
    assert_eq!(fixture.workspace().drafts().len(), 200);
    assert_eq!(drafts(&fixture), 200);
}

#[test]
fn a_tree_is_not_replaced_under_one_who_began_to_write() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let mut workspace = fixture.workspace();
    let image = workspace.config().expect("a description").era[0].image;
    let replace = |expected| Replacement { expected, ..Replacement::plain(image, Reason::Ingest) };
    let seen = workspace.head();
    let file = being_written(&session, "f", b"text");
    let refused = workspace.replace(&replace(Some(seen)));
    assert!(matches!(refused, Err(WorkspaceError::ChangedMeanwhile(_))), "{refused:?}");
    assert_eq!(content(&session, "f"), b"text");
    // Who insists has it.
    workspace.replace(&replace(None)).expect("replaced");
    assert!(workspace.drafts().is_empty());
    assert_eq!(drafts(&fixture), 0);
    drop(file);
    assert!(!session.is_in_force());
}

#[test]
fn what_was_being_written_when_the_machine_went_down_is_put_aside() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"sealed");
    append(&session, "f", b" and torn");
    drop(being_written(&session, "new", b"torn"));
    drop(session);
    fixture.workspace().sync().expect("synced");
    restart_machine(&fixture);
    let workspace = fixture.workspace();
    let aside = workspace.drafts_aside();
    assert_eq!(aside.len(), 2);
    let texts: Vec<_> = aside.iter().map(|path| std::fs::read(path).expect("readable")).collect();
    assert!(texts.contains(&b"sealed and torn".to_vec()) && texts.contains(&b"torn".to_vec()));
    assert!(workspace.drafts().is_empty());
    for _ in 0..2 {
        let session = fixture.session();
        assert_eq!(content(&session, "f"), b"sealed");
        assert_eq!(content(&session, "new"), b"");
        append(&session, "f", b"!");
        assert_eq!(content(&session, "f"), b"sealed!");
        let seal = |who: &vrift_manifest::session::Who<'_>| {
            session.seal_draft(who, node(&session, "f"), true)
        };
        as_somebody(seal).expect("sealed");
        as_somebody(|who| session.truncate(who, node(&session, "f"), 6)).expect("cut");
        as_somebody(seal).expect("sealed");
        drop(session);
        // Built again in the same boot, they are none either.
        for entry in std::fs::read_dir(&fixture.handover.runtime).expect("a directory") {
            std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
    }
    assert_eq!(fixture.workspace().drafts_aside().len(), 2);
}

#[test]
fn gc_keeps_what_a_file_had_before_it_was_written_and_what_was_sealed() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"before");
    append(&session, "f", b" and after");
    let options = GcOptions { grace: std::time::Duration::ZERO, ..GcOptions::default() };
    for _ in 0..2 {
        collect(&fixture.home, &options).expect("collected");
    }
    assert!(fixture.home.store().contains(&Digest::of(b"before")).expect("readable"));
    assert_eq!(content(&session, "f"), b"before and after");
    as_somebody(|who| session.seal_draft(who, node(&session, "f"), true)).expect("sealed");
    for _ in 0..2 {
        collect(&fixture.home, &options).expect("collected");
    }
    assert_eq!(content(&session, "f"), b"before and after");
}

#[test]
fn history_says_who_began_to_write_and_who_sealed() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"text");
    drop(being_written(&session, "g", b"text"));
    let mut workspace = fixture.workspace();
    workspace.seal_drafts().expect("sealed");
    let mut seen = Vec::new();
    workspace
        .for_each_record(1, u64::MAX, |entry: &Entry<'_>| {
            let process = entry.record.process;
            match entry.record.operation {
                Operation::DraftOpened { node, .. } => seen.push(("opened", node, process)),
                Operation::Sealed { node, kept: false, .. } => seen.push(("sealed", node, process)),
                _ => {}
            }
            true
        })
        .expect("a history");
    let (f, g) = (node(&session, "f"), node(&session, "g"));
    assert!(
        matches!(
            seen[..],
            [("opened", a, 1..), ("sealed", b, 1..), ("opened", c, 1..), ("sealed", d, 0)]
                if a == f && b == f && c == g && d == g
        ),
        "{seen:?}"
    );
}

#[test]
fn what_killed_writers_left_goes_when_it_is_old_and_a_draft_in_use_never() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let mut looking = fixture.workspace();
    // The one that looks has an old tree.
    fixture.workspace().compact().expect("folded");
    let session = if session.is_in_force() { session } else { fixture.session() };
    let mut open = being_written(&session, "f", b"text");
    std::fs::write(fixture.handover.drafts().join("77.88"), b"left over").expect("written");
    // ctime cannot be set: nothing is an hour old here, so nothing goes; what is in use stays whatever its age.
    looking.seal_drafts().expect("sealed");
    assert_eq!(drafts(&fixture), 2);
    assert_eq!(looking.drafts().len(), 1, "it has looked at the tree in force");
    open.write_all(b" and more").expect("written");
    assert_eq!(content(&session, "f"), b"text and more");
}
