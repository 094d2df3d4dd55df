//! access, faccessat, eaccess, euidaccess.

use std::ffi::{c_int, c_void};

use super::args::{CPath, answer, done};
use crate::sys::marked;
use crate::vfs::access;
use crate::vfs::find::{CWD, Work};
use crate::vfs::lead::{self, Last};

#[inline]
fn at(
    directory: c_int,
    path: CPath,
    wanted: c_int,
    flags: c_int,
    kernel: impl FnOnce(CPath) -> c_int,
) -> c_int {
    let bytes = path.bytes();
    if bytes.is_some_and(|path| lead::stays_outside(path, Last::Followed)) {
        return kernel(path);
    }
    let mut work = Work::default();
    answer(path, access::at(directory, bytes, wanted, flags, &mut work), kernel, done)
}

hook! {
    /// access(2)
    real => fn access(path: CPath, wanted: c_int) -> c_int {
        at(CWD, path, wanted, 0, move |path| {
            let words = [path.as_ptr().expose_provenance(), wanted as usize];
            // SAFETY: a function of these two arguments.
            unsafe { marked::through(real as *const c_void, words) as c_int }
        })
    }
}

hook! {
    /// faccessat(2)
    real => fn faccessat(directory: c_int, path: CPath, wanted: c_int, flags: c_int) -> c_int {
        at(directory, path, wanted, flags, move |path| {
            let path = path.as_ptr().expose_provenance();
            let words = [directory as usize, path, wanted as usize, flags as usize];
            // SAFETY: a function of these four arguments.
            unsafe { marked::through(real as *const c_void, words) as c_int }
        })
    }
}

fn effective(real: extern "C" fn(CPath, c_int) -> c_int, path: CPath, wanted: c_int) -> c_int {
    // The C library, which answers these two itself, does not look at other bits.
    at(CWD, path, wanted & 7, libc::AT_EACCESS, move |path| {
        let words = [path.as_ptr().expose_provenance(), wanted as usize];
        // SAFETY: a function of these two arguments.
        unsafe { marked::through(real as *const c_void, words) as c_int }
    })
}

spellings!(effective: fn(path: CPath, wanted: c_int) -> c_int: eaccess, euidaccess);
