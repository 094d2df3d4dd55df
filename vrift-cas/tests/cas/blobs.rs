//! The walk through everything that is stored.

use std::collections::BTreeSet;

use vrift_cas::{Digest, Found};

use crate::support::{Home, noise};

#[test]
fn every_blob_is_listed_once_in_order_with_what_is_known_of_it() {
    let home = Home::new();
    let store = home.open();
    let mut expected = BTreeSet::from([(Digest::EMPTY, 0)]);
    for seed in 0..600 {
        let put = store.put_bytes(&noise(seed, seed as usize)).unwrap();
        expected.insert((put.digest, put.size));
    }
    let found: Vec<_> = store
        .blobs()
        .unwrap()
        .map(|found| match found.unwrap() {
            Found::Blob(blob) => {
                assert_eq!(blob.stamp.unwrap().boot(), 1);
                assert!(blob.ctime.elapsed().unwrap().as_secs() < 600);
                (blob.digest, blob.size)
            }
            Found::Stray(path) => panic!("{}", path.display()),
        })
        .collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn what_does_not_belong_there_is_told_and_left_alone() {
    let home = Home::new();
    let store = home.open();
    let digest = store.put_bytes(b"blob").unwrap().digest;
    let blobs = home.root().join("blobs");
    let directory = home.blob(&digest).parent().unwrap().to_owned();
    let in_place = home.blob(&Digest::of(b"other"));
    std::fs::create_dir_all(&in_place).unwrap();
    let strays = [
        blobs.join("README"),
        blobs.join("AB"),
        blobs.join("abc"),
        directory.join("short"),
        directory.join(digest.to_string()),
        in_place,
    ];
    for path in &strays[..5] {
        std::fs::write(path, "").unwrap();
    }
    let (mut found, mut count) = (Vec::new(), 0);
    for entry in store.blobs().unwrap() {
        match entry.unwrap() {
            Found::Stray(path) => found.push(path),
            Found::Blob(_) => count += 1,
        }
    }
    found.sort();
    let mut strays = strays.to_vec();
    strays.sort();
    assert_eq!((found, count), (strays, 2));
}
