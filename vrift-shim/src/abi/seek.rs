//! lseek: the kernel's own, but in a directory of the tree, whose placeholder lies on a file system that knows no end of it.

use std::ffi::c_int;

use libc::off64_t;

use super::args::fail;
use crate::vfs::seek;

fn seek(
    real: extern "C" fn(c_int, off64_t, c_int) -> isize,
    fd: c_int,
    offset: off64_t,
    whence: c_int,
) -> isize {
    if matches!(whence, libc::SEEK_SET | libc::SEEK_CUR) {
        return real(fd, offset, whence);
    }
    match seek::in_directory(fd, offset, whence) {
        None => real(fd, offset, whence),
        Some(Ok(place)) => real(fd, place, libc::SEEK_SET),
        Some(Err(errno)) => fail(errno),
    }
}

spellings!(seek: fn(fd: c_int, offset: off64_t, whence: c_int) -> isize: lseek, lseek64, llseek);
