//! Images that were cut, flipped or forged: every accessor answers or refuses, and the check finds it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use vrift_cas::Digest;
use vrift_manifest::hash::name_hash;
use vrift_manifest::image::{Image, verify};

use crate::model::trees;
use crate::tree::Tree;

/// Calls everything with everything. The work is bounded by what the image says its size is.
pub fn touch_all<B: AsRef<[u8]>>(image: &Image<B>) {
    let count = image.record_count();
    for index in (0..count.min(2000)).chain([count, u32::MAX]) {
        let _ = image.record(index).map(|record| (record.uid(), record.gid(), record.nlink()));
        let _ = (image.mode(index), image.kind(index), image.parent(index), image.primary(index));
        let _ = (image.attributes(index), image.content(index), image.digest(index));
        let _ = (image.symlink_target(index), image.xattr_block(index), image.children(index));
        if let Ok(node) = image.node_number(index) {
            let _ = image.by_number(node);
        }
        if let Ok(xattrs) = image.xattrs(index) {
            assert!(xattrs.take(1 << 20).count() < 1 << 20);
        }
        if let (Ok(name), Ok(parent)) = (image.name(index), image.parent(index)) {
            let _ = image.lookup(parent, name, name_hash(name));
            let _ = image.lookup_entry(parent, name, 0);
            let _ = image.lookup(index, name, name_hash(name));
        }
        if let Ok(entries) = image.entries(index) {
            entries.take(2000).for_each(drop);
        }
    }
    walk_all(image);
}

/// Down through every directory: each record at most once, whatever they say.
fn walk_all<B: AsRef<[u8]>>(image: &Image<B>) {
    let (mut waiting, mut seen) = (vec![0], 0u64);
    while let Some(index) = waiting.pop() {
        seen += 1;
        assert!(seen <= u64::from(image.record_count()), "a record was visited twice");
        let Ok(children) = image.children(index) else { continue };
        for child in children {
            if image.parent(child) == Ok(index) {
                waiting.push(child);
            }
        }
    }
}

fn sample() -> Tree {
    let mut tree = Tree::new();
    tree.directory(&[b"dir"]);
    tree.directory(&[b"dir", b"empty"]);
    let node = tree.file(&[b"dir", b"file"], b"content");
    tree.link(&[b"link"], node);
    tree.file(&[b"dir", &[b'l'; 200]], b"long");
    tree.symlink(&[b"symlink"], b"dir/file");
    tree.add(&[b"device"], crate::tree::attributes(0o060600), |node| node.attributes.rdev = 77);
    tree.nodes.get_mut(&node).unwrap().xattrs =
        [(b"user.one".to_vec(), b"1".to_vec()), (b"user.two".to_vec(), b"".to_vec())].into();
    tree
}

/// Where the header has the first node number never used.
const NEXT_NODE: std::ops::Range<usize> = 104..112;

/// Puts the header's checksum right again, so that what is behind it is reached.
fn seal(bytes: &mut [u8]) {
    bytes[248..256].fill(0);
    let digest = Digest::of(&bytes[..256]);
    bytes[248..256].copy_from_slice(&digest.as_bytes()[..8]);
}

#[test]
fn every_flipped_bit_is_found() {
    let good = sample().build();
    assert_eq!(verify(&Image::open(&good).unwrap()), Vec::<String>::new());
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(image) = Image::open(&bytes) {
                assert!(!verify(&image).is_empty(), "byte {at}, bit {bit} was not found");
                touch_all(&image);
            }
        }
    }
}

/// The same, when whoever flipped it computed all digests anew: only what the bytes mean can give it away. What
/// passes is another tree, and then it is the one image of that tree.
#[test]
fn a_flipped_bit_under_right_digests_is_found_or_is_another_tree() {
    let good = sample().build();
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let section = |place: usize| {
        let (at, len) = (word(&good, 24 + 16 * place), word(&good, 32 + 16 * place));
        at as usize..(at + len) as usize
    };
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let tree: Vec<u8> = (0..3).flat_map(|place| bytes[section(place)].to_vec()).collect();
            let identity: Vec<u8> =
                (3..5).flat_map(|place| bytes[section(place)].to_vec()).collect();
            bytes[128..160].copy_from_slice(Digest::of(&tree).as_bytes());
            bytes[160..192].copy_from_slice(Digest::of(&identity).as_bytes());
            seal(&mut bytes);
            let Ok(image) = Image::open(&bytes) else { continue };
            touch_all(&image);
            if verify(&image).is_empty() {
                let says = Tree::of(&image).build();
                assert!(says == bytes, "byte {at}, bit {bit}: not the image of what it says");
            }
        }
    }
}

