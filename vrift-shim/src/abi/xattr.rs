//! The extended attributes: get, set, list and remove, each by path, by path without following, and by descriptor.

use std::ffi::{c_char, c_int, c_void};

use libc::{size_t, ssize_t};
use rustix::io::Errno;

use super::args::{CPath, In, Room, answer, answer_for_descriptor, done, fail};
use crate::vfs::find::{At, CWD, Work};
use crate::vfs::{subject, xattr};

const NOFOLLOW: c_int = libc::AT_SYMLINK_NOFOLLOW;

/// Puts bytes where there is room for all of them; without room it says how many they are.
fn put(bytes: &[u8], room: *mut c_void, size: size_t) -> Result<ssize_t, Errno> {
    if size != 0 {
        if bytes.len() > size {
            return Err(Errno::RANGE);
        }
        Room::new(room.cast::<c_char>(), size).fill(bytes)?;
    }
    ssize_t::try_from(bytes.len()).map_err(|_| Errno::TOOBIG)
}

#[inline]
fn of_path<R: super::args::Failure>(
    path: CPath,
    flags: c_int,
    kernel: impl FnOnce(CPath) -> R,
    ours: impl FnOnce(At) -> Result<R, Errno>,
) -> R {
    let mut work = Work::default();
    answer(path, subject::at(CWD, path.bytes(), flags, &mut work), kernel, ours)
}

#[inline]
fn of_descriptor<R: super::args::Failure>(
    descriptor: c_int,
    kernel: impl FnOnce(c_int) -> R,
    ours: impl FnOnce(At) -> Result<R, Errno>,
) -> R {
    match subject::of_descriptor(descriptor) {
        // Which wrong argument is told depends on the kernel's version.
        Err(Errno::BADF) if descriptor != CWD => kernel(descriptor),
        Err(Errno::BADF) => match subject::dot() {
            // The kernel's working directory is a placeholder.
            Ok(Some(_)) => kernel(-1),
            _ => kernel(CWD),
        },
        found => answer_for_descriptor(found, || kernel(descriptor), ours),
    }
}

/// The same for the calls that newer kernels take the working directory in.
#[inline]
fn of_descriptor_or_dot<R: super::args::Failure>(
    descriptor: c_int,
    kernel: impl FnOnce(c_int) -> R,
    ours: impl FnOnce(At) -> Result<R, Errno>,
) -> R {
    match descriptor {
        CWD if xattr::is_dot_taken() => answer_for_descriptor(subject::dot(), || kernel(CWD), ours),
        _ => of_descriptor(descriptor, kernel, ours),
    }
}

fn get(at: &At, name: &[u8], room: *mut c_void, size: size_t) -> Result<ssize_t, Errno> {
    put(&xattr::get(at, name)?, room, size)
}

type GetOfPath = extern "C" fn(CPath, CPath, *mut c_void, size_t) -> ssize_t;

#[inline]
fn get_of_path(
    real: GetOfPath,
    (path, flags): (CPath, c_int),
    named: CPath,
    room: *mut c_void,
    size: size_t,
) -> ssize_t {
    match xattr::name(named.bytes()) {
        Err(errno) => fail(errno),
        Ok(name) => of_path(
            path,
            flags,
            |path| real(path, named, room, size),
            |at| get(&at, name, room, size),
        ),
    }
}

hook! {
    /// getxattr(2)
    real => fn getxattr(path: CPath, name: CPath, room: *mut c_void, size: size_t) -> ssize_t {
        get_of_path(real, (path, 0), name, room, size)
    }
}

hook! {
    /// lgetxattr(2)
    real => fn lgetxattr(path: CPath, name: CPath, room: *mut c_void, size: size_t) -> ssize_t {
        get_of_path(real, (path, NOFOLLOW), name, room, size)
    }
}

hook! {
    /// fgetxattr(2)
    real => fn fgetxattr(
        descriptor: c_int,
        named: CPath,
        room: *mut c_void,
        size: size_t,
    ) -> ssize_t {
        of_descriptor_or_dot(descriptor, |descriptor| real(descriptor, named, room, size), |at| {
            get(&at, xattr::name(named.bytes())?, room, size)
        })
    }
}

