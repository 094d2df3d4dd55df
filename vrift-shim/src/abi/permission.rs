//! chmod, fchmod, fchmodat, lchmod.

use std::ffi::c_int;

use libc::mode_t;

use super::args::{CPath, answer, answer_for_descriptor, done};
use crate::vfs::find::{CWD, Work};
use crate::vfs::permission;

hook! {
    /// chmod(2)
    real => fn chmod(path: CPath, mode: mode_t) -> c_int {
        let mut work = Work::default();
        let set = permission::at(CWD, path.bytes(), mode, 0, &mut work);
        answer(path, set, |path| real(path, mode), done)
    }
}

hook! {
    /// lchmod(3)
    real => fn lchmod(path: CPath, mode: mode_t) -> c_int {
        let mut work = Work::default();
        let set = permission::at(CWD, path.bytes(), mode, libc::AT_SYMLINK_NOFOLLOW, &mut work);
        answer(path, set, |path| real(path, mode), done)
    }
}

hook! {
    /// fchmodat(3)
    real => fn fchmodat(directory: c_int, path: CPath, mode: mode_t, flags: c_int) -> c_int {
        let mut work = Work::default();
        let set = permission::at(directory, path.bytes(), mode, flags, &mut work);
        answer(path, set, |path| real(directory, path, mode, flags), done)
    }
}

hook! {
    /// fchmod(2)
    real => fn fchmod(descriptor: c_int, mode: mode_t) -> c_int {
        let set = permission::of_descriptor(descriptor, mode);
        answer_for_descriptor(set, || real(descriptor, mode), done)
    }
}
