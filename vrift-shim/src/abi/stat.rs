//! stat, lstat, fstat, fstatat and statx, with all their spellings.

use std::ffi::{c_int, c_uint, c_void};

use libc::{stat as Stat, statx as Statx};

use super::args::{CPath, Out, answer, fail, give};
use crate::sys::marked;
use crate::sys::next::Next;
use crate::vfs::find::{CWD, Work};
use crate::vfs::lead::{self, Last};
use crate::vfs::{attributes, descriptor, stat};

const NOFOLLOW: c_int = libc::AT_SYMLINK_NOFOLLOW;

/// The version numbers that libc takes from its old spellings; any other is an error of the caller's.
#[cfg(target_arch = "x86_64")]
const VERSIONS: &[c_int] = &[0, 1];
/// The same: there never was another `struct stat` here.
#[cfg(not(target_arch = "x86_64"))]
const VERSIONS: &[c_int] = &[0];

/// `kernel` asks for what has the path, `link` for that without following a symlink. A path outside is asked for in the
/// second way: nearly never it is a symlink, and where it is, it may lead into the tree.
///
/// What is asked for most, and is nearly free, is here alone: so it needs neither a large frame nor many registers.
#[inline(always)]
fn path_at<T: Shows>(
    directory: c_int,
    path: CPath,
    out: Out<T>,
    flags: c_int,
    kernel: impl Fn(CPath) -> c_int,
    link: impl Fn(CPath) -> c_int,
) -> c_int {
    let bytes = path.bytes();
    if bytes.is_some_and(|path| lead::stays_outside(path, Last::Itself)) {
        return outside(directory, path, out, flags, path, kernel, link);
    }
    if flags & libc::AT_EMPTY_PATH != 0
        && bytes.is_some_and(<[u8]>::is_empty)
        && directory != CWD
        && !descriptor::may_be_inside(directory)
    {
        return descriptor(directory, out, || kernel(path));
    }
    found(directory, path, bytes, out, flags, kernel, link)
}

#[inline(never)]
fn found<T: Shows>(
    directory: c_int,
    path: CPath,
    bytes: Option<&[u8]>,
    out: Out<T>,
    flags: c_int,
    kernel: impl Fn(CPath) -> c_int,
    link: impl Fn(CPath) -> c_int,
) -> c_int {
    let mut work = Work::default();
    let outside = |asked| outside(directory, path, out, flags, asked, kernel, link);
    let found = stat::at(directory, bytes, flags, &mut work);
    answer(path, found, outside, |seen| out.put(T::of(&seen)).map(|()| 0))
}

#[inline(always)]
fn outside<T: Shows>(
    directory: c_int,
    path: CPath,
    out: Out<T>,
    flags: c_int,
    asked: CPath,
    kernel: impl Fn(CPath) -> c_int,
    link: impl Fn(CPath) -> c_int,
) -> c_int {
    if flags & NOFOLLOW != 0 || asked.as_ptr() != path.as_ptr() {
        return kernel(asked);
    }
    let result = link(asked);
    if result != 0 || !out.read().is_some_and(|seen| stat::is_link(seen.mode())) {
        return result;
    }
    behind_link(directory, path, out, kernel)
}

#[cold]
#[inline(never)]
fn behind_link<T: Shows>(
    directory: c_int,
    path: CPath,
    out: Out<T>,
    kernel: impl Fn(CPath) -> c_int,
) -> c_int {
    let mut work = Work::default();
    let found = stat::behind_link(directory, path.bytes(), &mut work);
    answer(path, found, kernel, |seen| out.put(T::of(&seen)).map(|()| 0))
}

/// The forms in which attributes are shown.
trait Shows: Copy {
    /// Of a node.
    fn of(seen: &stat::Seen) -> Self;
    /// Type and permission.
    fn mode(&self) -> u32;
}

impl Shows for Stat {
    #[inline]
    fn of(seen: &stat::Seen) -> Stat {
        attributes::as_stat(seen.given, seen.number, &seen.shown)
    }

    #[inline]
    fn mode(&self) -> u32 {
        self.st_mode
    }
}

impl Shows for Statx {
    #[inline]
    fn of(seen: &stat::Seen) -> Statx {
        attributes::as_statx(seen.given, seen.number, &seen.shown)
    }

    #[inline]
    fn mode(&self) -> u32 {
        self.stx_mode.into()
    }
}

/// Of a descriptor. Of one that was not opened in the tree, as far as is known, the kernel is asked first: nearly always its
/// answer is what the program gets.
#[inline(always)]
fn descriptor<T: Shows>(fd: c_int, out: Out<T>, kernel: impl Fn() -> c_int) -> c_int {
    let mut known = None;
    if !descriptor::may_be_inside(fd) {
        let result = kernel();
        if result != 0 || !out.read().is_some_and(|seen| descriptor::may_be_ours(seen.mode())) {
            return result;
        }
        known = Some(result);
    }
    match stat::of_descriptor(fd) {
        Ok(None) => known.unwrap_or_else(kernel),
        Ok(Some(seen)) => give(out.put(T::of(&seen)).map(|()| 0)),
        Err(errno) => fail(errno),
    }
}

