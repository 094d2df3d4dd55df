//! Opening content for writing.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, fcntl_setfl, fstat, ftruncate, open};
use rustix::io::{Errno, retry_on_intr};

use super::change::until_settled;
use super::draft::{draft_now, mark_copied};
use super::pause::Pause;
use super::seal::Seal;
use super::{Session, SessionError, Who, copy, open_flags, rights};
use crate::attributes::Kind;
use crate::index::NodeState;
use crate::tree::{Cursor, words_digest};

impl Session {
    /// Opens a file's content for writing, with `flags` as the caller of `open` has them (O_WRONLY or O_RDWR, O_APPEND,
    /// O_TRUNC ...). A clean node gets a draft. Whether the caller may write was checked by him.
    /// ESTALE: the draft went with the file's last name.
    pub fn open_for_writing(
        &self,
        who: &Who<'_>,
        node: u64,
        flags: OFlags,
    ) -> Result<OwnedFd, SessionError> {
        if flags.contains(OFlags::TRUNC) && flags & OFlags::RWMODE == OFlags::RDONLY {
            self.truncate(who, node, 0)?;
            return self.open_for_reading(node, flags - OFlags::TRUNC);
        }
        let at = self.tree.node(node)?.ok_or(Errno::NOENT)?;
        let author = who.before();
        let mut pause = Pause::new();
        until_settled(|| {
            let state = self.file_state(at)?;
            match state.draft {
                0 => self.begin_draft(who, author.as_ref(), at, node, &state, flags),
                draft => self.open_draft(who, at, node, draft, flags, &mut pause),
            }
        })
    }

    /// The state of a regular file.
    pub(super) fn file_state(&self, at: Cursor) -> Result<NodeState, SessionError> {
        let at = self.tree.again(at);
        let state = self.tree.state(at)?;
        match Kind::of_mode(state.attributes.mode) {
            Some(Kind::File) => Ok(state),
            Some(Kind::Directory) => Err(Errno::ISDIR.into()),
            _ => Err(Errno::INVAL.into()),
        }
    }

    /// Makes a draft for a node that is clean. `None`: it is not any more, or its content is another one.
    pub(super) fn begin_draft(
        &self,
        who: &Who<'_>,
        author: Option<&crate::workspace::Author>,
        at: Cursor,
        node: u64,
        state: &NodeState,
        flags: OFlags,
    ) -> Result<Option<OwnedFd>, SessionError> {
        let draft = draft_now();
        let file = match self.make_draft_file(node, draft, making(flags)) {
            // Somebody else had the same thought in the same nanosecond.
            Err(Errno::EXIST) => return Ok(None),
            other => other?,
        };
        let keep = !flags.contains(OFlags::TRUNC);
        let filled = if keep { self.fill(at, &file, state) } else { Ok(()) };
        let guarded = filled.and_then(|()| {
            rights::guard(&file, state.attributes.mode, flags)?;
            Ok(())
        });
        let begun = guarded.and_then(|()| {
            self.turn(|turn| {
                let now = turn.tree().state(turn.tree().again(at))?;
                if now.seq != state.seq || now.draft != 0 {
                    return Ok(false);
                }
                let process = turn.register(who, author)?;
                self.open_draft_record(turn, process, node, draft)?;
                Ok(true)
            })
        });
        if !matches!(begun, Ok(true)) {
            let _ = self.remove_draft(node, draft);
            return begun.map(|_| None);
        }
        finish_open(&file, flags, making(flags))?;
        Ok(Some(file))
    }

    /// Copies a clean node's content into its new draft.
    fn fill(&self, at: Cursor, draft: &OwnedFd, state: &NodeState) -> Result<(), SessionError> {
        if state.attributes.size > 0 {
            let flags = OFlags::CLOEXEC;
            let digest = words_digest(state.content);
            let blob = match self.open_content(at, &digest, flags) {
                Err(Errno::NOENT) => return Err(self.missing(at, &digest).into()),
                other => other?,
            };
            copy::all(&blob, draft, state.attributes.size)?;
        }
        Ok(mark_copied(draft, state.attributes.mtime)?)
    }

