//! Read leases: the kernel grants one on a file only while nobody, anywhere, can write it: no descriptor, no mapping.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::sys;

/// The number of the command, the same on all of Linux; the crate `libc` leaves it out.
const F_SETSIG: i32 = 10;

/// Takes a read lease on an open file (for reading only). EAGAIN: somebody can write it.
///
/// Whoever opens it for writing while the lease lasts waits, or has EAGAIN if he does not want to wait; the lease then
/// counts as broken. The kernel tells the holder by a signal that is ignored unless somebody wants it (SIGURG), where it
/// would by itself send one that kills. The lease ends when the file is closed.
pub fn take(file: BorrowedFd<'_>) -> Result<(), Errno> {
    control(file, F_SETSIG, libc::SIGURG as usize)?;
    control(file, libc::F_SETLEASE, libc::F_RDLCK as usize).map(drop)
}

/// Whether the lease on the file still holds: nobody has asked to write since it was taken.
pub fn holds(file: BorrowedFd<'_>) -> bool {
    control(file, libc::F_GETLEASE, 0) == Ok(libc::F_RDLCK as isize)
}

/// Ends a lease before the file is closed.
pub fn give_up(file: BorrowedFd<'_>) {
    // There may be none.
    let _ = control(file, libc::F_SETLEASE, libc::F_UNLCK as usize);
}

fn control(file: BorrowedFd<'_>, command: i32, argument: usize) -> Result<isize, Errno> {
    // SAFETY: an open descriptor, which the borrow keeps open, and commands whose argument is a plain number.
    let result = unsafe {
        sys::syscall4(libc::SYS_fcntl, file.as_raw_fd() as usize, command as usize, argument, 0)
    };
    match i32::try_from(result) {
        Ok(errno) if errno < 0 => Err(Errno::from_raw_os_error(-errno)),
        _ => Ok(result),
    }
}
