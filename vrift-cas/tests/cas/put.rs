//! The three ways in.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use proptest::prelude::*;
use vrift_cas::{Digest, StoreError};

use crate::child::child;
use crate::support::{Home, all_are_whole, content, noise};

/// A reader that yields little at a time, and is interrupted now and then.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(self.1 % 70_000);
        (&mut self.0).take(length as u64).read(&mut buffer[..length])
    }
}

#[test]
fn all_ways_in_store_the_same_content_of_any_length() {
    let home = Home::new();
    let store = home.open();
    const SMALL: usize = 1 << 20;
    for length in [0, 1, 4095, 4096, SMALL - 1, SMALL, SMALL + 1, SMALL + 262_144, 3_000_001] {
        // Each way writes once and finds once what another way wrote.
        for way in 0..3 {
            let bytes = noise((length * 3 + way) as u64, length);
            let file = home.file("source", &bytes);
            let put = |way| match way % 3 {
                0 => store.put_bytes(&bytes).unwrap(),
                1 => store.put_reader(&mut Dribble(&bytes, 0)).unwrap(),
                _ => store.put_file(&file).unwrap(),
            };
            let first = put(way);
            assert_eq!((first.digest, first.size), (Digest::of(&bytes), length as u64));
            assert_eq!(first.new, length != 0, "{length} bytes, way {way}");
            for other in 0..3 {
                let again = put(other);
                assert_eq!(
                    (again.digest, again.size, again.new),
                    (first.digest, first.size, false)
                );
            }
            assert_eq!(content(&store, &first.digest), bytes);
        }
    }
    assert_eq!(std::fs::read_dir(home.root().join("staging")).unwrap().count(), 1);
    drop(store);
    assert_eq!(std::fs::read_dir(home.root().join("staging")).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_goes_in_comes_out(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let home = Home::new();
        let store = home.open();
        let put = store.put_reader(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(content(&store, &put.digest), bytes);
    }
}

#[test]
fn a_user_file_is_neither_linked_nor_changed_nor_moved_in() {
    let home = Home::new();
    let store = home.open();
    for length in [5000, 2_000_000] {
        let bytes = noise(9, length);
        let mut file = home.file("mine", &bytes);
        file.seek(SeekFrom::Start(7)).unwrap();
        let before = file.metadata().unwrap();
        let put = store.put_file(&file).unwrap();
        let after = file.metadata().unwrap();
        assert_eq!(put.digest, Digest::of(&bytes));
        assert_eq!(file.stream_position().unwrap(), 7);
        assert_eq!(
            (after.nlink(), after.mode(), after.mtime_nsec()),
            (1, before.mode(), before.mtime_nsec())
        );
        assert_eq!((after.ctime(), after.ctime_nsec()), (before.ctime(), before.ctime_nsec()));
        assert_ne!(std::fs::metadata(home.blob(&put.digest)).unwrap().ino(), after.ino());
    }
}

#[test]
fn a_file_that_does_not_know_its_length_is_read_to_its_end() {
    let home = Home::new();
    let store = home.open();
    let put = store.put_file(&File::open("/proc/self/maps").unwrap()).unwrap();
    assert!(put.size > 1000);
    assert!(store.verify(&put.digest).unwrap().is_sound());
}

#[test]
fn holes_of_a_sparse_file_take_no_room_in_the_store() {
    let home = Home::new();
    let store = home.open();
    let file = File::create_new(home.path().join("sparse")).unwrap();
    file.set_len(64 << 20).unwrap();
    let file = File::open(home.path().join("sparse")).unwrap();
    let put = store.put_file(&file).unwrap();
    assert_eq!(put.size, 64 << 20);
    assert!(store.verify(&put.digest).unwrap().is_sound());
    assert!(std::fs::metadata(home.blob(&put.digest)).unwrap().blocks() * 512 < 4 << 20);
    // Data after a hole, and a hole after data.
    let mut bytes = vec![0; 5 << 20];
    bytes[3 << 20] = 1;
    let put = store.put_reader(&mut bytes.as_slice()).unwrap();
    assert_eq!(content(&store, &put.digest), bytes);
}

/// Yields some bytes, then fails.
struct Broken(u64);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.min(buffer.len() as u64);
        if length == 0 {
            return Err(io::Error::other("the cable came off"));
        }
        self.0 -= length;
        buffer[..length as usize].fill(7);
        Ok(length as usize)
    }
}

#[test]
fn a_source_that_fails_leaves_nothing_and_is_named_as_the_cause() {
    let home = Home::new();
    let store = home.open();
    store.put_bytes(b"so that there is a staging directory").unwrap();
    let before = all_are_whole(&store);
    for length in [0, 1000, 3 << 20] {
        let error = store.put_reader(&mut Broken(length)).unwrap_err();
        assert!(matches!(error, StoreError::Source(_)), "{error:?}");
        assert!(error.to_string().contains("the cable came off"));
    }
    let error = store.put_file(&File::open(home.path()).unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::Source(_)), "{error:?}");
    assert_eq!(all_are_whole(&store), before);
    let staging = home.root().join("staging");
    for session in std::fs::read_dir(staging).unwrap() {
        assert_eq!(std::fs::read_dir(session.unwrap().path()).unwrap().count(), 0);
    }
}

#[test]
fn the_umask_does_not_matter() {
    let home = Home::new();
    assert!(child("put under a strict umask", &home.root()).status().unwrap().success());
    let store = home.open();
    let digest = Digest::of(b"strict");
    assert_eq!(content(&store, &digest), b"strict");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&home.blob(&digest)), 0o1555);
    assert_eq!(mode(home.blob(&digest).parent().unwrap()), 0o700);
    for name in ["", "blobs", "staging", "trash", "active", "images", "journals", "workspaces"] {
        assert_eq!(mode(&home.root().join(name)), 0o700, "{name}");
    }
    for name in ["format", "boot", "mark"] {
        assert_eq!(mode(&home.root().join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_read_only_store_takes_nothing() {
    let home = Home::new();
    drop(home.open());
    let store = vrift_cas::Store::open_read_only(home.root()).unwrap();
    let refused = |error| assert!(matches!(error, StoreError::OpenedReadOnly { .. }), "{error:?}");
    refused(store.put_bytes(b"x").unwrap_err());
    refused(store.put_reader(&mut &b"x"[..]).unwrap_err());
    refused(store.put_file(&home.file("f", b"x")).unwrap_err());
    refused(store.sync().unwrap_err());
    refused(store.begin().unwrap_err());
    refused(store.stage().unwrap_err());
    refused(store.clear_staging().unwrap_err());
}

#[test]
fn data_between_holes_is_all_that_takes_room() {
    use std::os::unix::fs::FileExt;
    let home = Home::new();
    let store = home.open();
    let path = home.path().join("sparse");
    let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    file.set_len(8 << 20).unwrap();
    for at in [1 << 20, (3 << 20) + 5000, (8 << 20) - 1] {
        file.write_all_at(b"data", at).unwrap();
    }
    let size = file.metadata().unwrap().len();
    let put = store.put_file(&file).unwrap();
    assert_eq!(put.size, size);
    assert_eq!(content(&store, &put.digest), std::fs::read(&path).unwrap());
    assert_eq!(put.digest, Digest::of(&std::fs::read(&path).unwrap()));
    assert!(std::fs::metadata(home.blob(&put.digest)).unwrap().blocks() * 512 < 1 << 20);
}
