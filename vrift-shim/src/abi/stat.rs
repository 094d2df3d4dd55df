//! stat, lstat, fstat, fstatat and statx, with all their spellings.

use std::ffi::{c_int, c_uint, c_void};

use libc::{stat as Stat, statx as Statx};

use super::args::{CPath, Out, answer, fail, give};
use crate::sys::next::Next;
use crate::vfs::find::{CWD, Work};
use crate::vfs::{attributes, stat};

const NOFOLLOW: c_int = libc::AT_SYMLINK_NOFOLLOW;

/// The version numbers that libc takes from its old spellings; any other is an error of the caller's.
#[cfg(target_arch = "x86_64")]
const VERSIONS: &[c_int] = &[0, 1];
/// The same: there never was another `struct stat` here.
#[cfg(not(target_arch = "x86_64"))]
const VERSIONS: &[c_int] = &[0];

/// `kernel` asks for what has the path, `link` for that without following a symlink. A path outside is asked for in the
/// second way: nearly never it is a symlink, and where it is, it may lead into the tree.
#[inline]
fn path_at(
    directory: c_int,
    path: CPath,
    out: Out<Stat>,
    flags: c_int,
    kernel: impl Fn(CPath) -> c_int,
    link: impl Fn(CPath) -> c_int,
) -> c_int {
    let ours = |seen: stat::Seen| {
        out.put(attributes::as_stat(seen.given, seen.number, &seen.shown)).map(|()| 0)
    };
    let outside = |asked: CPath| {
        if flags & NOFOLLOW != 0 || asked.as_ptr() != path.as_ptr() {
            return kernel(asked);
        }
        let result = link(asked);
        if result != 0 || !out.read().is_some_and(|seen| stat::is_link(seen.st_mode)) {
            return result;
        }
        let mut work = Work::default();
        answer(path, stat::behind_link(directory, path.bytes(), &mut work), &kernel, ours)
    };
    let mut work = Work::default();
    answer(path, stat::at(directory, path.bytes(), flags, &mut work), outside, ours)
}

#[inline]
fn descriptor(fd: c_int, out: Out<Stat>, kernel: impl FnOnce() -> c_int) -> c_int {
    match stat::of_descriptor(fd) {
        Ok(None) => kernel(),
        Ok(Some(seen)) => {
            give(out.put(attributes::as_stat(seen.given, seen.number, &seen.shown)).map(|()| 0))
        }
        Err(errno) => fail(errno),
    }
}

type Plain = extern "C" fn(CPath, Out<Stat>) -> c_int;
type OfDescriptor = extern "C" fn(c_int, Out<Stat>) -> c_int;
type Versioned = extern "C" fn(c_int, CPath, Out<Stat>) -> c_int;

fn followed(real: Plain, path: CPath, out: Out<Stat>) -> c_int {
    path_at(CWD, path, out, 0, |path| real(path, out), |path| next_lstat()(path, out))
}

/// The next definition of a name that answers for what is not followed.
macro_rules! next {
    ($function:ident, $name:literal, $type:ty) => {
        fn $function() -> $type {
            static NEXT: Next = Next::new($name);
            // SAFETY: the next definition of a name of libc has the name's signature; the argument types are those of the
            // C prototype or transparent wrappers of them.
            unsafe { core::mem::transmute::<*mut c_void, $type>(NEXT.get()) }
        }
    };
}

next!(next_lstat, c"lstat", Plain);
next!(next_lxstat, c"__lxstat", Versioned);

fn not_followed(real: Plain, path: CPath, out: Out<Stat>) -> c_int {
    path_at(CWD, path, out, NOFOLLOW, |path| real(path, out), |path| real(path, out))
}

fn of_descriptor(real: OfDescriptor, fd: c_int, out: Out<Stat>) -> c_int {
    descriptor(fd, out, || real(fd, out))
}

