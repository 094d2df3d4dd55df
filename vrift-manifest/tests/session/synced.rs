//! What a program has brought to the disk (`fsync`) is there after a power cut: here as if the machine had been started again,
//! with `scripts/power-cuts` on a real file system.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::fs::OFlags;
use vrift_manifest::session::{Seal, Session};
use vrift_manifest::tree::Change;

use crate::support::{
    Fixture, TOP, append, as_somebody, check_blobs, content, create, drafts, in_directory, node,
    restart_machine, write,
};

fn open(session: &Session, name: &str) -> File {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
    let opened = as_somebody(|who| session.open_for_writing(who, node(session, name), flags))
        .expect("opened");
    File::from(opened)
}

/// As fsync of a file of the tree.
fn sync(session: &Session, name: &str, file: &File) {
    let node = node(session, name);
    as_somebody(|who| session.sync_content(who, node, file.as_fd())).expect("synced");
}

fn new(session: &Session, name: &str, text: &[u8]) -> File {
    let (_, file) = create(session, name, OFlags::RDWR | OFlags::CLOEXEC).expect("made");
    let mut file = File::from(file);
    file.write_all(text).expect("written");
    file
}

fn seal_now(session: &Session, name: &str) -> Seal {
    as_somebody(|who| session.seal_draft(who, node(session, name), true)).expect("sealed or not")
}

fn segments(fixture: &Fixture) -> Vec<(PathBuf, Vec<u8>)> {
    let journals = fixture.root.join("store/journals");
    let entries = std::fs::read_dir(journals).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.clone(), std::fs::read(path).expect("readable"))).collect()
}

/// Starts the machine again, with the journal as it was then: the rest of it was not on the disk.
fn restart_with(fixture: &Fixture, journal: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in journal {
        std::fs::write(path, bytes).expect("written");
    }
    restart_machine(fixture);
}

#[test]
fn a_file_that_was_synced_and_is_open_has_what_was_written_after_a_restart_and_another_has_not() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"sealed");
    let mut file = open(&session, "f");
    file.write_all(b" and synced").expect("written");
    sync(&session, "f", &file);
    // What is written later is there or not, as with any file.
    file.write_all(b" and later").expect("written");
    let made = new(&session, "new", b"synced, too");
    sync(&session, "new", &made);
    let other = new(&session, "other", b"torn");
    drop((file, made, other, session));
    restart_machine(&fixture);
    let workspace = fixture.workspace();
    assert_eq!(workspace.drafts_aside().len(), 1);
    for _ in 0..2 {
        let session = fixture.session();
        assert_eq!(content(&session, "f"), b"sealed and synced and later");
        assert_eq!(content(&session, "new"), b"synced, too");
        assert_eq!(content(&session, "other"), b"");
        drop(session);
        // Built again in the same boot, and after another restart.
        restart_machine(&fixture);
    }
    let session = fixture.session();
    append(&session, "f", b"!");
    assert!(matches!(seal_now(&session, "f"), Seal::Sealed { .. }));
    assert!(matches!(seal_now(&session, "new"), Seal::Sealed { .. }));
    drop(session);
    restart_machine(&fixture);
    let session = fixture.session();
    assert_eq!(content(&session, "f"), b"sealed and synced and later!");
    assert_eq!(content(&session, "new"), b"synced, too");
    check_blobs(&fixture, "afterwards");
}

#[test]
fn a_file_that_was_synced_and_sealed_is_whole_also_if_the_journal_did_not_reach_the_disk() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "same", b"the same");
    for (name, text) in [("f", &b"synced"[..]), ("g", b"the same")] {
        let file = new(&session, name, text);
        sync(&session, name, &file);
    }
    let journal = segments(&fixture);
    for name in ["f", "g"] {
        assert!(matches!(seal_now(&session, name), Seal::Sealed { .. }));
    }
    drop(session);
    restart_with(&fixture, &journal);
    let session = fixture.session();
    for (name, text) in [("f", &b"synced"[..]), ("g", b"the same"), ("same", b"the same")] {
        assert_eq!(content(&session, name), text, "{name}");
        append(&session, name, b"!");
        assert_eq!(content(&session, name), [text, b"!"].concat());
    }
    // Nobody has written the blobs.
    check_blobs(&fixture, "afterwards");
    let shown = session.attributes(crate::support::at(&session, "f")).expect("shown");
    assert!(shown.attributes.mtime.sec > 1_000_000_000, "the time is none of a blob");
}

#[test]
fn a_draft_that_has_gone_before_the_journal_says_so_leaves_what_was_sealed_last() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"sealed");
    let mut file = open(&session, "f");
    file.write_all(b" and synced").expect("written");
    sync(&session, "f", &file);
    for entry in std::fs::read_dir(fixture.handover.drafts()).expect("a directory") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    drop((file, session));
    restart_machine(&fixture);
    let session = fixture.session();
    assert_eq!(content(&session, "f"), b"sealed");
    append(&session, "f", b"!");
    assert_eq!(content(&session, "f"), b"sealed!");
}

#[test]
fn what_was_synced_is_sealed_when_there_is_need_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let file = new(&session, "f", b"synced");
    sync(&session, "f", &file);
    // Once more, which is the kernel's.
    assert!(Session::is_synced(rustix::fs::fstat(&file).expect("stat").st_mode));
    drop(file);
    let closed = as_somebody(|who| session.seal(who, node(&session, "f"))).expect("not sealed");
    assert_eq!((closed, drafts(&fixture)), (Seal::Later, 1));
    let report = fixture.workspace().seal_drafts().expect("sealed");
    assert_eq!((report.sealed, report.busy.len(), drafts(&fixture)), (1, 0, 0));
    assert_eq!(content(&session, "f"), b"synced");
}

