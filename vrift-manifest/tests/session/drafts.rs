//! Writing: drafts and what becomes of them.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_cas::Digest;
use vrift_manifest::session::{Seal, Session, SessionError};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, RenameMode};

use crate::support::{Fixture, TOP, as_somebody, at, content, create, drafts, node, read, write};

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);
const READ_WRITE: OFlags = OFlags::RDWR.union(OFlags::CLOEXEC);

fn open(session: &Session, name: &str, flags: OFlags) -> OwnedFd {
    as_somebody(|who| session.open_for_writing(who, node(session, name), flags)).expect("opened")
}

fn seal(session: &Session, name: &str) -> Seal {
    as_somebody(|who| session.seal(who, node(session, name))).expect("sealed or not")
}

fn size(session: &Session, name: &str) -> u64 {
    session.attributes(at(session, name)).expect("attributes").attributes.size
}

fn is_dirty(session: &Session, name: &str) -> bool {
    session.tree().draft(at(session, name)).is_some()
}

/// What was written a while ago, as far as the tree is told.
fn age(session: &Session, name: &str) -> Timestamp {
    let time = Timestamp { sec: 1_600_000_000, nsec: 123_456_789 };
    as_somebody(|who| session.set_times(who, node(session, name), None, Some(time)))
        .expect("times");
    time
}

#[test]
fn a_new_file_is_written_read_by_others_and_sealed_when_it_is_closed() {
    let fixture = Fixture::new();
    let (session, other) = (fixture.session(), fixture.session());
    for (name, length) in [("small", 5), ("page", 16384), ("large", 3 << 20), ("empty", 0)] {
        let bytes: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
        let (_, file) = create(&session, name, WRITE).expect("made");
        File::from(file.try_clone().expect("a descriptor")).write_all(&bytes).expect("written");
        assert!(is_dirty(&other, name));
        assert_eq!((content(&other, name), size(&other, name)), (bytes.clone(), length));
        assert_eq!(seal(&other, name), Seal::Busy, "it is open for writing");
        drop(file);
        let new = length > 0;
        assert_eq!(seal(&session, name), Seal::Sealed { new, size: length });
        assert_eq!(seal(&other, name), Seal::Clean);
        assert_eq!((content(&other, name), size(&other, name)), (bytes.clone(), length));
        let digest = other.tree().digest(at(&other, name)).expect("a tree");
        assert_eq!(digest, Some(Digest::of(&bytes)));
        let store = fixture.home.store();
        assert!(store.verify(&Digest::of(&bytes)).expect("readable").is_sound());
        // A put believes it without reading it.
        assert!(!store.put_bytes(&bytes).expect("room").new);
        for blob in store.blobs().expect("a list") {
            let vrift_cas::Found::Blob(blob) = blob.expect("a blob") else { panic!("a stray") };
            assert!(blob.stamp.is_some(), "{}", blob.digest);
        }
        let path = store.blobs_dir().join(&Digest::of(&bytes).to_string()[..2]);
        let path = path.join(&Digest::of(&bytes).to_string()[2..]);
        let found = std::fs::metadata(path).expect("a blob");
        assert_eq!((found.permissions().mode() & 0o7777, found.nlink()), (0o1555, 1));
    }
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn a_draft_is_told_by_its_mode_and_its_name() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let (node, file) = create(&session, "f", WRITE).expect("made");
    let found = File::from(file).metadata().expect("open");
    assert_eq!(found.permissions().mode() & 0o7777, 0o1600);
    let draft = session.tree().draft(at(&session, "f")).expect("a draft");
    let path = fixture.handover.drafts().join(format!("{node}.{draft}"));
    assert_eq!(std::fs::metadata(&path).expect("it is there").ino(), found.ino());
    let bytes = path.as_os_str().as_bytes();
    assert_eq!(session.node_of_draft(bytes), Some((node, draft)));
    assert_eq!(session.node_of_draft(&[bytes, b" (deleted)"].concat()), Some((node, draft)));
    for other in [&b"/etc/passwd"[..], &bytes[..bytes.len() - 20], &[bytes, b"x"].concat()] {
        assert_eq!(session.node_of_draft(other), None);
    }
    let inode = |session: &Session| {
        session.with_content_path(at(session, "f"), |path| Ok(rustix::fs::stat(path)?.st_ino))
    };
    assert_eq!(inode(&session), Ok(found.ino()));
    seal(&session, "f");
    assert_ne!(inode(&session), Ok(found.ino()), "the blob of no bytes");
}

