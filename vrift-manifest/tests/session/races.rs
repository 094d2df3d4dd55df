//! Many at once: nothing that was written is lost, and nobody writes a blob.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::OFlags;
use vrift_manifest::session::{Seal, Session, SessionError};
use vrift_manifest::workspace::Workspace;

use crate::support::{
    Fixture, append, as_somebody, at, check_blobs, content, create, drafts, from_parent, node,
    open_home, write,
};
use crate::trace::{Traced, ready};

fn seal_now(session: &Session, name: &str) -> Seal {
    as_somebody(|who| session.seal_draft(who, node(session, name), true)).expect("sealed or not")
}

#[test]
fn writers_and_sealers_of_one_file_lose_nothing() {
    const WRITERS: usize = 4;
    const LINES: usize = 150;
    let fixture = Fixture::new();
    write(&fixture.session(), "f", b"begin\n");
    let running = AtomicBool::new(true);
    let sealed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let fixture = &fixture;
                scope.spawn(move || {
                    let session = fixture.session();
                    for line in 0..LINES {
                        append(&session, "f", format!("{writer} {line}\n").as_bytes());
                        if line % 3 == 0 {
                            seal_now(&session, "f");
                        }
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let session = fixture.session();
                while running.load(Ordering::Relaxed) {
                    if matches!(seal_now(&session, "f"), Seal::Sealed { .. }) {
                        sealed.fetch_add(1, Ordering::Relaxed);
                    }
                    let text = content(&session, "f");
                    assert!(text.starts_with(b"begin\n"));
                    let size =
                        session.attributes(at(&session, "f")).expect("shown").attributes.size;
                    assert!(size >= text.len() as u64, "it only gets longer");
                }
            });
        }
        for writer in writers {
            writer.join().expect("it ends");
        }
        running.store(false, Ordering::Relaxed);
    });
    println!("{} seals in between", sealed.load(Ordering::Relaxed));
    let session = fixture.session();
    let text = String::from_utf8(content(&session, "f")).expect("text");
    for writer in 0..WRITERS {
        let prefix = format!("{writer} ");
        let lines: Vec<usize> =
            text.lines().filter_map(|line| line.strip_prefix(&prefix)?.parse().ok()).collect();
        assert!(lines.iter().copied().eq(0..LINES), "writer {writer}: {lines:?}");
    }
    seal_now(&session, "f");
    assert_eq!(content(&session, "f"), text.as_bytes());
    assert_eq!(drafts(&fixture), 0);
    check_blobs(&fixture, "afterwards");
}

/// Looking at a file again and again: at its attributes, which a seal changes between any two words that are read of them.
#[test]
fn a_file_that_only_gets_longer_is_never_shown_shorter_whoever_seals_it() {
    let fixture = Fixture::new();
    write(&fixture.session(), "f", b"begin\n");
    let running = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let session = fixture.session();
                let at = at(&session, "f");
                let mut before = 0;
                while running.load(Ordering::Relaxed) {
                    let size = session.attributes(at).expect("shown").attributes.size;
                    assert!(size >= before, "{size} after {before}");
                    before = size;
                }
            });
        }
        let session = fixture.session();
        for line in 0..1000 {
            append(&session, "f", format!("{line}\n").as_bytes());
            seal_now(&session, "f");
        }
        running.store(false, Ordering::Relaxed);
    });
}

#[test]
fn files_made_by_many_at_once_get_their_own_drafts() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let fixture = &fixture;
            scope.spawn(move || {
                let session = fixture.session();
                for file in 0..100 {
                    let name = format!("{thread}-{file}");
                    write(&session, &name, name.as_bytes());
                }
            });
        }
    });
    let session = fixture.session();
    for thread in 0..4 {
        for file in 0..100 {
            let name = format!("{thread}-{file}");
            assert_eq!(content(&session, &name), name.as_bytes());
        }
    }
    assert_eq!(drafts(&fixture), 0);
}