fn list(at: &At, room: *mut c_char, size: size_t) -> Result<ssize_t, Errno> {
    put(&xattr::list(at)?, room.cast(), size)
}

hook! {
    /// listxattr(2)
    real => fn listxattr(path: CPath, room: *mut c_char, size: size_t) -> ssize_t {
        of_path(path, 0, |path| real(path, room, size), |at| list(&at, room, size))
    }
}

hook! {
    /// llistxattr(2)
    real => fn llistxattr(path: CPath, room: *mut c_char, size: size_t) -> ssize_t {
        of_path(path, NOFOLLOW, |path| real(path, room, size), |at| list(&at, room, size))
    }
}

hook! {
    /// flistxattr(2)
    real => fn flistxattr(descriptor: c_int, room: *mut c_char, size: size_t) -> ssize_t {
        of_descriptor(descriptor, |descriptor| real(descriptor, room, size), |at| list(&at, room, size))
    }
}

fn set(at: &At, name: &[u8], value: In<u8>, size: size_t, flags: c_int) -> Result<c_int, Errno> {
    let value = match value.slice(size)? {
        Some(value) => value,
        None if size == 0 => &[],
        None => return Err(Errno::FAULT),
    };
    xattr::set(at, name, value, flags).and_then(done)
}

type SetOfPath = extern "C" fn(CPath, CPath, In<u8>, size_t, c_int) -> c_int;

#[inline]
fn set_of_path(
    real: SetOfPath,
    (path, follow): (CPath, c_int),
    named: CPath,
    (value, size): (In<u8>, size_t),
    flags: c_int,
) -> c_int {
    match xattr::asked(named.bytes(), size, flags) {
        Err(errno) => fail(errno),
        Ok(name) => of_path(
            path,
            follow,
            |path| real(path, named, value, size, flags),
            |at| set(&at, name, value, size, flags),
        ),
    }
}

hook! {
    /// setxattr(2)
    real => fn setxattr(
        path: CPath,
        name: CPath,
        value: In<u8>,
        size: size_t,
        flags: c_int,
    ) -> c_int {
        set_of_path(real, (path, 0), name, (value, size), flags)
    }
}

hook! {
    /// lsetxattr(2)
    real => fn lsetxattr(
        path: CPath,
        name: CPath,
        value: In<u8>,
        size: size_t,
        flags: c_int,
    ) -> c_int {
        set_of_path(real, (path, NOFOLLOW), name, (value, size), flags)
    }
}

hook! {
    /// fsetxattr(2)
    real => fn fsetxattr(
        descriptor: c_int,
        named: CPath,
        value: In<u8>,
        size: size_t,
        flags: c_int,
    ) -> c_int {
        of_descriptor_or_dot(descriptor, |descriptor| real(descriptor, named, value, size, flags), |at| {
            set(&at, xattr::asked(named.bytes(), size, flags)?, value, size, flags)
        })
    }
}

#[inline]
fn remove_of_path(
    real: extern "C" fn(CPath, CPath) -> c_int,
    (path, flags): (CPath, c_int),
    named: CPath,
) -> c_int {
    match xattr::name(named.bytes()) {
        Err(errno) => fail(errno),
        Ok(name) => of_path(
            path,
            flags,
            |path| real(path, named),
            |at| xattr::remove(&at, name).and_then(done),
        ),
    }
}

hook! {
    /// removexattr(2)
    real => fn removexattr(path: CPath, name: CPath) -> c_int {
        remove_of_path(real, (path, 0), name)
    }
}

hook! {
    /// lremovexattr(2)
    real => fn lremovexattr(path: CPath, name: CPath) -> c_int {
        remove_of_path(real, (path, NOFOLLOW), name)
    }
}

hook! {
    /// fremovexattr(2)
    real => fn fremovexattr(descriptor: c_int, named: CPath) -> c_int {
        of_descriptor(descriptor, |descriptor| real(descriptor, named), |at| {
            xattr::remove(&at, xattr::name(named.bytes())?).and_then(done)
        })
    }
}
