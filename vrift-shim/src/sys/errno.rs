//! The thread's `errno`: set where a call fails, and left as it was wherever it does not.

use std::ffi::c_int;

use rustix::io::Errno;

/// Sets it.
pub fn set(errno: Errno) {
    put(errno.raw_os_error());
}

/// Puts it back to what it was.
pub fn put(value: c_int) {
    // SAFETY: the pointer is to this thread's own errno, which lives as long as the thread.
    unsafe { *libc::__errno_location() = value };
}

/// What it is.
pub fn get() -> c_int {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() }
}

/// Runs `work` and puts errno back: for calls of the C library on our own behalf.
pub fn kept<T>(work: impl FnOnce() -> T) -> T {
    let before = get();
    let result = work();
    put(before);
    result
}

/// Why the call before failed.
pub fn last() -> Errno {
    Errno::from_raw_os_error(get())
}
