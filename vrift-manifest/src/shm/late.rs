//! A value that comes into being once, later than what holds it. Nobody ever waits for it: in a child that was forked off
//! while another thread was making it, it is not there, and is made again.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Nothing at first, then a value for good.
pub struct Late<T> {
    value: AtomicPtr<T>,
    _owned: PhantomData<Box<T>>,
}

impl<T> Late<T> {
    /// Nothing yet.
    pub const fn new() -> Late<T> {
        Late { value: AtomicPtr::new(core::ptr::null_mut()), _owned: PhantomData }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: null, or a pointer out of `Box::into_raw` that was published with its contents (release) and is freed
        // only when this is dropped, which the borrow outlives not.
        unsafe { self.value.load(Ordering::Acquire).as_ref() }
    }

    /// The value that is there, or else this one.
    pub fn set(&self, value: T) -> &T {
        let made = Box::into_raw(Box::new(value));
        let null = core::ptr::null_mut();
        match self.value.compare_exchange(null, made, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: just made, and owned by this from now on.
            Ok(_) => unsafe { &*made },
            Err(there) => {
                // SAFETY: nobody else has seen the pointer.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: as in `get`: not null, and here to stay.
                unsafe { &*there }
            }
        }
    }
}

impl<T> Drop for Late<T> {
    fn drop(&mut self) {
        let value = *self.value.get_mut();
        if !value.is_null() {
            // SAFETY: out of `Box::into_raw`, and nobody borrows it any more.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

// SAFETY: it owns a `T` and hands out shared references to it, as `OnceLock` does.
unsafe impl<T: Send> Send for Late<T> {}
// SAFETY: as above; setting it from another thread moves a `T` there.
unsafe impl<T: Send + Sync> Sync for Late<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays() {
        let late = Late::new();
        assert_eq!(late.get(), None);
        let first = late.set(String::from("one"));
        assert_eq!(first, "one");
        assert_eq!(late.set(String::from("two")), "one");
        assert_eq!(late.get().map(String::as_str), Some("one"));
    }
}
