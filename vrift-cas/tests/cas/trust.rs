//! Which existing blobs stand for content that is put: each test is a way to lose it.

use std::fs::{File, FileTimes};
use std::time::SystemTime;

use vrift_cas::{Digest, Store};

use crate::support::{Home, bytes_read, let_the_clocks_tick, noise, tear};

const SIZE: usize = 400_000;

/// Puts `content`, and says whether it was written, and whether the store read a blob to decide that.
fn put(store: &Store, content: &[u8]) -> (bool, bool) {
    let (put, read) = bytes_read(|| store.put_bytes(content).unwrap());
    assert!(store.verify(&put.digest).unwrap().is_sound());
    (put.new, read >= content.len() as u64)
}

const WRITTEN: (bool, bool) = (true, false);
const READ_AND_WRITTEN: (bool, bool) = (true, true);
const READ: (bool, bool) = (false, true);
const TRUSTED: (bool, bool) = (false, false);

#[test]
fn a_blob_of_this_boot_is_trusted_without_reading_it() {
    let home = Home::new();
    let content = noise(1, SIZE);
    assert_eq!(put(&home.open(), &content), WRITTEN);
    assert_eq!(put(&home.open(), &content), TRUSTED);
}

#[test]
fn an_unsynced_blob_of_an_earlier_boot_is_read_once() {
    let home = Home::new();
    let content = noise(1, SIZE);
    assert_eq!(put(&home.open(), &content), WRITTEN);
    let store = home.reboot();
    assert_eq!(put(&store, &content), READ);
    assert_eq!(put(&store, &content), TRUSTED);
}

#[test]
fn a_synced_blob_of_an_earlier_boot_is_trusted_without_reading_it() {
    let home = Home::new();
    let content = noise(1, SIZE);
    let store = home.open();
    assert_eq!(put(&store, &content), WRITTEN);
    let_the_clocks_tick();
    store.sync().unwrap();
    assert_eq!(put(&home.reboot(), &content), TRUSTED);
    // That use stamped it with the new boot, which was not synced.
    assert_eq!(put(&home.reboot(), &content), READ);
}

#[test]
fn marks_of_all_earlier_boots_are_remembered() {
    let home = Home::new();
    let contents: Vec<_> = (0..5).map(|seed| noise(seed, SIZE)).collect();
    let mut store = home.open();
    for content in &contents {
        assert_eq!(put(&store, content), WRITTEN);
        let_the_clocks_tick();
        store.sync().unwrap();
        store = home.reboot();
    }
    for content in &contents {
        assert_eq!(put(&store, content), TRUSTED);
    }
}

#[test]
fn a_blob_put_after_the_sync_is_not_covered_by_it() {
    let home = Home::new();
    let store = home.open();
    store.sync().unwrap();
    let content = noise(1, SIZE);
    assert_eq!(put(&store, &content), WRITTEN);
    assert_eq!(put(&home.reboot(), &content), READ);
}

#[test]
fn what_a_power_cut_tore_is_replaced() {
    let content = noise(1, SIZE);
    let mut flipped = content.clone();
    flipped[SIZE / 2] ^= 1;
    let longer = [content.as_slice(), b"x"].concat();
    let torn: [(&[u8], _); 5] = [
        (b"", WRITTEN),
        (&content[..SIZE / 2], WRITTEN),
        (&longer, WRITTEN),
        (&vec![0; SIZE], READ_AND_WRITTEN),
        (&flipped, READ_AND_WRITTEN),
    ];
    for (left, how) in torn {
        let home = Home::new();
        assert_eq!(put(&home.open(), &content), WRITTEN);
        let digest = Digest::of(&content);
        tear(&home.blob(&digest), left);
        let store = home.reboot();
        assert!(!store.verify(&digest).unwrap().is_sound());
        assert_eq!(put(&store, &content), how, "{} bytes were left", left.len());
    }
}

#[test]
fn a_blob_of_another_size_is_replaced_in_the_same_boot() {
    let home = Home::new();
    let content = noise(1, SIZE);
    let store = home.open();
    assert_eq!(put(&store, &content), WRITTEN);
    tear(&home.blob(&Digest::of(&content)), b"");
    assert_eq!(put(&store, &content), WRITTEN);
}

#[test]
fn something_else_in_the_place_of_a_blob_is_replaced() {
    let home = Home::new();
    let store = home.open();
    let content = noise(1, SIZE);
    let blob = home.blob(&store.put_bytes(&content).unwrap().digest);
    std::fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("/dev/null", &blob).unwrap();
    assert_eq!(put(&store, &content), WRITTEN);
}

