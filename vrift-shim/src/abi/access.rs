//! access, faccessat, eaccess, euidaccess.

use std::ffi::c_int;

use super::args::{CPath, answer, done};
use crate::vfs::access;
use crate::vfs::find::{CWD, Work};

hook! {
    /// access(2)
    real => fn access(path: CPath, wanted: c_int) -> c_int {
        let mut work = Work::default();
        let may = access::at(CWD, path.bytes(), wanted, 0, &mut work);
        answer(path, may, |path| real(path, wanted), done)
    }
}

hook! {
    /// faccessat(2)
    real => fn faccessat(directory: c_int, path: CPath, wanted: c_int, flags: c_int) -> c_int {
        let mut work = Work::default();
        let may = access::at(directory, path.bytes(), wanted, flags, &mut work);
        answer(path, may, |path| real(directory, path, wanted, flags), done)
    }
}

fn effective(real: extern "C" fn(CPath, c_int) -> c_int, path: CPath, wanted: c_int) -> c_int {
    let mut work = Work::default();
    // The C library, which answers these two itself, does not look at other bits.
    let may = access::at(CWD, path.bytes(), wanted & 7, libc::AT_EACCESS, &mut work);
    answer(path, may, |path| real(path, wanted), done)
}

spellings!(effective: fn(path: CPath, wanted: c_int) -> c_int: eaccess, euidaccess);
