//! unlink, rmdir, remove.

use std::ffi::c_int;

use super::args::{CPath, answer, done};
use crate::vfs::find::{CWD, Work};
use crate::vfs::remove;

hook! {
    /// unlink(2)
    real => fn unlink(path: CPath) -> c_int {
        let mut work = Work::default();
        answer(path, remove::at(CWD, path.bytes(), 0, &mut work), |path| real(path), done)
    }
}

hook! {
    /// unlinkat(2)
    real => fn unlinkat(directory: c_int, path: CPath, flags: c_int) -> c_int {
        let mut work = Work::default();
        let removed = remove::at(directory, path.bytes(), flags, &mut work);
        answer(path, removed, |path| real(directory, path, flags), done)
    }
}

hook! {
    /// rmdir(2)
    real => fn rmdir(path: CPath) -> c_int {
        let mut work = Work::default();
        let removed = remove::at(CWD, path.bytes(), libc::AT_REMOVEDIR, &mut work);
        answer(path, removed, |path| real(path), done)
    }
}

hook! {
    /// remove(3)
    real => fn remove(path: CPath) -> c_int {
        let mut work = Work::default();
        answer(path, remove::any(path.bytes(), &mut work), |path| real(path), done)
    }
}