#[test]
fn a_file_changed_after_the_sync_is_read_whatever_its_stamp() {
    let home = Home::new();
    let content = noise(1, SIZE);
    let store = home.open();
    assert_eq!(put(&store, &content), WRITTEN);
    let_the_clocks_tick();
    store.sync().unwrap();
    let_the_clocks_tick();
    // As a copy of the store would be: the same name and stamp, and bytes that never reached this disk.
    tear(&home.blob(&Digest::of(&content)), &vec![0; SIZE]);
    assert_eq!(put(&home.reboot(), &content), READ_AND_WRITTEN);
}

#[test]
fn a_file_without_a_stamp_is_read() {
    let home = Home::new();
    let content = noise(1, SIZE);
    let store = home.open();
    assert_eq!(put(&store, &content), WRITTEN);
    let blob = File::open(home.blob(&Digest::of(&content))).unwrap();
    blob.set_times(FileTimes::new().set_modified(SystemTime::now())).unwrap();
    assert_eq!(put(&store, &content), READ);
    assert_eq!(put(&store, &content), TRUSTED);
}

/// The lines of a mark, with the right sum.
fn write_mark(home: &Home, lines: &str) {
    let text = format!("vrift mark 1\n{lines}");
    let sum = Digest::of(text.as_bytes());
    std::fs::write(home.root().join("mark"), format!("{text}sum {sum}\n")).unwrap();
}

#[test]
fn a_mark_made_under_a_clock_far_ahead_covers_nothing_that_came_after_it() {
    let home = Home::new();
    let store = home.open();
    store.sync().unwrap();
    let mark = std::fs::read_to_string(home.root().join("mark")).unwrap();
    let words: Vec<_> = mark.lines().nth(1).unwrap().split(' ').collect();
    let far_ahead = format!("{} {} 4000000000 0\n", words[0], words[1]);
    // The clock is set right: everything put from now on has a ctime before that of the mark.
    let content = noise(1, SIZE);
    assert_eq!(put(&store, &content), WRITTEN);
    write_mark(&home, &far_ahead);
    tear(&home.blob(&Digest::of(&content)), &vec![0; SIZE]);
    assert_eq!(put(&home.reboot(), &content), READ_AND_WRITTEN);
    // The mark does count, for what was complete before.
    let later = format!("{} 999999999 4000000000 0\n", words[0]);
    let home = Home::new();
    assert_eq!(put(&home.open(), &content), WRITTEN);
    write_mark(&home, &later);
    assert_eq!(put(&home.reboot(), &content), TRUSTED);
}

#[test]
fn a_mark_that_is_not_whole_covers_nothing_and_the_one_before_it_still_does() {
    let home = Home::new();
    let (early, late) = (noise(1, SIZE), noise(2, SIZE));
    let store = home.open();
    assert_eq!(put(&store, &early), WRITTEN);
    let_the_clocks_tick();
    store.sync().unwrap();
    let_the_clocks_tick();
    assert_eq!(put(&store, &late), WRITTEN);
    let_the_clocks_tick();
    store.sync().unwrap();
    std::fs::write(home.root().join("mark"), b"").unwrap();
    let store = home.reboot();
    assert_eq!(put(&store, &early), TRUSTED);
    assert_eq!(put(&store, &late), READ);
}

#[test]
fn a_lost_or_damaged_count_of_boots_never_reuses_a_number() {
    for damage in [None, Some(&b""[..]), Some(b"nonsense\n"), Some(b"id 4294967296\n")] {
        let home = Home::new();
        let content = noise(1, SIZE);
        drop(home.open());
        drop(home.reboot());
        assert_eq!(put(&home.reboot(), &content), WRITTEN);
        let path = home.root().join("boot");
        match damage {
            None => std::fs::remove_file(&path).unwrap(),
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
        }
        assert_eq!(put(&home.open(), &content), READ, "{damage:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with(" 4\n"), "{text}");
    }
}

#[test]
fn a_put_replaces_what_it_must_not_touch_and_keeps_what_others_have_open() {
    let home = Home::new();
    let content = noise(1, SIZE);
    let store = home.open();
    let digest = store.put_bytes(&content).unwrap().digest;
    let mut held = store.open_blob(&digest).unwrap();
    tear(&home.blob(&digest), b"");
    // The holder of the torn file keeps that file; the replacement is another one.
    assert_eq!(put(&store, &content), WRITTEN);
    let mut seen = Vec::new();
    std::io::Read::read_to_end(&mut held, &mut seen).unwrap();
    assert!(seen.is_empty());
}
