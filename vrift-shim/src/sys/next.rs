//! The next definition of a name: libc's, or another preloaded library's.

use std::ffi::{CStr, c_long, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::io::Errno;

use super::definition;

/// Where the next definition of a name was found. Looking it up twice at once is harmless, so there is no lock that
/// a signal handler or a forked child could find taken. The name is told by who asks: it would be an address that the
/// loader has to write down in every process.
pub struct Next(AtomicPtr<c_void>);

impl Next {
    /// Not looked up yet.
    pub const fn new() -> Next {
        Next(AtomicPtr::new(ptr::null_mut()))
    }

    /// The next definition, if it was looked up before.
    #[inline]
    pub fn known(&self) -> Option<*mut c_void> {
        let found = self.0.load(Ordering::Relaxed);
        (!found.is_null()).then_some(found)
    }

    /// The next definition of `name`; if nobody else defines it, a function that fails with ENOSYS.
    #[inline]
    pub fn get(&self, name: &'static CStr) -> *mut c_void {
        let found = self.0.load(Ordering::Relaxed);
        if found.is_null() { self.look_up(name) } else { found }
    }

    #[cold]
    fn look_up(&self, name: &'static CStr) -> *mut c_void {
        let found = definition::next(name).unwrap_or_else(|| {
            // SAFETY: the name is a C string; dlsym may be called at any time after the loader has begun to run code.
            unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
        });
        let found = if found.is_null() { missing as *mut c_void } else { found };
        self.0.store(found, Ordering::Relaxed);
        found
    }
}

extern "C" fn missing() -> c_long {
    super::errno::set(Errno::NOSYS);
    -1
}
