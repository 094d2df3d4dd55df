//! A reader never sees a torn state, however the writer's and its own steps are seen.

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use crate::latch_without_release as without_release;
use crate::{latch_whole as whole, latch_without_acquire as without_acquire};

/// Two words stand for the sixteen: a torn state is one of which two words are from different writers.
struct Shared {
    version: AtomicU64,
    copies: [[AtomicU64; 2]; 2],
}

impl Shared {
    fn new() -> Shared {
        let copy = || [AtomicU64::new(0), AtomicU64::new(0)];
        Shared { version: AtomicU64::new(0), copies: [copy(), copy()] }
    }

    fn copies(&self) -> [&[AtomicU64; 2]; 2] {
        [&self.copies[0], &self.copies[1]]
    }
}

type Load = fn(&AtomicU64, [&[AtomicU64; 2]; 2]) -> [u64; 2];
type Store = fn(&AtomicU64, [&[AtomicU64; 2]; 2], &[u64; 2]);

fn check(load: Load, store: Store, stores: u64, readers: usize, reads: usize) {
    let mut model = loom::model::Builder::new();
    // All orders with up to three switches at places where a thread could have gone on: minutes become seconds.
    model.preemption_bound = Some(3);
    model.check(move || {
        let shared = Arc::new(Shared::new());
        let threads: Vec<_> = (0..readers)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut last = 0;
                    for _ in 0..reads {
                        let [one, other] = load(&shared.version, shared.copies());
                        assert_eq!(one, other, "torn");
                        assert!(one >= last, "an older state after a newer one");
                        last = one;
                    }
                })
            })
            .collect();
        for state in 1..=stores {
            store(&shared.version, shared.copies(), &[state, state]);
        }
        for thread in threads {
            thread.join().expect("no reader failed");
        }
        assert_eq!(load(&shared.version, shared.copies()), [stores, stores]);
    });
}

#[test]
fn a_reader_beside_three_stores_sees_each_state_whole_and_in_order() {
    check(whole::latch::load, whole::latch::store, 3, 1, 2);
}

#[test]
fn two_readers_beside_two_stores_see_each_state_whole_and_in_order() {
    check(whole::latch::load, whole::latch::store, 2, 2, 1);
}

#[test]
fn a_writer_dead_halfway_leaves_the_state_before_it_and_the_next_one_goes_on() {
    loom::model(|| {
        let shared = Arc::new(Shared::new());
        let reader = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let [one, other] = whole::latch::load(&shared.version, shared.copies());
                assert_eq!(one, other, "torn");
                assert_ne!(one, 7, "what the dead writer began");
            })
        };
        whole::latch::store(&shared.version, shared.copies(), &[1, 1]);
        // The dead one: it fenced, and wrote one word of the copy not in use.
        loom::sync::atomic::fence(loom::sync::atomic::Ordering::Release);
        shared.copies[0][0].store(7, loom::sync::atomic::Ordering::Relaxed);
        whole::latch::store(&shared.version, shared.copies(), &[2, 2]);
        reader.join().expect("the reader did not fail");
    });
}

#[test]
#[should_panic(expected = "torn")]
fn without_the_writer_s_fence_a_torn_state_is_found() {
    check(without_release::latch::load, without_release::latch::store, 3, 1, 2);
}

#[test]
#[should_panic(expected = "torn")]
fn without_the_reader_s_fence_a_torn_state_is_found() {
    check(without_acquire::latch::load, without_acquire::latch::store, 3, 1, 2);
}
