//! The trust rule against a model: puts, syncs and power cuts in any order lose nothing that was synced, and
//! nothing that was put since the last cut.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vrift_cas::{Digest, GcOptions};

use crate::support::{Home, noise, tear};

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Sync,
    /// A cut: each unsynced blob is whole, empty, zeros, or gone, as the bits say.
    Cut(u16),
    /// A collection that keeps these.
    Collect(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u8..6).prop_map(Step::Put),
        2 => Just(Step::Sync),
        2 => any::<u16>().prop_map(Step::Cut),
        2 => any::<u8>().prop_map(Step::Collect),
        1 => Just(Step::Reopen),
    ]
}

fn content(key: u8) -> Vec<u8> {
    noise(u64::from(key) + 1, 100 + usize::from(key))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nothing_synced_and_nothing_put_since_the_cut_is_ever_lost(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let home = Home::new();
        let mut store = home.open();
        // What must be there, and whether a cut may tear it.
        let mut held = BTreeMap::<u8, bool>::new();
        for step in steps {
            match step {
                Step::Put(key) => {
                    store.put_bytes(&content(key)).unwrap();
                    held.entry(key).or_insert(true);
                }
                Step::Sync => {
                    store.sync().unwrap();
                    held.values_mut().for_each(|torn| *torn = false);
                }
                Step::Cut(bits) => {
                    drop(store);
                    for key in 0..6u8 {
                        if held.get(&key) == Some(&false) {
                            continue;
                        }
                        let digest = Digest::of(&content(key));
                        for blob in [home.blob(&digest), home.trashed(&digest)] {
                            match bits >> (2 * key) & 3 {
                                _ if !blob.exists() => {}
                                1 => tear(&blob, b""),
                                2 => tear(&blob, &vec![0; content(key).len()]),
                                3 => std::fs::remove_file(&blob).unwrap(),
                                _ => {}
                            }
                        }
                    }
                    held.retain(|_, torn| !*torn);
                    store = home.reboot();
                }
                Step::Collect(bits) => {
                    held.retain(|key, _| bits >> key & 1 == 1);
                    let keys: BTreeSet<_> = held.keys().copied().collect();
                    let roots = keys.iter().map(|key| Digest::of(&content(*key))).collect();
                    let options = GcOptions { grace: Default::default(), dry_run: false };
                    store.gc(&options, &mut || Ok::<_, std::io::Error>(Clone::clone(&roots))).unwrap();
                }
                Step::Reopen => store = home.open(),
            }
            for key in held.keys() {
                let verdict = store.verify(&Digest::of(&content(*key))).unwrap();
                prop_assert!(verdict.is_sound(), "{key}: {verdict:?}");
            }
        }
    }
}
