//! kill -9 before and behind every system call of writing and sealing. Afterwards the file is what it was or what it was
//! to be, can be read, written and sealed, and the store is whole.

use std::fs::File;
use std::io::Write;

use rustix::fs::OFlags;
use vrift_manifest::session::Session;

use crate::support::{
    Fixture, append, as_somebody, check_blobs, content, drafts, from_parent, node, write,
};
use crate::trace::{Traced, ready};

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);

/// A number of the environment.
fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Of the places to kill at, how many are tried: one in so many.
fn one_in() -> usize {
    number("VRIFT_TEST_SWEEP").unwrap_or(4)
}

/// Which ones: with as many seeds from 0 on as one is taken of, all are.
fn seed() -> usize {
    number("VRIFT_TEST_SEED").unwrap_or(0)
}

fn perform(session: &Session, what: &str, name: &str) {
    as_somebody(|who| match what {
        "create" => drop(write(session, name, b"new content")),
        "rewrite" => {
            let flags = WRITE | OFlags::TRUNC;
            let file = session.open_for_writing(who, node(session, name), flags).expect("opened");
            File::from(file).write_all(b"new content").expect("written");
            session.seal_draft(who, node(session, name), true).expect("sealed");
        }
        "append" => {
            append(session, name, b"new content");
            session.seal_draft(who, node(session, name), true).expect("sealed");
        }
        "cut" => session.truncate(who, node(session, name), 3).expect("cut"),
        other => panic!("{other}"),
    });
}

#[test]
#[ignore = "a child of other tests"]
fn writing_child() {
    let (handover, argument) = from_parent();
    let session = Session::attach(&handover).expect("a session");
    let (what, name) = argument.split_once(' ').expect("two words");
    ready();
    perform(&session, what, name);
    std::process::exit(0);
}

/// What the file may hold after it was killed.
fn allowed(what: &str) -> &'static [&'static [u8]] {
    match what {
        "create" | "rewrite" => &[b"old", b"", b"new content"],
        "append" => &[b"old", b"oldnew content"],
        _ => &[b"old content", b"old"],
    }
}

fn sweep(what: &str) {
    let fixture = Fixture::alone();
    let mut stop = 1 + seed() % one_in();
    let mut kills = 0;
    loop {
        let name = format!("{what}-{stop}");
        let session = fixture.session();
        if what != "create" {
            write(&session, &name, if what == "cut" { b"old content" } else { b"old" });
        }
        let argument = format!("{what} {name}");
        let Some(traced) = Traced::start("kills::writing_child", &fixture.root, &argument) else {
            return;
        };
        let ended = (0..stop).any(|_| !traced.to_next_call());
        match ended {
            true => assert!(traced.end().0.success(), "{what}"),
            false => {
                traced.kill();
                kills += 1;
            }
        }
        check(&fixture, what, &name, ended);
        if ended {
            break;
        }
        stop += one_in();
    }
    println!("{what}: {kills} kills");
    println!("tally\tsweep\t{kills}\t0\t{0}-{0}", seed());
    assert!(kills > 20 / one_in());
    let mut workspace = fixture.workspace();
    let report = workspace.seal_drafts().expect("sealed");
    assert!(report.busy.is_empty() && report.failed.is_empty(), "{report:?}");
    assert!(workspace.drafts().is_empty());
    check_blobs(&fixture, what);
    // What is left has no node, and goes when it is old enough not to be somebody's next draft.
    println!("{what}: {} drafts left over", drafts(&fixture));
}

fn check(fixture: &Fixture, what: &str, name: &str, ended: bool) {
    let session = fixture.session();
    let there = session.tree().child(session.tree().root(), name.as_bytes()).expect("a tree");
    if there.is_none() {
        assert!(what == "create" && !ended, "{name}: lost");
        write(&session, name, b"again");
        return;
    }
    let found = content(&session, name);
    assert!(allowed(what).contains(&found.as_slice()), "{name}: {:?}", found.escape_ascii());
    if ended {
        assert_eq!(Some(&found.as_slice()), allowed(what).last(), "{name}");
    }
    let size = session.attributes(there.expect("a node")).expect("shown").attributes.size;
    assert_eq!(size, found.len() as u64, "{name}");
    // It goes on from there.
    append(&session, name, b" and more");
    let expected = [&found[..], b" and more"].concat();
    assert_eq!(content(&session, name), expected, "{name}");
    as_somebody(|who| session.seal_draft(who, node(&session, name), true)).expect("sealed");
    assert_eq!(content(&session, name), expected, "{name}");
    assert!(
        session
            .tree()
            .draft(session.tree().node(node(&session, name)).expect("a tree").expect("a node"))
            .is_none()
    );
}

#[test]
fn a_new_file_killed_anywhere_is_there_or_not() {
    sweep("create");
}

#[test]
fn a_file_written_anew_killed_anywhere_has_what_was_written() {
    sweep("rewrite");
}

#[test]
fn a_file_written_at_its_end_killed_anywhere_keeps_what_it_had() {
    sweep("append");
}

#[test]
fn a_file_that_is_cut_killed_anywhere_is_cut_or_not() {
    sweep("cut");
}
