//! Several processes in one store.

use crate::child::{Running, child};
use crate::support::{Home, all_are_whole, noise};
use vrift_cas::Digest;

#[test]
fn processes_that_put_the_same_and_different_contents_lose_none() {
    let home = Home::new();
    let processes = 6u64;
    // The store itself is made by whoever comes first.
    let children: Vec<_> = (1..=processes)
        .map(|seed| {
            let mut command = child("put many", &home.root());
            Running::start(command.env("VRIFT_CAS_SEED", seed.to_string()))
        })
        .collect();
    assert!(children.into_iter().all(Running::succeeds));
    let store = home.open();
    let length =
        |seed: u64| if seed.is_multiple_of(16) { (1 << 20) + 5000 } else { (seed % 7000) as usize };
    let mut expected = std::collections::BTreeSet::from([Digest::EMPTY]);
    for count in 0..200 {
        for seed in (0..=processes).map(|process| (process << 32) + count) {
            let digest = Digest::of(&noise(seed, length(seed)));
            assert!(store.contains(&digest).unwrap(), "{seed}");
            expected.insert(digest);
        }
    }
    assert_eq!(all_are_whole(&store), expected.len());
    assert_eq!(std::fs::read_dir(home.root().join("staging")).unwrap().count(), 0);
}

#[test]
fn threads_that_put_one_content_write_it_and_one_of_them_says_so() {
    let home = Home::new();
    let store = home.open();
    for seed in 0..200 {
        let bytes = noise(seed, 3000);
        let new: usize = std::thread::scope(|scope| {
            let put = || usize::from(store.put_bytes(&bytes).unwrap().new);
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(put)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(new, 1);
    }
}
