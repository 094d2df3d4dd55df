//! flock and lockf; the locks of fcntl are with fcntl.

use std::ffi::c_int;

use libc::off_t;

use crate::vfs::lock;

hook! {
    /// flock(2)
    real => fn flock(fd: c_int, operation: c_int) -> c_int {
        if operation & libc::LOCK_UN != 0 {
            return real(fd, operation);
        }
        lock::taken(fd, || real(fd, operation))
    }
}

fn region(
    real: extern "C" fn(c_int, c_int, off_t) -> c_int,
    fd: c_int,
    command: c_int,
    length: off_t,
) -> c_int {
    if command == libc::F_ULOCK {
        return real(fd, command, length);
    }
    lock::taken(fd, || real(fd, command, length))
}

spellings!(region: fn(fd: c_int, command: c_int, length: off_t) -> c_int: lockf, lockf64);