    /// Opens the draft that a node has. `None`: look at the node again.
    fn open_draft(
        &self,
        who: &Who<'_>,
        at: Cursor,
        node: u64,
        draft: u64,
        flags: OFlags,
        pause: &mut Pause,
    ) -> Result<Option<OwnedFd>, SessionError> {
        // Not waiting for whoever may be sealing it: it may be stopped. And O_TRUNC only when it is known that what was
        // opened is the draft still: to an opener that waited, it may have become a blob.
        let asked = open_flags(flags) | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let opened =
            self.with_draft(node, draft, |path| retry_on_intr(|| open(path, asked, Mode::empty())));
        let is_draft = |tree: &crate::tree::Tree| tree.draft(tree.again(at)) == Some(draft);
        match opened {
            Ok(file) => {
                let mode = fstat(&file)?.st_mode;
                if rights::is_draft_mode(mode) && is_draft(&self.tree) {
                    finish_open(&file, flags, asked)?;
                    if flags.contains(OFlags::TRUNC) {
                        retry_on_intr(|| ftruncate(&file, 0))?;
                    }
                    return Ok(Some(file));
                }
                drop(file);
                if is_draft(&self.tree) {
                    self.rescue(who, node, draft, pause)?;
                }
            }
            Err(Errno::AGAIN) => pause.wait()?,
            Err(Errno::ACCESS) if is_draft(&self.tree) => self.rescue(who, node, draft, pause)?,
            Err(Errno::NOENT | Errno::ACCESS) if !is_draft(&self.tree) => {}
            Err(Errno::NOENT) => return Err(self.without_draft(at)),
            Err(errno) => return Err(errno.into()),
        }
        Ok(None)
    }

    /// The draft has not the mode of one: somebody is making it a blob at this moment, or died in doing so.
    #[cold]
    pub(super) fn rescue(
        &self,
        who: &Who<'_>,
        node: u64,
        draft: u64,
        pause: &mut Pause,
    ) -> Result<(), SessionError> {
        if pause.is_short() {
            return pause.wait();
        }
        match self.seal_draft(who, node, true) {
            // Somebody writes it, so nobody can be sealing it and it was left so by a dead one; or it cannot be sealed, for
            // want of room for example.
            Ok(Seal::Busy | Seal::Later) | Err(SessionError::Errno(_)) => {
                self.make_writable(node, draft)?;
                pause.wait()
            }
            Ok(_) => Ok(()),
            Err(SessionError::Retired) => Err(SessionError::Retired),
        }
    }

    /// Cuts a file, or makes it longer.
    pub fn truncate(&self, who: &Who<'_>, node: u64, length: u64) -> Result<(), SessionError> {
        let at = self.tree.node(node)?.ok_or(Errno::NOENT)?;
        let state = self.file_state(at)?;
        if state.draft == 0 && state.attributes.size == length {
            return Ok(());
        }
        let trunc = if length == 0 { OFlags::TRUNC } else { OFlags::empty() };
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | trunc;
        let file = self.open_for_writing(who, node, flags)?;
        if length != 0 {
            retry_on_intr(|| ftruncate(&file, length))?;
        }
        drop(file);
        // As after any other writing: if it cannot be done now, it is done later.
        let _ = self.seal(who, node);
        Ok(())
    }
}

/// The flags to make a draft's file with: one that can be filled.
pub(super) fn making(flags: OFlags) -> OFlags {
    open_flags(flags) - (OFlags::APPEND | OFlags::DIRECT | OFlags::NONBLOCK)
}

/// Sets the flags that the caller asked for, where the file was opened with others.
pub(super) fn finish_open(file: impl AsFd, flags: OFlags, opened: OFlags) -> Result<(), Errno> {
    let settable = OFlags::APPEND | OFlags::DIRECT | OFlags::NONBLOCK;
    if (open_flags(flags) ^ opened).intersects(settable) {
        fcntl_setfl(file, open_flags(flags))?;
    }
    Ok(())
}
