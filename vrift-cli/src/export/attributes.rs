//! Giving an entry the attributes that it has in the tree.
//!
//! Owner first, as changing it drops set-id bits and capabilities; then extended attributes, which need a writable
//! file; then permissions; times last.

use std::ffi::CStr;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags, chmod, chownat, fchmod,
    fchown, fsetxattr, futimens, lsetxattr, openat, utimensat,
};
use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::time::Timestamp;

use super::loss::What;
use crate::ingest::Xattr;

/// Who exports: root keeps owners, others cannot.
#[derive(Debug, Clone, Copy)]
pub struct Exporter {
    euid: u32,
    egid: u32,
}

impl Exporter {
    /// The user of this process.
    pub fn of_process() -> Exporter {
        let (euid, egid) = (rustix::process::geteuid(), rustix::process::getegid());
        Exporter { euid: euid.as_raw(), egid: egid.as_raw() }
    }

    /// The permission bits that an entry gets, and whether some are left out: a file does not run with the rights of
    /// someone whom it does not belong to.
    fn mode(self, attributes: &Attributes, owner_kept: bool) -> (Mode, bool) {
        let mut bits = attributes.mode & 0o7777;
        if !owner_kept && Kind::of_mode(attributes.mode) == Some(Kind::File) {
            let foreign_user = if attributes.uid != self.euid { 0o4000 } else { 0 };
            let foreign_group = if attributes.gid != self.egid { 0o2000 } else { 0 };
            bits &= !(foreign_user | foreign_group);
        }
        (Mode::from_raw_mode(bits), bits != attributes.mode & 0o7777)
    }

    /// An open file or directory.
    pub fn apply_to_file(
        self,
        file: impl AsFd,
        attributes: &Attributes,
        xattrs: &[Xattr],
        lost: &mut dyn FnMut(What),
    ) {
        let file = file.as_fd();
        let owner = |uid, gid| fchown(file, Some(uid), Some(gid));
        let owner_kept = self.owner(attributes, owner, lost);
        for Xattr { name, value } in xattrs {
            if let Err(errno) = fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
                lost(What::Xattr(name.clone(), errno));
            }
        }
        let (mode, left_out) = self.mode(attributes, owner_kept);
        if left_out {
            lost(What::SetId);
        }
        if let Err(errno) = fchmod(file, mode) {
            lost(What::Mode(errno));
        }
        if let Err(errno) = futimens(file, &times(attributes)) {
            lost(What::Times(errno));
        }
    }

    /// A symlink or special entry, which cannot be opened.
    pub fn apply_to_entry(
        self,
        directory: impl AsFd,
        name: &CStr,
        attributes: &Attributes,
        xattrs: &[Xattr],
        lost: &mut dyn FnMut(What),
    ) {
        let directory = directory.as_fd();
        let owner =
            |uid, gid| chownat(directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW);
        let owner_kept = self.owner(attributes, owner, lost);
        for Xattr { name: key, value } in xattrs {
            let path = path_of(directory, name.to_bytes());
            if let Err(errno) = lsetxattr(path, key.as_slice(), value, XattrFlags::empty()) {
                lost(What::Xattr(key.clone(), errno));
            }
        }
        if Kind::of_mode(attributes.mode) != Some(Kind::Symlink) {
            let (mode, _) = self.mode(attributes, owner_kept);
            if let Err(errno) = chmod_entry(directory, name, mode) {
                lost(What::Mode(errno));
            }
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        if let Err(errno) = utimensat(directory, name, &times(attributes), flags) {
            lost(What::Times(errno));
        }
    }

    fn owner(
        self,
        attributes: &Attributes,
        set: impl Fn(Uid, Gid) -> Result<(), Errno>,
        lost: &mut dyn FnMut(What),
    ) -> bool {
        if self.euid != 0 {
            return false;
        }
        match set(Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid)) {
            Ok(()) => true,
            Err(errno) => {
                lost(What::Owner(errno));
                false
            }
        }
    }
}

/// There is no call that changes the mode of an entry without following symlinks or opening it for real.
fn chmod_entry(directory: BorrowedFd<'_>, name: &CStr, mode: Mode) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = openat(directory, name, flags, Mode::empty())?;
    chmod(format!("/proc/self/fd/{}", place.as_raw_fd()), mode)
}

fn path_of(directory: BorrowedFd<'_>, name: &[u8]) -> PathBuf {
    let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    PathBuf::from(OsString::from_vec(path))
}

fn times(attributes: &Attributes) -> Timestamps {
    let time = |time: Timestamp| Timespec { tv_sec: time.sec, tv_nsec: i64::from(time.nsec) };
    Timestamps { last_access: time(attributes.atime), last_modification: time(attributes.mtime) }
}
