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

hook! {
    /// pathconf(3)
    real => fn pathconf(asked: CPath, name: c_int) -> c_long {
        path(asked, |path| real(path, name))
    }
}

hook! {
    /// fpathconf(3)
    real => fn fpathconf(asked: c_int, name: c_int) -> c_long {
        descriptor(asked, |descriptor| real(descriptor, name))
    }
}
