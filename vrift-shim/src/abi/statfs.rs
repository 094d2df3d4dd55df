//! statfs, fstatfs, statvfs, fstatvfs, pathconf, fpathconf.

use std::ffi::{c_int, c_long};

use libc::{statfs as Statfs, statvfs as Statvfs};

use super::args::{CPath, Failure, Out, answer, fail};
use crate::vfs::find::Work;
use crate::vfs::statfs;

/// Asks `kernel` about a path, or about the store where the path is ours.
#[inline]
fn path<R: Failure>(path: CPath, kernel: impl Fn(CPath) -> R) -> R {
    let mut work = Work::default();
    let whose = statfs::at(path.bytes(), &mut work);
    answer(path, whose, &kernel, |given| {
        statfs::with_store(given, |store| kernel(CPath::of(store)))
    })
}

/// Asks `kernel` about a descriptor, or about the store where that stands for a directory of ours.
#[inline]
fn descriptor<R: Failure>(asked: c_int, kernel: impl Fn(c_int) -> R) -> R {
    match statfs::of_descriptor(asked) {
        None => kernel(asked),
        Some(given) => match statfs::with_store_open(given, &kernel) {
            Ok(result) => result,
            Err(errno) => fail(errno),
        },
    }
}

type OfPath<T> = extern "C" fn(CPath, Out<T>) -> c_int;

fn of_path<T>(real: OfPath<T>, asked: CPath, out: Out<T>) -> c_int {
    path(asked, |path| real(path, out))
}

fn of_descriptor<T>(
    real: extern "C" fn(c_int, Out<T>) -> c_int,
    asked: c_int,
    out: Out<T>,
) -> c_int {
    descriptor(asked, |descriptor| real(descriptor, out))
}

spellings!(of_path: fn(path: CPath, out: Out<Statfs>) -> c_int: statfs, statfs64, __statfs);
spellings!(of_path: fn(path: CPath, out: Out<Statvfs>) -> c_int: statvfs, statvfs64);
spellings!(of_descriptor: fn(descriptor: c_int, out: Out<Statfs>) -> c_int: fstatfs, fstatfs64);
spellings!(of_descriptor: fn(descriptor: c_int, out: Out<Statvfs>) -> c_int: fstatvfs, fstatvfs64);

/// Whether the C library looks at the file before it answers.
fn is_looked_for(name: c_int) -> bool {
    matches!(
        name,
        libc::_PC_LINK_MAX
            | libc::_PC_NAME_MAX
            | libc::_PC_PIPE_BUF
            | libc::_PC_CHOWN_RESTRICTED
            | libc::_PC_ASYNC_IO
            | libc::_PC_FILESIZEBITS
            | libc::_PC_REC_INCR_XFER_SIZE
            | libc::_PC_REC_MIN_XFER_SIZE
            | libc::_PC_REC_XFER_ALIGN
            | libc::_PC_ALLOC_SIZE_MIN
            | libc::_PC_2_SYMLINKS
    )
}

hook! {
    /// pathconf(3)
    real => fn pathconf(asked: CPath, name: c_int) -> c_long {
        if !is_looked_for(name) {
            return real(asked, name);
        }
        path(asked, |path| real(path, name))
    }
}

hook! {
    /// fpathconf(3)
    real => fn fpathconf(asked: c_int, name: c_int) -> c_long {
        descriptor(asked, |descriptor| real(descriptor, name))
    }
}