type Plain = extern "C" fn(CPath, Out<Stat>) -> c_int;
type OfDescriptor = extern "C" fn(c_int, Out<Stat>) -> c_int;
type Versioned = extern "C" fn(c_int, CPath, Out<Stat>) -> c_int;

/// A path outside is the kernel's for whoever is above, too.
fn plain(real: Plain, path: CPath, out: Out<Stat>) -> c_int {
    let words = [path.as_ptr().expose_provenance(), out.as_ptr().expose_provenance()];
    // SAFETY: a function of these two arguments.
    unsafe { marked::through(real as *const c_void, words) as c_int }
}

fn followed(real: Plain, path: CPath, out: Out<Stat>) -> c_int {
    let link = move |path| plain(next_lstat(), path, out);
    path_at(CWD, path, out, 0, move |path| plain(real, path, out), link)
}

/// The next definition of a name that answers for what is not followed.
macro_rules! next {
    ($function:ident, $name:literal, $type:ty) => {
        fn $function() -> $type {
            static NEXT: Next = Next::new();
            // SAFETY: the next definition of a name of libc has the name's signature; the argument types are those of the
            // C prototype or transparent wrappers of them.
            unsafe { core::mem::transmute::<*mut c_void, $type>(NEXT.get($name)) }
        }
    };
}

next!(next_lstat, c"lstat", Plain);
next!(next_lxstat, c"__lxstat", Versioned);

fn not_followed(real: Plain, path: CPath, out: Out<Stat>) -> c_int {
    let link = move |path| plain(real, path, out);
    path_at(CWD, path, out, NOFOLLOW, link, link)
}

fn of_descriptor(real: OfDescriptor, fd: c_int, out: Out<Stat>) -> c_int {
    let words = [fd as usize, out.as_ptr().expose_provenance()];
    // SAFETY: a function of these two arguments.
    descriptor(fd, out, || unsafe { marked::through(real as *const c_void, words) as c_int })
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
    let kernel = move |path: CPath, flags: c_int| {
        let (path, out) = (path.as_ptr().expose_provenance(), out.as_ptr().expose_provenance());
        let words = [directory as usize, path, out, flags as usize];
        // SAFETY: a function of these four arguments.
        unsafe { marked::through(real as *const c_void, words) as c_int }
    };
    let link = move |path| kernel(path, flags | NOFOLLOW);
    path_at(directory, path, out, flags, move |path| kernel(path, flags), link)
}

spellings!(at: fn(directory: c_int, path: CPath, out: Out<Stat>, flags: c_int) -> c_int: fstatat, fstatat64);

fn versioned(real: Versioned, version: c_int, path: CPath, out: Out<Stat>) -> c_int {
    if !VERSIONS.contains(&version) {
        return real(version, path, out);
    }
    let link = move |path| next_lxstat()(version, path, out);
    path_at(CWD, path, out, 0, move |path| real(version, path, out), link)
}

fn versioned_not_followed(real: Versioned, version: c_int, path: CPath, out: Out<Stat>) -> c_int {
    if !VERSIONS.contains(&version) {
        return real(version, path, out);
    }
    let link = move |path| real(version, path, out);
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
    let link = move |path| real(version, directory, path, out, flags | NOFOLLOW);
    path_at(
        directory,
        path,
        out,
        flags,
        move |path| real(version, directory, path, out, flags),
        link,
    )
}

spellings!(versioned: fn(version: c_int, path: CPath, out: Out<Stat>) -> c_int: __xstat, __xstat64);
spellings!(versioned_not_followed: fn(version: c_int, path: CPath, out: Out<Stat>) -> c_int: __lxstat, __lxstat64);
spellings!(versioned_of_descriptor: fn(version: c_int, fd: c_int, out: Out<Stat>) -> c_int: __fxstat, __fxstat64);
spellings!(versioned_at: fn(version: c_int, directory: c_int, path: CPath, out: Out<Stat>, flags: c_int) -> c_int:
    __fxstatat, __fxstatat64);

hook! {
    /// statx(2)
    real => fn statx(directory: c_int, path: CPath, flags: c_int, mask: c_uint, out: Out<Statx>) -> c_int {
        let ask = move |path: CPath, flags: c_int, mask: c_uint| {
            let (path, out) = (path.as_ptr().expose_provenance(), out.as_ptr().expose_provenance());
            let words = [directory as usize, path, flags as usize, mask as usize, out];
            // SAFETY: a function of these five arguments.
            unsafe { marked::through(real as *const c_void, words) as c_int }
        };
        // Without the type nobody could say whether it is a symlink.
        let link = move |path| ask(path, flags | NOFOLLOW, mask | libc::STATX_TYPE);
        path_at(directory, path, out, flags, move |path| ask(path, flags, mask), link)
    }
}
