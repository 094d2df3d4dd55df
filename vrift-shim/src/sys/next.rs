//! The next definition of a name: libc's, or another preloaded library's.

use std::ffi::{CStr, c_long, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::io::Errno;

use super::definition;

/// A name, and where its next definition was found. Looking it up twice at once is harmless, so there is no lock that
/// a signal handler or a forked child could find taken.
pub struct Next {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Next {
    /// Not looked up yet.
    pub const fn new(name: &'static CStr) -> Next {
        Next { name, found: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The next definition, if it was looked up before.
    #[inline]
    pub fn known(&self) -> Option<*mut c_void> {
        let found = self.found.load(Ordering::Relaxed);
        (!found.is_null()).then_some(found)
    }

    /// The next definition; of a name that nobody else defines, a function that fails with ENOSYS.
    #[inline]
    pub fn get(&self) -> *mut c_void {
        let found = self.found.load(Ordering::Relaxed);
        if found.is_null() { self.look_up() } else { found }
    }

    #[cold]
    fn look_up(&self) -> *mut c_void {
        let found = definition::next(self.name).unwrap_or_else(|| {
            // SAFETY: the name is a C string; dlsym may be called at any time after the loader has begun to run code.
            unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) }
        });
        let found = if found.is_null() { missing as *mut c_void } else { found };
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

extern "C" fn missing() -> c_long {
    super::errno::set(Errno::NOSYS);
    -1
}
