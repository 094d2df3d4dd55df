//! What a killed process leaves.

use std::time::Duration;

use crate::child::{Running, child, put_one};
use crate::support::{Home, all_are_whole};

#[test]
fn whatever_is_named_is_whole_after_kills_at_any_time() {
    let home = Home::new();
    drop(home.open());
    let mut blobs = 0;
    for round in 0..30u64 {
        let children: Vec<_> = (0..2u64)
            .map(|n| {
                let mut command = child("put forever", &home.root());
                // Both put the same from the same start, so that they also meet.
                Running::start(command.env("VRIFT_CAS_SEED", (round * 1000 + n % 2).to_string()))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(15 + round * 7 % 40));
        children.into_iter().for_each(Running::kill);
        let store = home.open();
        blobs = all_are_whole(&store);
        // And the store goes on.
        put_one(&store, 1_000_000_000 + round);
    }
    assert!(blobs > 100, "only {blobs} blobs: the kills came before the puts");
    home.open().clear_staging().unwrap();
    assert_eq!(std::fs::read_dir(home.root().join("staging")).unwrap().count(), 0);
}