#[test]
fn one_name_is_made_by_one_of_many() {
    let fixture = Fixture::new();
    for round in 0..50 {
        let name = format!("f{round}");
        let made = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                    match create(&fixture.session(), &name, flags) {
                        Ok(_) => drop(made.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => {
                            assert_eq!(error, SessionError::Errno(rustix::io::Errno::EXIST));
                        }
                    }
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
    let mut workspace: Workspace = fixture.workspace();
    let report = workspace.seal_drafts().expect("sealed");
    assert_eq!((report.sealed, report.busy.len(), report.failed.len()), (50, 0, 0));
    assert_eq!(drafts(&fixture), 0);
}

#[test]
#[ignore = "a child of other tests"]
fn sealing_child() {
    let (handover, name) = from_parent();
    let session = Session::attach(&handover).expect("a session");
    ready();
    as_somebody(|who| session.seal_draft(who, node(&session, &name), true)).expect("sealed or not");
    std::process::exit(0);
}

/// Whoever opens for writing while a sealer stands still at any of its system calls reads and writes the file, and never
/// ends with a descriptor on a blob.
#[test]
fn openers_beside_a_sealer_that_stands_still_anywhere_write_the_file_and_no_blob() {
    let fixture = Fixture::alone();
    let one_in: usize =
        std::env::var("VRIFT_TEST_SWEEP").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut stop = 1;
    loop {
        let name = format!("f{stop}");
        let text = format!("content {stop} ");
        let session = fixture.session();
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        drop(create(&session, &name, flags).expect("made"));
        append(&session, &name, text.as_bytes());
        let traced = Traced::start("races::sealing_child", &fixture.root, &name);
        let Some(traced) = traced else { return };
        let mut ended = false;
        for _ in 0..stop {
            if !traced.to_next_call() {
                ended = true;
                break;
            }
        }
        // Readers go on, whatever it is that the sealer holds.
        assert_eq!(content(&session, &name), text.as_bytes(), "at {stop}");
        assert_eq!(
            session.attributes(at(&session, &name)).expect("shown").attributes.size,
            text.len() as u64
        );
        std::thread::scope(|scope| {
            let (fixture, name) = (&fixture, &name);
            let writer = scope.spawn(move || append(&fixture.session(), name, b"more"));
            std::thread::sleep(std::time::Duration::from_millis(5));
            if !ended {
                while traced.to_next_call() {}
            }
            writer.join().expect("it ends");
        });
        let (status, _) = traced.end();
        assert!(status.success(), "at {stop}");
        let expected = [text.as_bytes(), b"more"].concat();
        assert_eq!(content(&session, &name), expected, "at {stop}");
        seal_now(&session, &name);
        assert_eq!(content(&session, &name), expected, "at {stop}");
        if ended {
            break;
        }
        stop += one_in;
    }
    println!("{stop} places");
    assert!(stop > 20);
    check_blobs(&fixture, "afterwards");
    assert_eq!(drafts(&fixture), 0);
}

#[test]
#[ignore = "a child of other tests"]
fn clearing_child() {
    let (handover, _) = from_parent();
    let root = handover.store.parent().expect("it lies somewhere");
    let mut workspace = Workspace::open(&open_home(root), "w").expect("it opens");
    ready();
    workspace.seal_drafts().expect("sealed");
    std::process::exit(0);
}

/// Whoever clears away what is left over knows the drafts of a moment ago. One that was made since, and whose sealer has found the
/// blob there already and waits for his next turn, looks like one that nobody needs.
#[test]
fn a_draft_made_while_another_clears_up_is_nothing_left_over() {
    let fixture = Fixture::alone();
    let session = fixture.session();
    let made = |name: &str| {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let (node, file) = create(&fixture.session(), name, flags).expect("made");
        rustix::io::write(&file, name.as_bytes()).expect("written");
        let drafts = std::fs::read_dir(fixture.handover.drafts()).expect("drafts");
        let path = drafts
            .map(|entry| entry.expect("an entry").path())
            .find(|path| path.file_stem().is_some_and(|stem| *stem == *node.to_string()))
            .expect("its draft");
        let mode = std::fs::Permissions::from_mode(0o1555);
        std::fs::set_permissions(&path, mode).expect("as its sealer does");
        path
    };
    let mut left = 0;
    for stop in 1.. {
        let name = format!("f{stop}");
        let Some(traced) = Traced::start("races::clearing_child", &fixture.root, "w") else {
            return;
        };
        let ended = (0..stop).any(|_| !traced.to_next_call());
        let path = std::thread::scope(|scope| {
            let maker = scope.spawn(|| made(&name));
            // Who stands still may have the lock.
            std::thread::sleep(std::time::Duration::from_millis(3));
            while !ended && traced.to_next_call() {}
            maker.join().expect("it ends")
        });
        assert!(traced.end().0.success(), "at {stop}");
        assert_eq!(content(&session, &name), name.as_bytes(), "at {stop}");
        // Or it was seen, and sealed.
        if path.exists() {
            let mode = std::fs::Permissions::from_mode(0o1600);
            std::fs::set_permissions(&path, mode).expect("it is there");
            assert!(matches!(seal_now(&session, &name), Seal::Sealed { .. }), "at {stop}");
            left += 1;
        }
        if ended {
            println!("{stop} places, {left} of them behind the look at the tree");
            assert!(left > 3);
            break;
        }
    }
}
