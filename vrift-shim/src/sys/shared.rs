//! A few words that a process shares with those that it forks, from when it says so.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// How many.
const WORDS: usize = 64;
const BYTES: usize = WORDS * size_of::<AtomicU64>();

type Words = [AtomicU64; WORDS];

/// The words.
pub struct Shared {
    /// Those of the process alone: before, and where the kernel gives no others.
    own: Words,
    shared: AtomicPtr<Words>,
}

impl Shared {
    /// All zero.
    pub const fn new() -> Shared {
        let own = [const { AtomicU64::new(0) }; WORDS];
        Shared { own, shared: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The words, as they are now.
    #[inline]
    pub fn words(&self) -> &Words {
        // SAFETY: null, or memory that `begin` mapped and that is never unmapped; integers of any value.
        unsafe { self.shared.load(Ordering::Acquire).as_ref() }.unwrap_or(&self.own)
    }

    /// From now on whom this process forks has the same.
    pub fn begin(&self) {
        if !self.shared.load(Ordering::Acquire).is_null() {
            return;
        }
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: anonymous memory at an address of the kernel's choice.
        let Ok(mapped) = (unsafe { mmap_anonymous(ptr::null_mut(), BYTES, access, flags) }) else {
            return;
        };
        let new = mapped.cast::<Words>();
        // SAFETY: mapped a moment ago, large enough, aligned to a page; zeros are a value.
        for (new, old) in unsafe { &*new }.iter().zip(&self.own) {
            new.store(old.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let null = ptr::null_mut();
        if self.shared.compare_exchange(null, new, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // SAFETY: nobody else has it.
            let _ = unsafe { munmap(mapped, BYTES) };
        }
    }
}
