//! Whether anybody holds a lock on a file: by another descriptor than the one it is asked by.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::sys;

/// Whether somebody holds a lock of `fcntl` on it, in whatever part of it.
pub fn in_part(file: BorrowedFd<'_>) -> bool {
    // SAFETY: all of it are numbers.
    let mut asked: libc::flock = unsafe { std::mem::zeroed() };
    // One that would be in the way of any other, if it were taken.
    asked.l_type = libc::F_WRLCK as libc::c_short;
    // SAFETY: an open descriptor, which the borrow keeps open, and a structure that the kernel writes to during the call.
    let result = unsafe {
        let (file, command) = (file.as_raw_fd() as usize, libc::F_OFD_GETLK as usize);
        sys::syscall4(libc::SYS_fcntl, file, command, (&raw mut asked) as usize, 0)
    };
    result == 0 && asked.l_type != libc::F_UNLCK as libc::c_short
}

/// Whether somebody holds a lock of `flock` on it. There is no way to ask but to take it for a moment: whoever tries that
/// meanwhile is refused, and has to be able to see why.
pub fn as_a_whole(file: BorrowedFd<'_>) -> bool {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // A child that was forked off meanwhile would keep it.
            let _ = flock(file, FlockOperation::Unlock);
            false
        }
        Err(errno) => errno == Errno::AGAIN,
    }
}
