//! Locks belong to the kernel's file. Two files of the tree with the same content share a blob, and a file that is written
//! next has a draft: so whoever locks a blob gets the file's draft instead, which is its own, before the lock is taken.

use std::ffi::c_int;

use rustix::fs::{OFlags, SeekFrom};
use rustix::io::FdFlags;

use super::descriptor::{self, Held, borrow};
use super::session;
use super::who;
use crate::sys::fd;

/// Sees to it that a lock on `descriptor` is one on the file's own inode. If that cannot be done, the lock is on what the
/// descriptor has: it still excludes those who have the same.
pub fn pin(descriptor: c_int) {
    let Some(given) = session::given() else { return };
    let Ok((Held::Content { node, draft: false }, _)) = descriptor::look(given, descriptor) else {
        return;
    };
    let Ok(old) = borrow(descriptor) else { return };
    let (Ok(flags), Ok(kept)) = (rustix::fs::fcntl_getfl(old), rustix::io::fcntl_getfd(old)) else {
        return;
    };
    if flags.contains(OFlags::RWMODE) {
        // Neither to read nor to write: it cannot lock anything.
        return;
    }
    // Being opened for writing is what gives a file a draft; that one is closed again at once.
    let written = session::with(given, |session| {
        session.open_for_writing(&who::who(), node, OFlags::WRONLY | OFlags::CLOEXEC)
    });
    let Ok(written) = written else { return };
    let same = flags.difference(OFlags::CREATE | OFlags::EXCL | OFlags::TRUNC | OFlags::CLOEXEC);
    let read =
        session::with(given, |session| session.open_for_reading(node, same | OFlags::CLOEXEC));
    drop(written);
    let Ok(read) = read else { return };
    if let Ok(offset) = rustix::fs::tell(old) {
        let _ = rustix::fs::seek(&read, SeekFrom::Start(offset));
    }
    let close_on_exec = kept.contains(FdFlags::CLOEXEC);
    if fd::replace(&read, descriptor, close_on_exec).is_ok() {
        descriptor::opened(descriptor, node, false);
    }
}
