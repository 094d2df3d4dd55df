//! The thread's `errno`: set where a call fails, and left as it was wherever it does not.

use rustix::io::Errno;

/// Sets it.
pub fn set(errno: Errno) {
    // SAFETY: the pointer is to this thread's own errno, which lives as long as the thread.
    unsafe { *libc::__errno_location() = errno.raw_os_error() };
}

/// What it is.
pub fn get() -> Errno {
    // SAFETY: as above.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}

/// Runs `work` and puts errno back: for calls of the C library on our own behalf.
pub fn kept<T>(work: impl FnOnce() -> T) -> T {
    let before = get();
    let result = work();
    set(before);
    result
}
