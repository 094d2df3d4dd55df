//! Opening and checking blobs.

use vrift_cas::{Digest, StoreError, Verdict};

use crate::support::{Home, content, tear};

#[test]
fn a_missing_blob_is_named_with_its_store() {
    let home = Home::new();
    let store = home.open();
    let digest = Digest::of(b"never put");
    let error = store.open_blob(&digest).unwrap_err();
    assert!(matches!(&error, StoreError::NoBlob { digest: d, .. } if *d == digest), "{error:?}");
    assert!(error.to_string().contains(&digest.to_string()));
    assert_eq!(store.size_of(&digest).unwrap(), None);
    assert!(!store.contains(&digest).unwrap());
    assert_eq!(store.verify(&digest).unwrap(), Verdict::Missing);
}

#[test]
fn a_blob_in_the_trash_comes_back_when_it_is_opened() {
    let home = Home::new();
    let store = home.open();
    let digest = store.put_bytes(b"needed again").unwrap().digest;
    std::fs::rename(home.blob(&digest), home.trashed(&digest)).unwrap();
    // Also if its directory is not there any more.
    std::fs::remove_dir(home.blob(&digest).parent().unwrap()).unwrap();
    assert_eq!(store.size_of(&digest).unwrap(), Some(12));
    assert_eq!(store.verify(&digest).unwrap(), Verdict::Sound { size: 12 });
    assert!(!home.blob(&digest).exists(), "looking moves nothing");
    assert_eq!(content(&store, &digest), b"needed again");
    assert!(home.blob(&digest).exists() && !home.trashed(&digest).exists());
}

#[test]
fn an_open_blob_can_be_read_and_not_written() {
    use std::io::Write;
    let home = Home::new();
    let store = home.open();
    let digest = store.put_bytes(b"immutable").unwrap().digest;
    let mut file = store.open_blob(&digest).unwrap();
    assert!(file.write_all(b"x").is_err());
    let flags = rustix::io::fcntl_getfd(&file).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn damage_is_told_by_its_kind() {
    let home = Home::new();
    let store = home.open();
    let digest = store.put_bytes(b"0123456789").unwrap().digest;
    let blob = home.blob(&digest);
    assert_eq!(store.verify_sized(&digest, 10).unwrap(), Verdict::Sound { size: 10 });
    let wrong = Verdict::WrongSize { expected: 11, found: 10 };
    assert_eq!(store.verify_sized(&digest, 11).unwrap(), wrong);
    for left in [&b""[..], b"012345678", b"012345678x", b"01234567890"] {
        tear(&blob, left);
        let found = Digest::of(left);
        let wrong = Verdict::WrongContent { found, size: left.len() as u64 };
        assert_eq!(store.verify(&digest).unwrap(), wrong);
        assert!(!wrong.is_sound());
    }
    std::fs::remove_file(&blob).unwrap();
    std::fs::create_dir(&blob).unwrap();
    assert_eq!(store.verify(&digest).unwrap(), Verdict::NotAFile);
    std::fs::remove_dir(&blob).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &blob).unwrap();
    assert_eq!(store.verify(&digest).unwrap(), Verdict::NotAFile);
    assert!(store.open_blob(&digest).is_err(), "a symlink is not followed");
    std::fs::remove_file(&blob).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &blob, rustix::fs::Mode::RWXU).unwrap();
    assert_eq!(store.verify(&digest).unwrap(), Verdict::NotAFile);
}

#[test]
fn every_flipped_bit_is_found() {
    let home = Home::new();
    let store = home.open();
    let bytes = crate::support::noise(3, 300);
    let digest = store.put_bytes(&bytes).unwrap().digest;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        tear(&home.blob(&digest), &flipped);
        assert!(!store.verify(&digest).unwrap().is_sound(), "bit {bit}");
    }
}
