//! open, openat, creat and their spellings.

use std::ffi::{CStr, c_int, c_void};

use libc::mode_t;

use rustix::io::Errno;

use super::args::{CPath, answer, give};
use crate::sys::marked;
use crate::vfs::find::{CWD, Work};
use crate::vfs::lead::{self, Last};
use crate::vfs::{descriptor, open, open_plain};

/// Whether the mode was passed at all: C passes it only where something may be made.
fn made_with(flags: c_int, mode: mode_t) -> mode_t {
    let makes = flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE;
    if makes { mode } else { 0 }
}

/// open(2) for all. What is outside and opened to read is here alone, so that it needs neither a large frame nor many
/// registers.
#[inline(always)]
pub fn at(
    directory: c_int,
    path: CPath,
    flags: c_int,
    mode: mode_t,
    kernel: impl Fn(CPath) -> c_int,
) -> c_int {
    if open_plain::is_plain(flags)
        && let Some(text) = path.c_str()
    {
        if !open_plain::leads_in_by_links_alone(text.to_bytes()) {
            return plain_at(directory, path, text, flags, mode, kernel);
        }
        if let Some(answer) = open_plain::outside(directory, text, flags) {
            return noted(give(answer));
        }
    }
    any(directory, path, flags, mode, kernel)
}

#[inline(never)]
fn plain_at(
    directory: c_int,
    path: CPath,
    text: &CStr,
    flags: c_int,
    mode: mode_t,
    kernel: impl Fn(CPath) -> c_int,
) -> c_int {
    let mut work = Work::default();
    let opened = open_plain::open(directory, text.to_bytes(), flags, &mut work);
    let outside = |asked: CPath| {
        if asked.as_ptr() != path.as_ptr() {
            return noted(kernel(asked));
        }
        match open_plain::outside(directory, text, flags) {
            Some(answer) => noted(give(answer)),
            None => any(directory, path, flags, mode, &kernel),
        }
    };
    match opened {
        // It has just lost its name to another.
        Err(Errno::STALE) => any(directory, path, flags, mode, &kernel),
        opened => answer(path, opened, outside, Ok),
    }
}

#[inline]
fn noted(descriptor: c_int) -> c_int {
    if descriptor >= 0 {
        descriptor::opened_outside(descriptor);
    }
    descriptor
}

#[inline(never)]
fn any(
    directory: c_int,
    path: CPath,
    flags: c_int,
    mode: mode_t,
    kernel: impl FnOnce(CPath) -> c_int,
) -> c_int {
    let bytes = path.bytes();
    if bytes.is_some_and(|path| lead::stays_outside(path, Last::Followed)) {
        return noted(kernel(path));
    }
    let mut work = Work::default();
    let opened = open::open(directory, bytes, flags, made_with(flags, mode), &mut work);
    answer(path, opened, |path| noted(kernel(path)), Ok)
}

// Of fixed arity, where C says `...`: on the targets that this is built for a variadic integer is passed as any other.

fn plain(
    real: extern "C" fn(CPath, c_int, mode_t) -> c_int,
    path: CPath,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    at(CWD, path, flags, mode, move |path| {
        let words = [path.as_ptr().expose_provenance(), flags as usize, mode as usize];
        // SAFETY: a function of these three arguments.
        unsafe { marked::through(real as *const c_void, words) as c_int }
    })
}

spellings!(plain: fn(path: CPath, flags: c_int, mode: mode_t) -> c_int: open, open64, __open, __open64);

fn below(
    real: extern "C" fn(c_int, CPath, c_int, mode_t) -> c_int,
    directory: c_int,
    path: CPath,
    flags: c_int,
    mode: mode_t,
) -> c_int {
    at(directory, path, flags, mode, move |path| {
        let path = path.as_ptr().expose_provenance();
        let words = [directory as usize, path, flags as usize, mode as usize];
        // SAFETY: a function of these four arguments.
        unsafe { marked::through(real as *const c_void, words) as c_int }
    })
}

spellings!(below: fn(directory: c_int, path: CPath, flags: c_int, mode: mode_t) -> c_int: openat, openat64);

fn fortified(real: extern "C" fn(CPath, c_int) -> c_int, path: CPath, flags: c_int) -> c_int {
    at(CWD, path, flags, 0, move |path| real(path, flags))
}

spellings!(fortified: fn(path: CPath, flags: c_int) -> c_int: __open_2, __open64_2);

fn fortified_below(
    real: extern "C" fn(c_int, CPath, c_int) -> c_int,
    directory: c_int,
    path: CPath,
    flags: c_int,
) -> c_int {
    at(directory, path, flags, 0, move |path| real(directory, path, flags))
}

spellings!(fortified_below: fn(directory: c_int, path: CPath, flags: c_int) -> c_int: __openat_2, __openat64_2);

fn created(real: extern "C" fn(CPath, mode_t) -> c_int, path: CPath, mode: mode_t) -> c_int {
    let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
    at(CWD, path, flags, mode, move |path| {
        let words = [path.as_ptr().expose_provenance(), mode as usize];
        // SAFETY: a function of these two arguments.
        unsafe { marked::through(real as *const c_void, words) as c_int }
    })
}

spellings!(created: fn(path: CPath, mode: mode_t) -> c_int: creat, creat64);
