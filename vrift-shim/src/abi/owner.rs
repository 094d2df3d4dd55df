//! chown, lchown, fchown, fchownat.

use std::ffi::c_int;

use libc::{gid_t, uid_t};

use super::args::{CPath, answer, answer_for_descriptor, done};
use crate::vfs::find::{CWD, Work};
use crate::vfs::owner::{self, Owner};

hook! {
    /// chown(2)
    real => fn chown(path: CPath, uid: uid_t, gid: gid_t) -> c_int {
        let mut work = Work::default();
        let set = owner::at(CWD, path.bytes(), Owner { uid, gid }, 0, &mut work);
        answer(path, set, |path| real(path, uid, gid), done)
    }
}

hook! {
    /// lchown(2)
    real => fn lchown(path: CPath, uid: uid_t, gid: gid_t) -> c_int {
        let mut work = Work::default();
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        let set = owner::at(CWD, path.bytes(), Owner { uid, gid }, flags, &mut work);
        answer(path, set, |path| real(path, uid, gid), done)
    }
}

hook! {
    /// fchownat(2)
    real => fn fchownat(
        directory: c_int,
        path: CPath,
        uid: uid_t,
        gid: gid_t,
        flags: c_int,
    ) -> c_int {
        let mut work = Work::default();
        let set = owner::at(directory, path.bytes(), Owner { uid, gid }, flags, &mut work);
        answer(path, set, |path| real(directory, path, uid, gid, flags), done)
    }
}

hook! {
    /// fchown(2)
    real => fn fchown(descriptor: c_int, uid: uid_t, gid: gid_t) -> c_int {
        let set = owner::of_descriptor(descriptor, Owner { uid, gid });
        answer_for_descriptor(set, || real(descriptor, uid, gid), done)
    }
}
