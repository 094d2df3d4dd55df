//! A new file, ready to be written.

use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::change::Failure;
use super::draft::draft_now;
use super::writing::{finish_open, making};
use super::{Session, SessionError, Who, rights};
use crate::attributes::Kind;
use crate::journal::Operation;
use crate::journal::append::Need;
use crate::tree::{Change, ChangeError};
use crate::workspace::Author;
use crate::workspace::turn::Turn;

/// The longest that the record of a draft gets, with its frame.
const DRAFT_RECORD: usize = 128;

impl Session {
    /// Makes a file and its draft in one step, and opens that; EEXIST if the name is taken. `mode`: the permission bits, with
    /// the umask applied. The file's number, and the draft open with the caller's `flags`.
    #[allow(clippy::too_many_arguments, reason = "what the system call has, and who asks")]
    pub fn create_file(
        &self,
        who: &Who<'_>,
        parent: u64,
        name: &[u8],
        mode: u32,
        uid: u32,
        gid: u32,
        flags: OFlags,
    ) -> Result<(u64, OwnedFd), SessionError> {
        let mode = Kind::File as u32 | mode & 0o7777;
        let change = Change::Create { parent, name, mode, uid, gid, rdev: 0, target: b"" };
        self.check_early(&change)?;
        let author = who.before();
        // The file is made before the lock is taken, by the number that the node will have unless others are faster.
        let (guess, draft) = (self.tree.next_node(), draft_now());
        let file = self.make_draft_file(guess, draft, making(flags))?;
        if let Err(errno) = rights::guard(&file, mode, OFlags::empty()) {
            let _ = self.remove_draft(guess, draft);
            return Err(errno.into());
        }
        let node = self.record_new(who, author.as_ref(), &change, (guess, draft))?;
        finish_open(&file, flags, making(flags))?;
        Ok((node, file))
    }

    /// Most of what a file's creation can be refused for, before anything is made. Not a number that no node can have: under
    /// the lock it is seen that the index lies.
    pub(super) fn check_early(&self, change: &Change<'_>) -> Result<(), SessionError> {
        match self.tree.check(change, &mut Vec::new()) {
            Ok(_) | Err(ChangeError::Errno(Errno::INVAL)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Records a file whose draft is there already, by a number that was guessed; the file's number. If that fails, the
    /// draft has gone.
    pub(super) fn record_new(
        &self,
        who: &Who<'_>,
        author: Option<&Author>,
        change: &Change<'_>,
        (guess, draft): (u64, u64),
    ) -> Result<u64, SessionError> {
        let mut called = guess;
        let made = self.turn(|turn| {
            let mut none = Vec::new();
            let checked = turn.tree().check(change, &mut none)?;
            let Some(operation @ Operation::Create { node, name, .. }) = checked else {
                return Err(Errno::INVAL.into());
            };
            if node != guess {
                self.rename_draft(guess, node, draft)?;
                called = node;
            }
            let process = turn.register(who, author)?;
            // Both or none, as far as room is concerned.
            turn.reserve(DRAFT_RECORD + 2 * name.len(), Need::Ordinary)?;
            turn.append(process, operation, Need::Ordinary)?;
            self.open_draft_record(turn, process, node, draft)?;
            Ok(node)
        });
        if made.is_err() {
            let _ = self.remove_draft(called, draft);
        }
        made
    }

    fn rename_draft(&self, from: u64, to: u64, draft: u64) -> Result<(), Errno> {
        self.with_draft(from, draft, |from| {
            self.with_draft(to, draft, |to| rustix::fs::rename(from, to))
        })
    }

    /// Under the lock: from here on the node's content is in the draft.
    pub(super) fn open_draft_record(
        &self,
        turn: &mut Turn<'_>,
        process: u64,
        node: u64,
        draft: u64,
    ) -> Result<(), Failure> {
        let operation = Operation::DraftOpened { node, draft, owner: self.owner };
        turn.append(process, operation, Need::Ordinary)?;
        Ok(())
    }
}
