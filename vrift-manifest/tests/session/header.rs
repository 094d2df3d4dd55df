//! Words of the live index's header that somebody else has written: what they say gets into no record, and fsck finds them.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;
use vrift_manifest::index::layout::{DOUBLED, H_DRAFTS_AFTER, H_FLOOR, H_NEXT_NODE};
use vrift_manifest::session::{Session, SessionError, above};

use crate::support::{Fixture, as_somebody, at, content, create, node};

/// One flip in so many is tried.
fn one_in() -> usize {
    std::env::var("VRIFT_TEST_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(7)
}

fn is_tried(word: usize, bit: usize) -> bool {
    (word * 64 + bit).is_multiple_of(one_in())
        || [(H_NEXT_NODE, 35), (H_FLOOR, 61), (H_DRAFTS_AFTER, 40)].contains(&(word, bit))
}

/// What a wild pointer of a program under test does, or a bad memory.
fn flip(fixture: &Fixture, word: usize, bit: usize) {
    let path = fixture.workspace().index_path();
    let file = File::options().read(true).write(true).open(path).expect("a live index");
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, word as u64 * 8).expect("read");
    let flipped = u64::from_ne_bytes(bytes) ^ 1 << bit;
    file.write_all_at(&flipped.to_ne_bytes(), word as u64 * 8).expect("written");
}

/// As a program: it goes on with the index that is in force.
fn with<T>(
    fixture: &Fixture,
    session: &mut Session,
    place: &str,
    work: impl Fn(&Session) -> Result<T, SessionError>,
) -> T {
    for _ in 0..16 {
        if !session.is_in_force() {
            *session = fixture.session();
        }
        match work(session) {
            Err(SessionError::Retired) => {}
            other => return other.expect(place),
        }
    }
    panic!("replaced again and again");
}

/// `echo x1 >NAME; cat NAME`, and what is shown of it meanwhile and then.
fn check_new_file(fixture: &Fixture, session: &mut Session, name: &str, place: &str) {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let (number, file) = with(fixture, session, place, |session| create(session, name, flags));
    let mut file = File::from(file);
    file.write_all(b"x1\n").expect("written");
    assert_eq!(content(session, name), b"x1\n", "{place}: while it is open");
    drop(file);
    with(fixture, session, place, |session| as_somebody(|who| session.seal(who, number)));
    assert_eq!(content(session, name), b"x1\n", "{place}");
    assert_eq!(node(session, name), number, "{place}");
    assert!(number < 1_000_000 && above::length_of(number).is_none(), "{place}: number {number}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    for at in [at(session, name), session.tree().root()] {
        let shown = session.tree().attributes(at).expect("sound");
        for time in [shown.mtime, shown.ctime] {
            assert!((now - 60..=now + 1).contains(&time.sec), "{place}: {time:?}, now {now}");
        }
    }
}

#[test]
fn a_word_of_the_header_that_is_another_is_found_and_gets_into_no_record() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    check_new_file(&fixture, &mut session, "first", "at the beginning");
    let (mut found, mut tried) = (0, 0);
    for word in 0..DOUBLED {
        for bit in (0..64).filter(|&bit| is_tried(word, bit)) {
            let place = format!("word {word}, bit {bit}");
            tried += 1;
            // Somebody changes the tree before anybody looks.
            flip(&fixture, word, bit);
            check_new_file(&fixture, &mut session, &format!("changed {place}"), &place);
            assert_eq!(fixture.workspace().index_damage().expect(&place), None, "{place}");
            // It is looked at first. What is not found means nothing.
            flip(&fixture, word, bit);
            let mut workspace = fixture.workspace();
            if workspace.index_damage().expect(&place).is_some() {
                found += 1;
                workspace.renew_index().expect(&place);
                assert_eq!(workspace.index_damage().expect(&place), None, "{place}");
            }
            let mut session = fixture.session();
            check_new_file(&fixture, &mut session, &format!("looked {place}"), &place);
            assert_eq!(content(&session, "first"), b"x1\n", "{place}");
        }
    }
    assert!(found * 2 > tried, "{found} of {tried}");
    fixture.workspace().compact().expect("folded");
    check_new_file(&fixture, &mut session, "last", "after all");
    assert_eq!(fixture.workspace().index_damage().expect("compared"), None);
}
