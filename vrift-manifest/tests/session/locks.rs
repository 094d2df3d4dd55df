//! A file that somebody holds a lock on keeps its inode; and whoever holds it excludes everybody else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, OFlags, flock, fstat};
use vrift_manifest::session::{Seal, Session};

use crate::support::{Fixture, append, as_somebody, check_blobs, content, drafts, node, write};

const BLOB: u32 = 0o101555;

/// What is to be locked, as a preloaded library opens it: for reading.
fn open_to_lock(session: &Session, name: &str) -> OwnedFd {
    let node = node(session, name);
    let mut file = session.open_for_reading(node, OFlags::CLOEXEC).expect("opened");
    let inode = fstat(&file).expect("stat").st_ino;
    let draft = as_somebody(|who| session.open_for_locking(who, node, inode, OFlags::CLOEXEC));
    if let Some(draft) = draft.expect("a draft") {
        file = draft;
    }
    file
}

/// Locks a file; again, if it was sealed before it was locked.
fn lock(session: &Session, name: &str) -> OwnedFd {
    loop {
        let file = open_to_lock(session, name);
        flock(&file, FlockOperation::LockExclusive).expect("locked");
        if fstat(&file).expect("stat").st_mode != BLOB {
            return file;
        }
    }
}

fn seal_now(session: &Session, name: &str) -> Seal {
    as_somebody(|who| session.seal_draft(who, node(session, name), true)).expect("sealed or not")
}

#[test]
fn a_file_that_is_locked_is_sealed_by_copying_and_keeps_its_inode() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"one");
    let held = lock(&session, "f");
    append(&session, "f", b" two");
    assert_eq!(seal_now(&session, "f"), Seal::Later);
    let mut workspace = fixture.workspace();
    let report = workspace.seal_drafts().expect("sealed");
    assert_eq!((report.sealed, report.busy.len(), report.failed.len()), (1, 0, 0));
    assert_eq!(drafts(&fixture), 1);
    // What a snapshot has.
    let at = workspace.tree().node(node(&session, "f")).expect("a tree").expect("there");
    let sealed = workspace.tree().attributes(at).expect("attributes");
    assert_eq!(sealed.size, 7);
    // Whoever opens it now has what is locked.
    let other = open_to_lock(&session, "f");
    assert_eq!(fstat(&other).expect("stat").st_ino, fstat(&held).expect("stat").st_ino);
    flock(&other, FlockOperation::NonBlockingLockExclusive).expect_err("it is locked");
    drop((held, other));
    // Nothing but what was sealed already: the copy is the blob, the draft goes.
    assert!(matches!(seal_now(&session, "f"), Seal::Sealed { size: 7, .. }));
    assert_eq!(content(&session, "f"), b"one two");
    assert_eq!(drafts(&fixture), 0);
    check_blobs(&fixture, "afterwards");
}

#[test]
fn a_file_that_was_locked_once_waits_until_it_has_to_be_sealed() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "f", b"one");
    drop(lock(&session, "f"));
    append(&session, "f", b" two");
    let sealed = as_somebody(|who| session.seal(who, node(&session, "f"))).expect("not sealed");
    assert_eq!(sealed, Seal::Later);
    assert!(matches!(seal_now(&session, "f"), Seal::Sealed { size: 7, .. }));
}

#[test]
fn two_files_with_one_content_are_locked_apart() {
    let fixture = Fixture::new();
    let session = fixture.session();
    write(&session, "a", b"same");
    write(&session, "b", b"same");
    let (_a, b) = (lock(&session, "a"), open_to_lock(&session, "b"));
    flock(&b, FlockOperation::NonBlockingLockExclusive).expect("nobody else has it");
}

#[test]
fn lockers_exclude_each_other_whoever_seals_the_file_meanwhile() {
    const LOCKERS: usize = 3;
    const TURNS: u64 = 150;
    let fixture = Fixture::new();
    write(&fixture.session(), "f", b"begin");
    let running = AtomicBool::new(true);
    let (inside, turns) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let lockers: Vec<_> = (0..LOCKERS)
            .map(|locker| {
                let (fixture, inside, turns) = (&fixture, &inside, &turns);
                scope.spawn(move || {
                    let session = fixture.session();
                    for turn in 0..TURNS {
                        let held = lock(&session, "f");
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two have the lock");
                        if (turn as usize + locker).is_multiple_of(4) {
                            append(&session, "f", b"x");
                        }
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        turns.fetch_add(1, Ordering::SeqCst);
                        drop(held);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let session = fixture.session();
            while running.load(Ordering::Relaxed) {
                seal_now(&session, "f");
            }
        });
        for locker in lockers {
            locker.join().expect("it ends");
        }
        running.store(false, Ordering::Relaxed);
    });
    assert_eq!(turns.load(Ordering::SeqCst), LOCKERS as u64 * TURNS);
    let session = fixture.session();
    seal_now(&session, "f");
    check_blobs(&fixture, "afterwards");
}
