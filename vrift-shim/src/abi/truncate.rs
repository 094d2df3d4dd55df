//! truncate.

use std::ffi::c_int;

use libc::off_t;

use super::args::{CPath, answer, done};
use crate::vfs::find::Work;
use crate::vfs::truncate;

fn cut(real: extern "C" fn(CPath, off_t) -> c_int, path: CPath, length: off_t) -> c_int {
    let mut work = Work::default();
    let done_so = truncate::path(path.bytes(), length, &mut work);
    answer(path, done_so, |path| real(path, length), done)
}

spellings!(cut: fn(path: CPath, length: off_t) -> c_int: truncate, truncate64);
