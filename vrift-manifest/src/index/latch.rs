//! Words that are read whole while they are written: two copies and a version that says which one is whole.
//!
//! The writer fills the copy that is not in use and then raises the version. A writer that is stopped or dead halfway
//! leaves the other copy whole, so readers go on; a reader tries again only when a writer finished in between, so
//! somebody always makes progress.
//!
//! `tests/loom` includes this file with atomics of its own and tries every order in which the steps can be seen.

#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

#[cfg(all(loom, test))]
use super::atomics::{AtomicU64, Ordering, fence};

/// Reads the words as one writer left them; never waits for a writer.
#[inline]
pub fn load<const N: usize>(version: &AtomicU64, copies: [&[AtomicU64; N]; 2]) -> [u64; N] {
    let mut words = [0; N];
    loop {
        let seen = version.load(Ordering::Acquire);
        let copy = copies[(seen & 1) as usize];
        for (word, shared) in words.iter_mut().zip(copy) {
            *word = shared.load(Ordering::Relaxed);
        }
        // Pairs with the fence in `store`: had one of the words above come from the next writer of this copy, the
        // load below would see that this copy went out of use before.
        fence(Ordering::Acquire);
        if version.load(Ordering::Relaxed) == seen {
            return words;
        }
    }
}

/// Writes all words. One writer at a time: the holder of the lock.
pub fn store<const N: usize>(version: &AtomicU64, copies: [&[AtomicU64; N]; 2], words: &[u64; N]) {
    let next = version.load(Ordering::Relaxed).wrapping_add(1);
    // The copy to be written went out of use with the present version: no reader that sees a word written below may
    // still see an older version.
    fence(Ordering::Release);
    for (shared, word) in copies[(next & 1) as usize].iter().zip(words) {
        shared.store(*word, Ordering::Relaxed);
    }
    version.store(next, Ordering::Release);
}