#[test]
fn a_name_that_is_taken_is_refused_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let session = fixture.session();
    drop(create(&session, "f", WRITE).expect("made"));
    let taken = create(&session, "f", WRITE).map(drop);
    assert_eq!(taken, Err(SessionError::Errno(Errno::EXIST)));
    seal(&session, "f");
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn opening_for_writing_makes_one_draft_that_everybody_shares() {
    let fixture = Fixture::new();
    let (session, other) = (fixture.session(), fixture.session());
    write(&session, "f", b"hello world");
    age(&session, "f");
    let one = File::from(open(&session, "f", READ_WRITE));
    let two = File::from(open(&other, "f", WRITE));
    one.write_all_at(b"HELLO", 0).expect("written");
    two.write_all_at(b"WORLD", 6).expect("written");
    assert_eq!(content(&other, "f"), b"HELLO WORLD");
    assert_eq!(drafts(&fixture), 1);
    drop(one);
    assert_eq!(seal(&session, "f"), Seal::Busy);
    drop(two);
    assert!(matches!(seal(&session, "f"), Seal::Sealed { .. }));
    assert_eq!(content(&other, "f"), b"HELLO WORLD");
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn flags_mean_what_they_mean_to_open() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"hello");
    let mut appending = File::from(open(&session, "f", WRITE | OFlags::APPEND));
    appending.write_all(b" world").expect("written");
    // The second time there is a draft.
    let mut again = File::from(open(&session, "f", READ_WRITE | OFlags::APPEND));
    again.rewind().expect("it can be");
    again.write_all(b"!").expect("written");
    assert_eq!(content(&session, "f"), b"hello world!");
    for file in [&appending, &again] {
        let flags = rustix::fs::fcntl_getfl(file).expect("flags");
        assert!(flags.contains(OFlags::APPEND) && !flags.contains(OFlags::NONBLOCK));
    }
    let asked = open(&session, "f", WRITE | OFlags::NONBLOCK);
    assert!(rustix::fs::fcntl_getfl(&asked).expect("flags").contains(OFlags::NONBLOCK));
    drop(open(&session, "f", WRITE | OFlags::TRUNC));
    assert_eq!(size(&session, "f"), 0);
    drop((appending, again, asked));
    seal(&session, "f");
    write(&session, "g", b"hello");
    drop(open(&session, "g", WRITE | OFlags::TRUNC));
    assert_eq!(content(&session, "g"), b"");
    assert!(matches!(seal(&session, "g"), Seal::Sealed { size: 0, .. }));
    write(&session, "h", b"hello");
    let read_only = open(&session, "h", OFlags::RDONLY | OFlags::TRUNC | OFlags::CLOEXEC);
    assert_eq!(read(read_only), b"");
    assert_eq!(size(&session, "h"), 0);
}

#[test]
fn what_was_opened_for_writing_and_not_written_keeps_digest_and_times() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"hello");
    let time = age(&session, "f");
    let before = session.attributes(at(&session, "f")).expect("attributes");
    drop(open(&session, "f", READ_WRITE));
    assert_eq!(session.attributes(at(&session, "f")).expect("attributes"), before);
    assert_eq!(seal(&session, "f"), Seal::Sealed { new: false, size: 5 });
    assert_eq!(session.attributes(at(&session, "f")).expect("attributes"), before);
    assert_eq!(before.attributes.mtime, time);
}

#[test]
fn what_was_written_and_had_its_old_times_set_again_is_not_taken_for_untouched() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"hello");
    let time = age(&session, "f");
    File::from(open(&session, "f", READ_WRITE)).write_all(b"HELLO").expect("written");
    assert_eq!(age(&session, "f"), time);
    assert_eq!(session.attributes(at(&session, "f")).expect("shown").attributes.mtime, time);
    assert!(matches!(seal(&session, "f"), Seal::Sealed { new: true, .. }));
    assert_eq!(content(&session, "f"), b"HELLO");
    assert_eq!(session.attributes(at(&session, "f")).expect("shown").attributes.mtime, time);
}

