//! How a lock word changes hands, without the system calls.
//!
//! `tests/loom` includes this file with atomics of its own, a futex in place of the kernel's, and owners that die.

#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(all(loom, test))]
use super::atomics::{AtomicU32, Ordering};

/// In the word: the owner died. The kernel sets it.
pub const OWNER_DIED: u32 = 0x4000_0000;
/// In the word: somebody may be asleep on it.
pub const WAITERS: u32 = 0x8000_0000;
/// In the word: the thread number of its owner; 0 = free.
pub const OWNER: u32 = 0x3fff_ffff;

/// Waits for the word and takes it; says whether its last owner died. `wait` sleeps while the word has the value it is
/// given, and may return early. It must return after a while in any case: a thread that is woken by [`release`] and
/// killed at once, after yet another one took the free word, takes the wake-up of all others with it.
pub fn acquire(word: &AtomicU32, me: u32, mut wait: impl FnMut(u32)) -> bool {
    let mut seen = match word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed) {
        Ok(_) => return false,
        Err(seen) => seen,
    };
    loop {
        if seen & OWNER == 0 || seen & OWNER_DIED != 0 {
            // Others may be asleep: keep the mark, at the price of one needless wake-up.
            match word.compare_exchange(seen, me | WAITERS, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return seen & OWNER_DIED != 0,
                Err(now) => seen = now,
            }
        } else if seen & WAITERS == 0 {
            match word.compare_exchange(seen, seen | WAITERS, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => seen |= WAITERS,
                Err(now) => seen = now,
            }
        } else {
            wait(seen);
            seen = word.load(Ordering::Relaxed);
        }
    }
}

/// Gives the word back, and wakes one that waits for it.
pub fn release(word: &AtomicU32, wake_one: impl FnOnce()) {
    if word.swap(0, Ordering::Release) & WAITERS != 0 {
        wake_one();
    }
}
