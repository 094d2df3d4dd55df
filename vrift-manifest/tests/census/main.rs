//! The census of a run: notes by many processes, read by one.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use vrift_manifest::census::{self, Census};

const ID: &[u8] = b"0123456789abcdef0123456789abcdef";

fn read(runtime: &Path, run: u64) -> Census {
    let name = format!("run-0123456789abcdef0123456789abcdef-{run:016x}");
    Census::parse(&std::fs::read(runtime.join(name)).expect("a census"))
}

#[test]
fn what_is_noted_is_read_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = directory.path().as_os_str().as_bytes();
    let _held = census::create(runtime, ID, 7).expect("a census");
    assert_eq!(read(directory.path(), 7), Census::default());
    census::note_seen(runtime, ID, 7);
    census::note_unseen(runtime, ID, 7, b"/bin/one\ntwo");
    census::note_seen(runtime, ID, 7);
    census::note_failure(runtime, ID, 7, b"'a.o': no space");
    census::note_unseen(runtime, ID, 7, &[b'x'; 9000]);
    census::note_seen(runtime, ID, 7);
    let seen = read(directory.path(), 7);
    assert_eq!(seen.seen, 3);
    assert_eq!(seen.unseen[0], b"/bin/one?two");
    assert!(seen.unseen[1].len() > 4000 && seen.unseen.len() == 2);
    assert_eq!(seen.failures, [b"'a.o': no space".to_vec()]);
    census::remove(runtime, ID, 7).expect("removed");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
}

#[test]
fn without_a_run_nothing_is_noted_and_nothing_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = directory.path().as_os_str().as_bytes();
    for run in [0, 8] {
        census::note_seen(runtime, ID, run);
        census::note_unseen(runtime, ID, run, b"/bin/true");
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), 0);
    assert_eq!(census::remove(runtime, ID, 8), Err(Errno::NOENT));
}

#[test]
fn notes_of_many_are_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = directory.path().as_os_str().as_bytes();
    let _held = census::create(runtime, ID, u64::MAX).expect("a census");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in 0..250 {
                    census::note_seen(runtime, ID, u64::MAX);
                    let program = format!("/bin/{thread}-{number}");
                    census::note_unseen(runtime, ID, u64::MAX, program.as_bytes());
                }
            });
        }
    });
    let census = read(directory.path(), u64::MAX);
    assert_eq!((census.seen, census.unseen.len()), (1000, 1000));
    assert!(census.unseen.iter().all(|program| program.starts_with(b"/bin/")));
}

#[test]
fn a_census_is_left_over_when_nobody_holds_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = directory.path().as_os_str().as_bytes();
    let held = census::create(runtime, ID, 9).expect("a census");
    let path = directory.path().join(format!("run-0123456789abcdef0123456789abcdef-{:016x}", 9));
    let path = CString::new(path.as_os_str().as_bytes()).expect("a path");
    assert!(!census::is_left_over(&path));
    drop(held);
    assert!(census::is_left_over(&path));
    assert!(matches!(census::create(runtime, ID, 9), Err(Errno::EXIST)));
}

#[test]
fn a_census_that_was_cut_short_is_read_as_far_as_it_goes() {
    let cut = Census::parse(b"..!/bin/x\n.\0junk\n!/bin/y");
    assert_eq!(cut.seen, 3);
    assert_eq!(cut.unseen, [b"/bin/x".to_vec(), b"/bin/y".to_vec()]);
    assert_eq!(Census::parse(b""), Census::default());
}
