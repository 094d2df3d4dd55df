//! Whether the process has one thread, as the C library knows it, so that nobody can cancel it.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::definition;

/// The C library's variable, once it was looked for.
static FOUND: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// Stands for none: a C library that does not say it.
static NONE: c_char = 0;

/// Whether it has. On doubt, no.
#[inline]
pub fn is() -> bool {
    let mut found = FOUND.load(Ordering::Relaxed);
    if found.is_null() {
        let none = (&raw const NONE).cast_mut().cast();
        found = definition::variable(c"__libc_single_threaded").unwrap_or(none);
        FOUND.store(found, Ordering::Relaxed);
    }
    // SAFETY: a `char` of libc's, which only libc changes, or ours; read as one that may change at any time.
    unsafe { found.cast::<c_char>().read_volatile() != 0 }
}