spellings!(followed: fn(path: CPath, out: Out<Stat>) -> c_int: stat, stat64);
spellings!(not_followed: fn(path: CPath, out: Out<Stat>) -> c_int: lstat, lstat64);
spellings!(of_descriptor: fn(fd: c_int, out: Out<Stat>) -> c_int: fstat, fstat64);

fn at(
    real: extern "C" fn(c_int, CPath, Out<Stat>, c_int) -> c_int,
    directory: c_int,
    path: CPath,
    out: Out<Stat>,
    flags: c_int,
) -> c_int {
    let link = |path| real(directory, path, out, flags | NOFOLLOW);
    path_at(directory, path, out, flags, |path| real(directory, path, out, flags), link)
}

spellings!(at: fn(directory: c_int, path: CPath, out: Out<Stat>, flags: c_int) -> c_int: fstatat, fstatat64);

fn versioned(real: Versioned, version: c_int, path: CPath, out: Out<Stat>) -> c_int {
    if !VERSIONS.contains(&version) {
        return real(version, path, out);
    }
    let link = |path| next_lxstat()(version, path, out);
    path_at(CWD, path, out, 0, |path| real(version, path, out), link)
}

fn versioned_not_followed(real: Versioned, version: c_int, path: CPath, out: Out<Stat>) -> c_int {
    if !VERSIONS.contains(&version) {
        return real(version, path, out);
    }
    let link = |path| real(version, path, out);
    path_at(CWD, path, out, NOFOLLOW, link, link)
}

fn versioned_of_descriptor(
    real: extern "C" fn(c_int, c_int, Out<Stat>) -> c_int,
    version: c_int,
    fd: c_int,
    out: Out<Stat>,
) -> c_int {
    if !VERSIONS.contains(&version) {
        return real(version, fd, out);
    }
    descriptor(fd, out, || real(version, fd, out))
}

fn versioned_at(
    real: extern "C" fn(c_int, c_int, CPath, Out<Stat>, c_int) -> c_int,
    version: c_int,
    directory: c_int,
    path: CPath,
    out: Out<Stat>,
    flags: c_int,
) -> c_int {
    if !VERSIONS.contains(&version) {
        return real(version, directory, path, out, flags);
    }
    let link = |path| real(version, directory, path, out, flags | NOFOLLOW);
    path_at(directory, path, out, flags, |path| real(version, directory, path, out, flags), link)
}

spellings!(versioned: fn(version: c_int, path: CPath, out: Out<Stat>) -> c_int: __xstat, __xstat64);
spellings!(versioned_not_followed: fn(version: c_int, path: CPath, out: Out<Stat>) -> c_int: __lxstat, __lxstat64);
spellings!(versioned_of_descriptor: fn(version: c_int, fd: c_int, out: Out<Stat>) -> c_int: __fxstat, __fxstat64);
spellings!(versioned_at: fn(version: c_int, directory: c_int, path: CPath, out: Out<Stat>, flags: c_int) -> c_int:
    __fxstatat, __fxstatat64);

hook! {
    /// statx(2)
    real => fn statx(directory: c_int, path: CPath, flags: c_int, mask: c_uint, out: Out<Statx>) -> c_int {
        let kernel = |path| real(directory, path, flags, mask, out);
        let ours = |seen: stat::Seen| {
            out.put(attributes::as_statx(seen.given, seen.number, &seen.shown)).map(|()| 0)
        };
        let outside = |asked: CPath| {
            if flags & NOFOLLOW != 0 || asked.as_ptr() != path.as_ptr() {
                return kernel(asked);
            }
            // Without the type nobody could say whether it is a symlink.
            let result = real(directory, asked, flags | NOFOLLOW, mask | libc::STATX_TYPE, out);
            if result != 0 || !out.read().is_some_and(|seen| stat::is_link(seen.stx_mode.into())) {
                return result;
            }
            let mut work = Work::default();
            answer(path, stat::behind_link(directory, path.bytes(), &mut work), kernel, ours)
        };
        let mut work = Work::default();
        answer(path, stat::at(directory, path.bytes(), flags, &mut work), outside, ours)
    }
}