#[test]
fn the_draft_of_a_file_that_was_removed_is_on_the_disk_until_its_removal_is() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let before = new(&session, "before", b"synced");
    sync(&session, "before", &before);
    let after = new(&session, "after", b"synced");
    sync(&session, "after", &after);
    let journal = segments(&fixture);
    let unlink = |name: &str| {
        let change = Change::Unlink { parent: TOP, name: name.as_bytes() };
        as_somebody(|who| session.change(who, &change)).expect("removed");
    };
    unlink("before");
    assert_eq!(drafts(&fixture), 2);
    session.sync_tree(true).expect("synced");
    assert_eq!(drafts(&fixture), 1);
    unlink("after");
    assert_eq!(drafts(&fixture), 1);
    restart_with(&fixture, &journal);
    // Of the one, the removal was on the disk, and this journal is older than that; of the other it was not.
    assert_eq!(content(&fixture.session(), "after"), b"synced");
}

#[test]
fn nothing_is_put_aside_that_was_sealed_or_removed() {
    let fixture = Fixture::new();
    let session = fixture.session();
    for name in ["sealed", "removed", "torn"] {
        let file = new(&session, name, name.as_bytes());
        if name != "torn" {
            sync(&session, name, &file);
        }
    }
    assert!(matches!(seal_now(&session, "sealed"), Seal::Sealed { .. }));
    let change = Change::Unlink { parent: TOP, name: b"removed" };
    as_somebody(|who| session.change(who, &change)).expect("removed");
    assert_eq!(drafts(&fixture), 3);
    drop(session);
    restart_machine(&fixture);
    let workspace = fixture.workspace();
    assert_eq!((workspace.drafts_aside().len(), drafts(&fixture)), (1, 0));
    assert_eq!(content(&fixture.session(), "sealed"), b"sealed");
}

#[test]
fn folding_the_journal_keeps_what_was_synced() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let file = new(&session, "f", b"synced");
    sync(&session, "f", &file);
    let torn = new(&session, "torn", b"not");
    fixture.workspace().compact().expect("folded");
    drop((session, file, torn));
    restart_machine(&fixture);
    assert_eq!(content(&fixture.session(), "f"), b"synced");
    assert_eq!(content(&fixture.session(), "torn"), b"");
}

fn root() -> PathBuf {
    PathBuf::from(std::env::var_os("VRIFT_TEST_ROOT").expect("started by a script only"))
}

/// Works until the power is cut, as a database does: a journal, then the file, then no journal. Argument: the directory for
/// what it tells, and a number that is this round's.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn syncing_child() {
    let argument = std::env::var("VRIFT_TEST_ARGUMENT").expect("given");
    let handover = in_directory(&root(), false).expect("a workspace");
    let (directory, round) = argument.split_once(' ').expect("two words");
    let told = PathBuf::from(directory).join("acknowledged");
    let mut acknowledged =
        File::options().append(true).create(true).open(told).expect("it can be written");
    let session = Session::attach(&handover).expect("a session");
    let name = format!("database-{round}");
    let database = new(&session, &name, b"");
    for turn in 0_u64.. {
        // What nobody has asked to be on the disk.
        write(&session, &format!("noise-{round}-{turn}"), &vec![turn as u8; 50_000]);
        let journal = format!("journal-{round}-{turn}");
        let file = new(&session, &journal, turn.to_string().as_bytes());
        sync(&session, &journal, &file);
        drop(file);
        as_somebody(|who| session.seal(who, node(&session, &journal))).expect("sealed or not");
        session.sync_tree(false).expect("synced");
        use std::os::unix::fs::FileExt;
        database.write_all_at(format!("{turn:020}").as_bytes(), 0).expect("written");
        let is_synced = Session::is_synced(rustix::fs::fstat(&database).expect("stat").st_mode);
        match is_synced {
            true => database.sync_all().expect("synced"),
            false => sync(&session, &name, &database),
        }
        acknowledged.write_all(format!("{name} {turn}\n").as_bytes()).expect("written");
        if turn % 3 > 0 {
            let change = Change::Unlink { parent: TOP, name: journal.as_bytes() };
            as_somebody(|who| session.change(who, &change)).expect("removed");
        }
    }
}

/// Looks at what the cut has left, on another boot. Argument: the directory for what the writer told.
#[test]
#[ignore = "run by scripts/power-cuts"]
fn synced_child() {
    let directory = std::env::var("VRIFT_TEST_ARGUMENT").expect("given");
    let told = PathBuf::from(directory).join("acknowledged");
    let text = std::fs::read_to_string(told).unwrap_or_default();
    // From here on, what fails is the store's fault.
    println!("\nchecking");
    let Some(handover) = in_directory(&root(), true) else {
        assert!(text.is_empty(), "something was acknowledged, and there is no workspace: {text}");
        return;
    };
    let session = Session::attach(&handover).expect("a session");
    let mut last = std::collections::BTreeMap::new();
    for line in text.lines() {
        let (name, turn) = line.split_once(' ').expect("two words");
        last.insert(name, turn.parse::<u64>().expect("a number"));
    }
    for (name, turn) in last {
        let found = content(&session, name);
        let found: u64 = std::str::from_utf8(&found).expect("text").parse().expect("a number");
        assert!(found == turn || found == turn + 1, "{name} has {found}, and had {turn}");
        let round = name.strip_prefix("database-").expect("a database");
        for turn in (0..=turn).filter(|turn| turn % 3 == 0) {
            let found = content(&session, &format!("journal-{round}-{turn}"));
            assert_eq!(found, turn.to_string().as_bytes(), "journal {turn} of {name}");
        }
    }
}
