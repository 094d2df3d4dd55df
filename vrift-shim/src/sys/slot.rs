//! State of the process that threads share without a lock: a pointer to something that is never freed.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Holds nothing, or something for ever: what is replaced stays where it is, because somebody may be reading it.
pub struct Slot<T>(AtomicPtr<T>);

impl<T: Send + Sync + 'static> Slot<T> {
    /// Nothing.
    pub const fn empty() -> Slot<T> {
        Slot(AtomicPtr::new(ptr::null_mut()))
    }

    /// What it holds.
    #[inline]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: the pointer is null or came from `Box::leak`: valid, aligned and never freed. `T: Sync`.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Puts `value` in the place of what was there.
    pub fn put(&self, value: T) -> &'static T {
        let leaked = Box::leak(Box::new(value));
        self.0.store(leaked, Ordering::Release);
        leaked
    }

    /// Holds nothing from now on.
    pub fn clear(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }
}
