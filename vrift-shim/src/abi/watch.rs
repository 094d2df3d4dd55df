//! Calls that ask the kernel for more about a path than a tree can give: watches and handles.
//!
//! A watch on a placeholder would never tell of anything, and a program would wait for ever. So a path of the tree is
//! told to be one watch too many (ENOSPC): that can happen anywhere, and programs that watch then look by themselves from
//! time to time. A handle is refused with EOPNOTSUPP, as by file systems that have none.

use std::ffi::c_int;

use rustix::io::Errno;

use super::args::{CPath, Out, answer, fail};
use crate::vfs::find::{self, CWD, Work};
use crate::vfs::{stat, who};

/// Do not follow a symlink in the last place: of inotify.
const DONT_FOLLOW: u32 = libc::IN_DONT_FOLLOW;

hook! {
    /// inotify_add_watch(2)
    real => fn inotify_add_watch(watcher: c_int, path: CPath, mask: u32) -> c_int {
        let mut work = Work::default();
        let follow = mask & DONT_FOLLOW == 0;
        let found = find::node(CWD, path.bytes(), follow, &mut work);
        answer(path, found, |path| real(watcher, path, mask), |at| {
            who::credentials().need(&at.attributes()?, 4)?;
            Err(Errno::NOSPC)
        })
    }
}

hook! {
    /// fanotify_mark(2)
    real => fn fanotify_mark(watcher: c_int, flags: u32, mask: u64, directory: c_int, path: CPath) -> c_int {
        /// Do not follow a symlink in the last place.
        const NOFOLLOW: u32 = 4;
        /// All marks go: the path means nothing.
        const FLUSH: u32 = 0x80;
        if flags & FLUSH != 0 {
            return real(watcher, flags, mask, directory, path);
        }
        let mut work = Work::default();
        let found = find::node(directory, path.bytes(), flags & NOFOLLOW == 0, &mut work);
        answer(path, found, |path| real(watcher, flags, mask, directory, path), |_| Err(Errno::NOSPC))
    }
}

hook! {
    /// name_to_handle_at(2)
    real => fn name_to_handle_at(directory: c_int, path: CPath, handle: Out<u8>, mount: Out<c_int>, flags: c_int) -> c_int {
        let mut work = Work::default();
        // Here a symlink is followed where that is asked for, not the other way round.
        let nofollow = if flags & libc::AT_SYMLINK_FOLLOW != 0 { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let empty = flags & libc::AT_EMPTY_PATH;
        let found = stat::at(directory, path.bytes(), nofollow | empty, &mut work);
        let kernel = |path| real(directory, path, handle, mount, flags);
        match found {
            Ok(crate::vfs::Answer::Ours(_)) => fail(Errno::OPNOTSUPP),
            other => answer(path, other, kernel, |_| Err(Errno::OPNOTSUPP)),
        }
    }
}