/// The random test below took this for a change that was not found, once in a few hundred runs of it.
#[test]
fn a_larger_next_number_is_sound_and_a_smaller_one_is_found() {
    let good = sample().build();
    let next = u64::from_le_bytes(good[NEXT_NODE].try_into().unwrap());
    for (value, sound) in [(next + 1, true), (next << 40, true), (next - 1, false), (0, false)] {
        let mut bytes = good.clone();
        bytes[NEXT_NODE].copy_from_slice(&value.to_le_bytes());
        seal(&mut bytes);
        assert_eq!(Image::open(&bytes).is_ok_and(|image| verify(&image).is_empty()), sound);
    }
}

/// Found by fuzzing: the parent of every other record is checked with its directory, and the root is in none.
#[test]
fn a_root_with_a_parent_is_found() {
    let mut bytes = sample().build();
    bytes[256] = 1;
    let image = Image::open(&bytes).unwrap();
    let findings = verify(&image).join("\n");
    assert!(findings.contains("record 0 (/): byte 0"), "{findings}");
}

#[test]
fn every_truncation_is_refused() {
    let good = sample().build();
    for len in 0..good.len() {
        assert!(Image::open(&good[..len]).is_err());
    }
}

#[test]
fn a_header_with_any_number_anywhere_opens_nothing_else() {
    let good = sample().build();
    for at in (16..248).step_by(8) {
        for value in [0, 1, 7, 255, 256, 1 << 31, 1 << 32, 1 << 63, u64::MAX, u64::MAX - 63] {
            let mut bytes = good.clone();
            bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
            seal(&mut bytes);
            if let Ok(image) = Image::open(&bytes) {
                touch_all(&image);
                assert!(
                    bytes == good || at == NEXT_NODE.start || !verify(&image).is_empty(),
                    "at {at}"
                );
            }
        }
    }
}

#[test]
fn directories_that_claim_each_others_children_are_walked_once() {
    let mut tree = Tree::new();
    for name in [b"a", b"b", b"c", b"d"] {
        tree.directory(&[name]);
        tree.directory(&[name, b"below"]);
    }
    let mut bytes = tree.build();
    // Every directory says that its children are all the records.
    for index in 0..9u32 {
        let at = 256 + 128 * index as usize;
        bytes[at + 16..at + 20].copy_from_slice(&(index + 1).to_le_bytes());
        bytes[at + 20..at + 24].copy_from_slice(&(8 - index).to_le_bytes());
    }
    let image = Image::open(&bytes).unwrap();
    touch_all(&image);
    assert!(!verify(&image).is_empty());
    let first = image.entries(0).unwrap();
    assert!(first.clone().count() == 8 && first.filter(|child| child.is_ok()).count() == 4);
}

/// Bytes that are others each time they are asked for must not be believed either.
#[test]
fn bytes_that_shrink_after_opening_are_damage_and_no_panic() {
    struct Shrinking(Vec<u8>, std::cell::Cell<usize>);
    impl AsRef<[u8]> for Shrinking {
        fn as_ref(&self) -> &[u8] {
            &self.0[..self.1.get()]
        }
    }
    let bytes = sample().build();
    let whole = bytes.len();
    let image = Image::open(Shrinking(bytes, whole.into())).unwrap();
    for len in 0..whole {
        let shrunk = catch_unwind(AssertUnwindSafe(|| {
            shrink(&image, len);
            touch_all(&image);
            assert!(!verify(&image).is_empty());
        }));
        assert!(shrunk.is_ok(), "at {len}");
    }
    fn shrink(image: &Image<Shrinking>, len: usize) {
        image.source().1.set(len);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn random_trees_with_random_bytes_changed_never_panic(
        tree in trees(30),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let good = tree.build();
        let mut bytes = good.clone();
        for (place, value) in changes {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        seal(&mut bytes);
        if let Ok(image) = Image::open(&bytes) {
            touch_all(&image);
            let sound = verify(&image).is_empty();
            // The next number stands under no digest but the header's, and a larger one only skips numbers.
            let next = |bytes: &[u8]| u64::from_le_bytes(bytes[NEXT_NODE].try_into().unwrap());
            let skips = next(&bytes) >= next(&good);
            bytes[NEXT_NODE].copy_from_slice(&good[NEXT_NODE]);
            seal(&mut bytes);
            prop_assert!(!sound || bytes == good);
            prop_assert!(sound || bytes != good || !skips);
        }
    }
}
