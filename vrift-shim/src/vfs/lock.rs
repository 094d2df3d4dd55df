//! Locks belong to the kernel's file, and a file of the tree has different ones in the course of time: two files with the
//! same content share a blob, and what is written has a draft. So whoever locks what he cannot write gets the file's draft
//! before that, in place of what he has open; and a draft stays one as long as it is locked. Who can write has the draft
//! already, and it stays one as long as he has it open.
//!
//! Where that cannot be done, the lock is on what the descriptor has: it still excludes those who have the same.

use std::ffi::c_int;

use rustix::fs::{OFlags, SeekFrom};
use rustix::io::{Errno, FdFlags};

use super::descriptor::{self, Held, borrow};
use super::session::{self, Given};
use super::{find, who};
use crate::sys::{errno, fd};

/// How often in a row a file may be made a blob between being opened to be locked, and being locked.
const TRIES: usize = 1000;

/// What a descriptor has.
#[derive(PartialEq, Eq)]
enum Has {
    /// Nothing that would have to be watched.
    Anything,
    /// A draft that it cannot write.
    Draft,
}

/// Runs `take`, which takes a lock on `descriptor`, so that the lock is one on the file's own inode.
pub fn taken(descriptor: c_int, take: impl Fn() -> c_int) -> c_int {
    let Some(given) = session::given() else { return take() };
    if descriptor::locks(descriptor) {
        return take();
    }
    for _ in 0..TRIES {
        match errno::kept(|| pin(given, descriptor)) {
            Has::Anything => break,
            Has::Draft => {}
        }
        let result = take();
        // Sealed meanwhile: a lock on it says nothing; and if there was none to be had, it was the sealer who had it.
        if !became_blob(descriptor) || result < 0 && !is_refused(errno::last()) {
            return result;
        }
    }
    take()
}

/// Whether somebody else had the lock.
fn is_refused(errno: Errno) -> bool {
    errno == Errno::AGAIN || errno == Errno::ACCESS
}

fn became_blob(descriptor: c_int) -> bool {
    errno::kept(|| {
        let stat = borrow(descriptor).and_then(rustix::fs::fstat);
        stat.is_ok_and(|stat| descriptor::is_blob(&stat))
    })
}

/// Puts the file's draft in the place of what the descriptor has.
fn pin(given: &'static Given, descriptor: c_int) -> Has {
    let Ok((Held::Content { node, draft }, stat)) = descriptor::look(given, descriptor) else {
        return Has::Anything;
    };
    // Of a file without a name, opened to be written: that is all who could lock it have.
    let is_nameless = || find::by_number(given, node)?.attributes().map(|all| all.nlink == 0);
    if draft && is_nameless().unwrap_or(false) {
        return Has::Anything;
    }
    let Ok(old) = borrow(descriptor) else { return Has::Anything };
    let Ok(flags) = rustix::fs::fcntl_getfl(old) else { return Has::Anything };
    // What can be neither read nor written cannot be locked.
    if flags.contains(OFlags::PATH) || flags.contains(OFlags::RWMODE) {
        return Has::Anything;
    }
    if matches!(flags & OFlags::RWMODE, OFlags::WRONLY | OFlags::RDWR) {
        descriptor::may_lock(descriptor);
        return Has::Anything;
    }
    let same = flags.difference(OFlags::CREATE | OFlags::EXCL | OFlags::TRUNC | OFlags::RWMODE);
    let opened = session::with(given, |session| {
        session.open_for_locking(&who::who(), node, stat.st_ino, same | OFlags::CLOEXEC)
    });
    match opened {
        Ok(None) => Has::Draft,
        Ok(Some(draft)) => {
            let draft = fd::Brief::new(draft);
            let Ok(kept) = rustix::io::fcntl_getfd(old) else { return Has::Anything };
            if let Ok(offset) = rustix::fs::tell(old) {
                let _ = rustix::fs::seek(&draft, SeekFrom::Start(offset));
            }
            if fd::replace(&draft, descriptor, kept.contains(FdFlags::CLOEXEC)).is_err() {
                return Has::Anything;
            }
            descriptor::opened(descriptor, node, false);
            Has::Draft
        }
        Err(_) => Has::Anything,
    }
}
