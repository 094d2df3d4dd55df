//! statfs, statvfs, pathconf: a tree's file system is the one that its store is on.

use std::ffi::{CStr, c_int};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use vrift_manifest::tree::path::Scratch;

use super::find::{self, Work};
use super::session::{self, Given};
use super::{Answer, descriptor};

/// Whose a path is.
pub fn at<'w>(
    path: Option<&[u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, &'static Given>, Errno> {
    find::node(find::CWD, path, true, work)?.then(|at| Ok(at.given))
}

/// Whose a descriptor is: content is on the store's file system anyway, a directory's placeholder mostly not.
pub fn of_descriptor(descriptor: c_int) -> Option<&'static Given> {
    let given = session::given()?;
    matches!(descriptor::directory(given, descriptor), Ok(Some(_))).then_some(given)
}

/// Runs `work` with the store's path.
pub fn with_store<R>(given: &'static Given, work: impl FnOnce(&CStr) -> R) -> Result<R, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let store = given.handover.store.as_os_str().as_bytes();
    buffer.get_mut(..store.len()).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(store);
    let path = CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::NAMETOOLONG)?;
    Ok(work(path))
}

/// Runs `work` with a descriptor of the store.
pub fn with_store_open<R>(
    given: &'static Given,
    work: impl FnOnce(c_int) -> R,
) -> Result<R, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let store = with_store(given, |path| rustix::fs::open(path, flags, Mode::empty()))??;
    Ok(work(store.as_raw_fd()))
}
