//! What programs want on the disk (`fsync`): it is the kernel's to bring it there, and ours that it is found again.
//!
//! The journal is written by memory, and names what lies in a draft or a blob. So one `syncfs` brings all of it to the disk:
//! what the tree is, the contents that it names, and the drafts. Behind a record that says of a draft that it is on the
//! disk, the draft is the file's content also after a power cut, whatever of later writes is in it, as with any file. So the
//! record is needed once; from then on `fsync` is the kernel's alone, which is seen by a bit of the draft's mode.

use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{Mode, OFlags, fchmod, fstat, open, syncfs};
use rustix::io::{Errno, retry_on_intr};
use vrift_cas::with_path;

use super::rights::{SYNCED, is_draft_mode};
use super::{Session, SessionError, Who};
use crate::journal::Operation;
use crate::journal::append::Need;

/// The longest that the record gets, with its frame.
const RECORD: usize = 128;

impl Session {
    /// Whether a file, of which the kernel says that it has `mode`, is a draft that is the node's content also after a power
    /// cut: then `fsync` needs nothing else.
    pub fn is_synced(mode: u32) -> bool {
        is_draft_mode(mode) && mode & SYNCED != 0
    }

    /// `fsync` of a node's content, open as `file`.
    pub fn sync_content(
        &self,
        who: &Who<'_>,
        node: u64,
        file: BorrowedFd<'_>,
    ) -> Result<(), SessionError> {
        let Some(draft) = self.record_synced(who, node, file)? else { return self.sync_tree(true) };
        self.removing(|| retry_on_intr(|| syncfs(file)))?;
        self.turn(|turn| {
            let tree = turn.tree();
            let is_draft = match tree.node(node)? {
                Some(at) => tree.draft(at) == Some(draft),
                None => false,
            };
            let mode = fstat(file)?.st_mode;
            // Modes change under the lock only; this one was not made a blob meanwhile.
            if is_draft && is_draft_mode(mode) {
                fchmod(file, Mode::from_raw_mode(mode & 0o7777 | SYNCED))?;
            }
            Ok(())
        })
    }

    /// Records that the node's draft is on the disk, if that is what is open; which draft it is.
    fn record_synced(
        &self,
        who: &Who<'_>,
        node: u64,
        file: BorrowedFd<'_>,
    ) -> Result<Option<u64>, SessionError> {
        let author = who.before();
        let inode = fstat(file)?.st_ino;
        self.turn(|turn| {
            let tree = turn.tree();
            let Some(at) = tree.node(node)? else { return Ok(None) };
            let Some(draft) = tree.draft(at) else { return Ok(None) };
            match self.with_draft(node, draft, |path| rustix::fs::stat(path)) {
                Ok(found) if found.st_ino == inode => {}
                // What has lost its last name, or was opened before somebody else wrote it.
                Ok(_) | Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
            let process = turn.register(who, author.as_ref())?;
            turn.reserve(RECORD, Need::Ordinary)?;
            let operation = Operation::DraftSynced { node, draft, owner: self.owner };
            turn.append(process, operation, Need::Ordinary)?;
            Ok(Some(draft))
        })
    }

    /// Brings the tree to the disk, and all content that it names. `at_any_rate`: also if it is as this process has brought it
    /// there before.
    pub fn sync_tree(&self, at_any_rate: bool) -> Result<(), SessionError> {
        let committed = self.control.segment().committed.to_word();
        if !at_any_rate && self.synced_at.load(Ordering::Relaxed) == committed {
            return Ok(());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let store = self.handover.store.as_os_str().as_bytes();
        let store = with_path(&[store], |path| open(path, flags, Mode::empty()))?;
        let synced = self.removing(|| retry_on_intr(|| syncfs(store.as_fd())));
        crate::shm::close(store);
        synced?;
        self.synced_at.store(committed, Ordering::Relaxed);
        Ok(())
    }
}
