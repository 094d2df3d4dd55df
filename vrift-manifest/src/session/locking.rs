//! The file that is to be locked: a lock is the kernel's, on an inode, and a node has different ones in the course of time.

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, retry_on_intr};

use super::change::until_settled;
use super::pause::Pause;
use super::rights::is_draft_mode;
use super::{Session, SessionError, Who, open_flags};

impl Session {
    /// For whoever has a node open, but not for writing, and is about to lock it: the draft, which is this node's alone, and
    /// which nobody makes a blob as long as it is locked. `inode`: what he has open; `None`: that is the draft. A clean node gets one.
    /// When he has the lock, he has to see whether the file is a draft still.
    pub fn open_for_locking(
        &self,
        who: &Who<'_>,
        node: u64,
        inode: u64,
        flags: OFlags,
    ) -> Result<Option<OwnedFd>, SessionError> {
        self.control.note_lock(node);
        let at = self.tree.node(node)?.ok_or(Errno::NOENT)?;
        let author = who.before();
        let mut pause = Pause::new();
        until_settled(|| {
            let state = self.file_state(at)?;
            if state.draft == 0 {
                let flags = OFlags::WRONLY | OFlags::CLOEXEC;
                let begun = self.begin_draft(who, author.as_ref(), at, node, &state, flags)?;
                begun.into_iter().for_each(crate::shm::close);
                return Ok(None);
            }
            let draft = state.draft;
            let is_draft = || self.tree.draft(self.tree.again(at)) == Some(draft);
            // To open what he has and to close it again would end the locks that his process holds on it.
            let found = self.with_draft(node, draft, |path| rustix::fs::stat(path));
            let found = match found {
                Err(Errno::NOENT) if is_draft() => return Err(self.without_draft(at)),
                Err(Errno::NOENT) => return Ok(None),
                other => other?,
            };
            if !is_draft_mode(found.st_mode) {
                if is_draft() {
                    self.rescue(who, node, draft, &mut pause)?;
                }
                return Ok(None);
            }
            if found.st_ino == inode {
                return Ok(is_draft().then_some(None));
            }
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | (open_flags(flags) - OFlags::RWMODE);
            let opened = self
                .with_draft(node, draft, |path| retry_on_intr(|| open(path, flags, Mode::empty())));
            match opened {
                Ok(file) if is_draft() => Ok(Some(Some(file))),
                Ok(file) => {
                    crate::shm::close(file);
                    Ok(None)
                }
                Err(Errno::NOENT) => Ok(None),
                Err(errno) => Err(errno.into()),
            }
        })
    }
}