#[test]
fn what_was_written_a_moment_after_it_was_sealed_is_not_taken_for_untouched() {
    let fixture = Fixture::new();
    let session = fixture.session();
    for round in 0..50 {
        let name = format!("f{round}");
        write(&session, &name, b"hello");
        File::from(open(&session, &name, READ_WRITE)).write_all(b"HELLO").expect("written");
        as_somebody(|who| session.seal_draft(who, node(&session, &name), true)).expect("sealed");
        assert_eq!(content(&session, &name), b"HELLO");
        assert!(!is_dirty(&session, &name));
    }
}

#[test]
fn a_file_that_is_written_again_and_again_is_not_sealed_each_time() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "log", b"0\n");
    let mut expected = b"0\n".to_vec();
    for line in 1..20 {
        let text = format!("{line}\n");
        let mut file = File::from(open(&session, "log", WRITE | OFlags::APPEND));
        file.write_all(text.as_bytes()).expect("written");
        drop(file);
        expected.extend_from_slice(text.as_bytes());
        assert_eq!(seal(&session, "log"), Seal::Later);
        assert_eq!(content(&session, "log"), expected);
    }
    assert_eq!(drafts(&fixture), 1);
    let sealed = as_somebody(|who| session.seal_draft(who, node(&session, "log"), true));
    assert!(matches!(sealed, Ok(Seal::Sealed { new: true, .. })));
    assert_eq!(content(&session, "log"), expected);
}

#[test]
fn equal_contents_are_one_blob() {
    let fixture = Fixture::new();
    let session = fixture.session();
    assert_eq!(write(&session, "a", b"same"), Seal::Sealed { new: true, size: 4 });
    assert_eq!(write(&session, "b", b"same"), Seal::Sealed { new: false, size: 4 });
    assert_eq!((content(&session, "a"), content(&session, "b")), (b"same".into(), b"same".into()));
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn a_blob_that_is_not_whole_is_replaced_by_what_was_written() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let path = |bytes: &[u8]| {
        let name = Digest::of(bytes).to_string();
        fixture.home.store().blobs_dir().join(&name[..2]).join(&name[2..])
    };
    let bad: [(&[u8], &[u8]); 3] = [(b"short", b""), (b"zeros", b"\0\0\0\0\0"), (b"fine", b"fine")];
    for (place, (bytes, there)) in bad.into_iter().enumerate() {
        std::fs::create_dir_all(path(bytes).parent().expect("a directory")).expect("made");
        std::fs::write(path(bytes), there).expect("written");
        let name = format!("f{place}");
        let new = bytes != there;
        let size = bytes.len() as u64;
        assert_eq!(write(&session, &name, bytes), Seal::Sealed { new, size });
        assert_eq!(content(&session, &name), bytes);
        assert!(fixture.home.store().verify(&Digest::of(bytes)).expect("readable").is_sound());
    }
    assert_eq!(drafts(&fixture), 0);
    let staging = std::fs::read_dir(fixture.home.store().staging_dir()).expect("a directory");
    let loose = staging.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file()));
    assert_eq!(loose.count(), 0);
}

#[test]
fn a_shared_mapping_keeps_a_draft_from_being_sealed_after_the_descriptor_is_closed() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let (_, file) = create(&session, "f", READ_WRITE).expect("made");
    let file = File::from(file);
    file.set_len(4096).expect("longer");
    let mapping = memmap2::MmapRaw::map_raw(&file).expect("mapped");
    drop(file);
    assert_eq!(seal(&session, "f"), Seal::Busy);
    let mut through = File::from(open(&session, "f", WRITE));
    through.write_all(b"x").expect("written");
    drop(through);
    assert_eq!(seal(&session, "f"), Seal::Busy);
    drop(mapping);
    assert_eq!(seal(&session, "f"), Seal::Sealed { new: true, size: 4096 });
}

