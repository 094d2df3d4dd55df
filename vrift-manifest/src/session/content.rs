//! Opening content.

use std::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::change::until_settled;
use super::{Session, SessionError, open_flags};
use crate::attributes::Kind;
use crate::shm::open_to_read;
use crate::tree::{ContentState, Cursor, words_digest};

impl Session {
    /// Runs `work` with the path of a file's content, for calls that take nothing else (`execve`): the blob, or the draft
    /// while it is being written. A draft cannot be executed: seal it before. The path may be gone when it is used, if the
    /// file is sealed or written at that moment: then look again.
    pub fn with_content_path<T>(
        &self,
        at: Cursor,
        work: impl FnOnce(&CStr) -> Result<T, Errno>,
    ) -> Result<T, SessionError> {
        let state = self.file_state(at)?;
        Ok(match state.draft {
            0 => self.sealer.with_blob(&words_digest(state.content), work)?,
            draft => self.with_draft(self.tree.number(at)?, draft, work)?,
        })
    }

    /// Opens a file's content for reading: the blob, or the draft while it is being written. ESTALE: the draft went with
    /// the file's last name.
    pub fn open_for_reading(&self, node: u64, flags: OFlags) -> Result<OwnedFd, SessionError> {
        let at = self.tree.node(node)?.ok_or(Errno::NOENT)?;
        self.open_for_reading_at(at, flags)
    }

    /// As [`Session::open_for_reading`], of a file of which was `seen` a moment ago where its content is: nearly always it
    /// still is there.
    #[inline]
    pub fn open_seen(
        &self,
        at: Cursor,
        seen: &ContentState,
        flags: OFlags,
    ) -> Result<OwnedFd, SessionError> {
        if seen.draft == 0
            && let Some(path) = self.sealer.blob_path(&words_digest(seen.content))
            && let Ok(file) = open_to_read(path.with_nul(), open_flags(flags) | OFlags::NOFOLLOW)
        {
            return Ok(file);
        }
        self.open_for_reading_at(at, flags)
    }

    /// As [`Session::open_for_reading`], of a node that was found already.
    #[inline(never)]
    fn open_for_reading_at(&self, at: Cursor, flags: OFlags) -> Result<OwnedFd, SessionError> {
        let flags = open_flags(flags) - OFlags::RWMODE;
        let mut last = None;
        until_settled(|| {
            let at = self.tree.again(at);
            let state = self.tree.content(at)?;
            match Kind::of_mode(state.mode) {
                Some(Kind::File) => {}
                Some(Kind::Directory) => return Err(Errno::ISDIR.into()),
                _ => return Err(Errno::INVAL.into()),
            }
            if state.draft == 0 {
                let digest = words_digest(state.content);
                return match self.open_content(at, &digest, flags) {
                    // Written anew, perhaps, since the tree was looked at; what is missing twice is missing.
                    Err(Errno::NOENT) if last != Some(state.seq) => {
                        last = Some(state.seq);
                        Ok(None)
                    }
                    Err(Errno::NOENT) => Err(self.missing(at, &digest).into()),
                    other => Ok(Some(other?)),
                };
            }
            let node = self.tree.number(at)?;
            let opened = self.with_draft(node, state.draft, |path| {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | flags;
                retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))
            });
            let same = self.tree.draft(at) == Some(state.draft);
            match opened {
                // Sealed meanwhile, it may have been opened anew and written before we were asked: look again.
                Ok(file) => Ok(same.then_some(file)),
                Err(Errno::NOENT) if same => Err(self.without_draft(at)),
                Err(Errno::NOENT) => Ok(None),
                Err(errno) => Err(errno.into()),
            }
        })
    }
}
