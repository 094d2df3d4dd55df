//! Setting times of a file that is being sealed at that moment.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use vrift_cas::Digest;
use vrift_manifest::session::Session;
use vrift_manifest::time::Timestamp;

use crate::support::{Fixture, append, as_somebody, at, create, from_parent, node};
use crate::trace::{Traced, ready};

/// Before that a sealer has not got the lock.
const FIRST: usize = 31;

const SET: Timestamp = Timestamp { sec: 1_000_000_000, nsec: 0 };

#[test]
#[ignore = "a child of other tests"]
fn setting_child() {
    let (handover, name) = from_parent();
    let session = Session::attach(&handover).expect("a session");
    let node = node(&session, &name);
    let sign = sign_of(&handover.store, &name);
    ready();
    rustix::fs::mkdir(&sign, rustix::fs::Mode::RWXU).expect("a sign");
    as_somebody(|who| session.set_times(who, node, None, Some(SET))).expect("set");
    std::process::exit(0);
}

/// What the setter makes in its last call before it begins.
fn sign_of(store: &Path, name: &str) -> PathBuf {
    store.with_file_name(format!("begins-{name}"))
}

/// A setter that has just begun.
fn setter(fixture: &Fixture, name: &str) -> Option<Traced> {
    let setter = Traced::start("times::setting_child", &fixture.root, name)?;
    let sign = sign_of(&fixture.handover.store, name);
    while !sign.exists() {
        assert!(setter.to_next_call());
    }
    Some(setter)
}

fn written(session: &Session, name: &str) -> String {
    let text = format!("content of {name}");
    drop(create(session, name, OFlags::WRONLY | OFlags::CLOEXEC).expect("made"));
    append(session, name, text.as_bytes());
    text
}

/// After how many stops the setter stands just before it sets the draft's time.
fn stops_before_setting(fixture: &Fixture) -> Option<usize> {
    let session = fixture.session();
    written(&session, "first");
    let setter = setter(fixture, "first")?;
    let is_set = || {
        let mut drafts = std::fs::read_dir(fixture.handover.drafts()).expect("drafts");
        drafts.any(|draft| draft.expect("one").metadata().expect("there").mtime() == SET.sec)
    };
    let mut stops = 0;
    while setter.to_next_call() {
        stops += 1;
        if is_set() {
            while setter.to_next_call() {}
            assert!(setter.end().0.success());
            return Some(stops - 1);
        }
    }
    panic!("the draft's time was never set");
}

/// The time of a blob says since when it is known to be on the disk: it is the store's, whatever times a file gets that is
/// becoming one.
#[test]
fn times_that_are_set_beside_a_sealer_that_stands_still_anywhere_are_the_files_and_no_blobs() {
    let fixture = Fixture::alone();
    let Some(stops) = stops_before_setting(&fixture) else { return };
    let session = fixture.session();
    // If calls come before it, those are for the lock: then no sealer is on its way, and one place is as another.
    let first = if stops > 1 { 1 } else { FIRST };
    for stop in (first..).step_by(2) {
        let name = format!("f{stop}");
        let text = written(&session, &name);
        let digest = Digest::of(text.as_bytes()).to_string();
        let blob = fixture.home.store().blobs_dir().join(&digest[..2]).join(&digest[2..]);
        // So that every sealer makes the same calls.
        std::fs::create_dir_all(blob.parent().expect("a directory")).expect("made");
        // First, because it takes the lock before it is ready.
        let Some(sealer) = Traced::start("races::sealing_child", &fixture.root, &name) else {
            return;
        };
        let Some(setter) = setter(&fixture, &name) else { return };
        for _ in 0..stops {
            assert!(setter.to_next_call());
        }
        let mut sealing = true;
        for _ in 0..stop {
            sealing = sealing && sealer.to_next_call();
        }
        let sealed_before = !sealing;
        let mut setting = setter.to_next_call();
        // In turns: each may be waiting for the other.
        while setting || sealing {
            setting = setting && setter.to_next_call();
            sealing = sealing && sealer.to_next_call();
        }
        assert!(setter.end().0.success() && sealer.end().0.success(), "at {stop}");
        as_somebody(|who| session.seal_draft(who, node(&session, &name), true)).expect("sealed");
        let stamp = blob.metadata().expect("a blob").mtime();
        assert_ne!(stamp, SET.sec, "at {stop}: the blob has the file's time");
        let shown = session.attributes(at(&session, &name)).expect("shown").attributes.mtime;
        assert_eq!(shown, SET, "at {stop}");
        if sealed_before || stops > 1 {
            break;
        }
    }
}
