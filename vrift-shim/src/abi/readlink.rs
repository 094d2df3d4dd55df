//! readlink, readlinkat, and the spellings that know the size of the room.

use std::ffi::{c_char, c_int};

use libc::{size_t, ssize_t};
use rustix::io::Errno;

use super::args::{CPath, Room, answer, fail};
use crate::vfs::find::{CWD, Work};
use crate::vfs::lead::{self, Last};
use crate::vfs::readlink;

/// Where the target goes. The kernel counts its bytes in an `int`.
fn put(room: *mut c_char, size: size_t) -> impl FnOnce(&[u8]) -> Result<ssize_t, Errno> {
    move |target| {
        let length = Room::new(room, size).fill(target)?;
        ssize_t::try_from(length).map_err(|_| Errno::INVAL)
    }
}

#[inline]
fn at(
    directory: c_int,
    path: CPath,
    room: *mut c_char,
    size: size_t,
    kernel: impl FnOnce(CPath) -> ssize_t,
) -> ssize_t {
    if size == 0 || c_int::try_from(size).is_err() {
        return fail(Errno::INVAL);
    }
    let bytes = path.bytes();
    if bytes.is_some_and(|path| lead::stays_outside(path, Last::Itself)) {
        return kernel(path);
    }
    let mut work = Work::default();
    let read = readlink::at(directory, bytes, &mut work, put(room, size));
    answer(path, read, |path| of_kernel(directory, path, room, size, kernel), Ok)
}

/// A link outside. What leads to our own files is mapped back.
fn of_kernel(
    directory: c_int,
    path: CPath,
    room: *mut c_char,
    size: size_t,
    kernel: impl FnOnce(CPath) -> ssize_t,
) -> ssize_t {
    let Some(name) = path.bytes() else { return kernel(path) };
    if readlink::is_suspect(name) {
        return match readlink::mapped(directory, name, put(room, size)) {
            Ok(Some(length)) => length,
            Ok(None) => kernel(path),
            Err(errno) => fail(errno),
        };
    }
    let length = kernel(path);
    let relative = !name.starts_with(b"/");
    if relative
        && let Ok(known) = usize::try_from(length)
        && readlink::is_ours(Room::new(room, known).bytes())
        && let Ok(Some(length)) = readlink::mapped(directory, name, put(room, size))
    {
        return length;
    }
    length
}

hook! {
    /// readlink(2)
    real => fn readlink(path: CPath, room: *mut c_char, size: size_t) -> ssize_t {
        at(CWD, path, room, size, |path| real(path, room, size))
    }
}

hook! {
    /// readlinkat(2)
    real => fn readlinkat(
        directory: c_int,
        path: CPath,
        room: *mut c_char,
        size: size_t,
    ) -> ssize_t {
        at(directory, path, room, size, |path| real(directory, path, room, size))
    }
}

hook! {
    /// readlink as programs call it that were built to be checked: too little room ends them, and that is libc's to do.
    real => fn __readlink_chk(
        path: CPath,
        room: *mut c_char,
        size: size_t,
        whole: size_t,
    ) -> ssize_t {
        if whole < size {
            return real(path, room, size, whole);
        }
        at(CWD, path, room, size, |path| real(path, room, size, whole))
    }
}

hook! {
    /// The same for readlinkat.
    real => fn __readlinkat_chk(
        directory: c_int,
        path: CPath,
        room: *mut c_char,
        size: size_t,
        whole: size_t,
    ) -> ssize_t {
        if whole < size {
            return real(directory, path, room, size, whole);
        }
        at(directory, path, room, size, |path| real(directory, path, room, size, whole))
    }
}