#[test]
fn cutting_a_file_by_its_node_is_writing() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"hello world");
    age(&session, "f");
    let truncate = |length| {
        as_somebody(|who| session.truncate(who, node(&session, "f"), length)).expect("cut");
    };
    truncate(5);
    assert_eq!(content(&session, "f"), b"hello");
    truncate(7);
    assert_eq!(content(&session, "f"), b"hello\0\0");
    truncate(0);
    assert_eq!(content(&session, "f"), b"");
    let as_it_is = session.tree().changed_by(at(&session, "f"));
    as_somebody(|who| session.seal_draft(who, node(&session, "f"), true)).expect("sealed");
    let before = session.tree().changed_by(at(&session, "f"));
    truncate(0);
    assert!(as_it_is <= before);
    assert_eq!(session.tree().changed_by(at(&session, "f")), before, "nothing changes");
}

#[test]
fn a_file_without_a_name_takes_its_draft_with_it_and_goes_on_for_those_who_have_it_open() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let (_, file) = create(&session, "f", READ_WRITE).expect("made");
    let unlink = |name: &[u8]| {
        as_somebody(|who| session.change(who, &Change::Unlink { parent: TOP, name }))
            .expect("gone");
    };
    let link = Change::Link { node: node(&session, "f"), parent: TOP, name: b"g" };
    as_somebody(|who| session.change(who, &link)).expect("linked");
    unlink(b"f");
    assert_eq!(drafts(&fixture), 1, "it has another name");
    let cursor = at(&session, "g");
    unlink(b"g");
    assert_eq!(drafts(&fixture), 0);
    let mut file = File::from(file);
    file.write_all(b"still").expect("written");
    let stat = rustix::fs::fstat(&file).expect("open");
    let shown = session.attributes_of_open(cursor, &stat).expect("attributes").attributes;
    assert_eq!((shown.size, shown.nlink), (5, 0));
    // Renamed over.
    let (_, _file) = create(&session, "one", WRITE).expect("made");
    drop(create(&session, "two", WRITE).expect("made"));
    let (from, to) = (&b"two"[..], &b"one"[..]);
    let mode = RenameMode::Replace;
    let over = Change::Rename { from_parent: TOP, from, to_parent: TOP, to, mode };
    as_somebody(|who| session.change(who, &over)).expect("renamed");
    assert_eq!(drafts(&fixture), 1);
}

#[test]
fn two_names_of_a_file_are_written_as_one() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"hello");
    let link = Change::Link { node: node(&session, "f"), parent: TOP, name: b"g" };
    as_somebody(|who| session.change(who, &link)).expect("linked");
    let (one, two) = (open(&session, "f", WRITE), open(&session, "g", WRITE));
    File::from(one).write_all(b"H").expect("written");
    File::from(two).write_all_at(b"E", 1).expect("written");
    assert_eq!(
        (content(&session, "f"), content(&session, "g")),
        (b"HEllo".into(), b"HEllo".into())
    );
    as_somebody(|who| session.seal_draft(who, node(&session, "g"), true)).expect("sealed");
    assert_eq!(
        (content(&session, "f"), content(&session, "g")),
        (b"HEllo".into(), b"HEllo".into())
    );
}

#[test]
fn times_of_a_file_being_written_are_never_older_than_what_was_seen_before() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let shown = |name: &str| session.attributes(at(&session, name)).expect("shown").attributes;
    let mut last = Timestamp::default();
    for round in 0..300 {
        let name = format!("f{round}");
        let (_, file) = create(&session, &name, WRITE).expect("made");
        let made = shown(&name).mtime;
        assert!(made >= last, "{round}: {made:?} after {last:?}");
        File::from(file).write_all(b"x").expect("written");
        let written = shown(&name).mtime;
        assert!(written >= made, "{round}: {written:?} after {made:?}");
        seal(&session, &name);
        let sealed = shown(&name);
        assert_eq!(sealed.mtime, written, "{round}");
        assert!(sealed.ctime >= sealed.mtime);
        last = sealed.mtime;
    }
}
