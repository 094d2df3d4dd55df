//! The staging area and what is left in it.

use std::fs::{File, FileTimes};
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use crate::child::{Running, child};
use crate::support::{Home, all_are_whole};

#[test]
fn a_staged_file_appears_whole_or_not_at_all() {
    let home = Home::new();
    let store = home.open();
    let target = store.images_dir().join("image");
    let mut staged = store.stage().unwrap();
    staged.write_all(b"not this").unwrap();
    let path = staged.path();
    assert!(path.exists());
    drop(staged);
    assert!(!path.exists() && !target.exists());
    for durable in [false, true] {
        let mut staged = store.stage().unwrap();
        staged.write_all(b"this").unwrap();
        staged.publish(&target, 0o444, durable).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"this");
        assert_eq!(std::fs::metadata(&target).unwrap().mode() & 0o7777, 0o444);
    }
    let error =
        store.stage().unwrap().publish(&home.path().join("no/such"), 0o444, true).unwrap_err();
    assert!(error.to_string().contains("no/such"), "{error}");
}

#[test]
fn what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not() {
    let home = Home::new();
    let store = home.open();
    let mut living = store.stage().unwrap();
    living.write_all(b"living").unwrap();
    // As a killed process leaves it: a directory that nobody has locked.
    let dead = home.root().join("staging/0123456789abcdef");
    std::fs::create_dir_all(dead.join("d7")).unwrap();
    std::fs::write(dead.join("0"), [0; 1000]).unwrap();
    std::fs::write(dead.join("1"), [0; 500]).unwrap();
    let found = store.stale_staging().unwrap();
    assert_eq!((found.files, found.bytes), (2, 1500));
    assert!(dead.exists());
    assert_eq!(store.clear_staging().unwrap(), found);
    assert!(!dead.exists());
    assert_eq!(store.clear_staging().unwrap().files, 0);
    living.publish(&home.root().join("images/living"), 0o444, false).unwrap();
    assert_eq!(std::fs::read(home.root().join("images/living")).unwrap(), b"living");
}

#[test]
fn a_loose_file_is_left_alone_for_a_day() {
    let home = Home::new();
    let store = home.open();
    let loose = home.root().join("staging/loose");
    std::fs::write(&loose, "").unwrap();
    File::open(&loose)
        .unwrap()
        .set_times(FileTimes::new().set_modified(std::time::UNIX_EPOCH))
        .unwrap();
    // Its modification time may be anything; the change is recent.
    assert_eq!(store.clear_staging().unwrap().files, 0);
    assert!(loose.exists());
}

#[test]
fn a_killed_put_leaves_a_file_that_is_counted_and_cleared() {
    let home = Home::new();
    drop(home.open());
    let store = home.open();
    let mut left = 0;
    for round in 0..40u64 {
        let mut putter = child("put forever", &home.root());
        let putter = Running::start(putter.env("VRIFT_CAS_SEED", (round << 32).to_string()));
        std::thread::sleep(std::time::Duration::from_millis(20 + round));
        putter.kill();
        left += store.clear_staging().unwrap().files;
        assert_eq!(store.stale_staging().unwrap().files, 0);
        if left > 0 && round > 5 {
            break;
        }
    }
    all_are_whole(&store);
    assert!(left > 0, "no kill hit a put: the test shows nothing");
}

#[test]
fn a_session_whose_directory_was_taken_away_begins_another() {
    let home = Home::new();
    let store = home.open();
    store.put_bytes(b"one").unwrap();
    for entry in std::fs::read_dir(home.root().join("staging")).unwrap() {
        std::fs::remove_dir(entry.unwrap().path()).unwrap();
    }
    assert!(store.put_bytes(b"two").unwrap().new);
}
