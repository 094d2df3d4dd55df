//! A turn under the lock: appending records and applying them. [`super::mutate`] takes turns for a workspace that is open
//! with all that belongs to it, and a [session](crate::session) for a process that has nothing but mappings.

use rustix::io::Errno;

use super::attach::{Writer, applied};
use super::control::{Control, OpenSegment};
use crate::index::edit::EditError;
use crate::index::layout::H_APPLIED;
use crate::journal::append::{AppendError, Need};
use crate::journal::record::PAYLOAD_MAX;
use crate::journal::replay::Records;
use crate::journal::{Operation, Position, Record};
use crate::shm::Held;
use crate::time::Timestamp;
use crate::tree::Tree;
use crate::tree::apply::ApplyError;

/// What is known under the lock.
pub struct Turn<'a> {
    pub control: &'a Control,
    pub writer: &'a Writer,
    pub segment: OpenSegment,
    /// The most words that the live index gets.
    pub index_bound: usize,
}

/// A record was not appended, or what others had left undone cannot be done. It takes no memory but its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnError {
    /// The record is longer than any can be.
    TooLong,
    /// The journal cannot take it.
    Append(AppendError),
    /// The live index cannot take it.
    Index(EditError),
    /// A record contradicts the tree.
    Replay(ApplyError),
    /// Records that had happened cannot be read any more.
    Unreadable {
        /// Where in the open segment.
        offset: u64,
        /// The first of them.
        seq: u64,
    },
}

impl From<AppendError> for TurnError {
    fn from(error: AppendError) -> TurnError {
        TurnError::Append(error)
    }
}

impl From<EditError> for TurnError {
    fn from(error: EditError) -> TurnError {
        TurnError::Index(error)
    }
}

impl From<ApplyError> for TurnError {
    fn from(error: ApplyError) -> TurnError {
        TurnError::Replay(error)
    }
}

impl TurnError {
    /// Whether the journal or the live index is as large as it may get.
    pub fn is_at_bound(self) -> bool {
        matches!(self, TurnError::Append(AppendError::Full) | TurnError::Index(EditError::Full))
    }

    /// What a system call would say.
    pub fn errno(self) -> Errno {
        match self {
            TurnError::TooLong | TurnError::Append(AppendError::Full) => Errno::NOSPC,
            TurnError::Append(AppendError::Refused(errno))
            | TurnError::Index(EditError::Refused(errno)) => errno,
            TurnError::Index(EditError::Full) => Errno::NOSPC,
            _ => Errno::IO,
        }
    }
}

impl<'a> Turn<'a> {
    /// Under the lock. `None`: the index in force is over another segment.
    pub fn begin(control: &'a Control, writer: &'a Writer, index_bound: usize) -> Option<Turn<'a>> {
        let segment = control.segment();
        (writer.journal.id() == segment.id).then_some(Turn {
            control,
            writer,
            segment,
            index_bound,
        })
    }

    /// Does the rest of what others had begun, before anything else is done. An index whose header is not what was written is
    /// not believed: what it says of numbers, times and drafts would get into the journal, and from there into every later one.
    pub fn settle(&mut self, held: Held) -> Result<(), TurnError> {
        let index = &self.tree().index;
        if !index.is_whole() || index.floor() > self.latest() {
            return Err(EditError::Damaged.into());
        }
        if held.owner_died || applied(self.tree()) != self.segment.committed {
            self.recover()?;
        }
        Ok(())
    }

    /// The tree, to be checked against and written.
    pub fn tree(&self) -> &'a Tree {
        &self.writer.tree
    }

    /// The number of the last record.
    pub fn head(&self) -> u64 {
        self.segment.last_seq()
    }

    /// Whether everything that happened is in the index too.
    pub fn is_applied(&self) -> bool {
        applied(self.tree()) == self.segment.committed
    }

    /// No stamp that was given is later, unless the clock was set back since. Then the index is built anew, once: what is built
    /// has no later floor than the control page.
    fn latest(&self) -> Timestamp {
        self.control.floor().max(Timestamp::coarse_now().in_a_second())
    }

    /// Makes sure that there is room for records of `bytes` together.
    pub fn reserve(&self, bytes: usize, need: Need) -> Result<(), TurnError> {
        self.writer.journal.reserve(self.segment.committed, bytes, need)?;
        let frees = need != Need::Ordinary;
        Ok(self.writer.tree.index.edit().reserve(bytes, frees, self.index_bound)?)
    }

    /// Appends, publishes and applies one record; its number and stamp.
    pub fn append(
        &mut self,
        process: u64,
        operation: Operation<'_>,
        need: Need,
    ) -> Result<(u64, Timestamp), TurnError> {
        let floor = self.tree().index.floor().max(self.control.floor());
        let time = Timestamp::coarse_now().max(floor);
        let record = Record { time, process, operation };
        let mut small = [0; 1024];
        match record.encode(&mut small) {
            Some(length) => self.append_encoded(&record, &small[..length], need),
            None => {
                let mut large = vec![0; PAYLOAD_MAX];
                let length = record.encode(&mut large).ok_or(TurnError::TooLong)?;
                self.append_encoded(&record, &large[..length], need)
            }
        }
    }

    fn append_encoded(
        &mut self,
        record: &Record<'_>,
        payload: &[u8],
        need: Need,
    ) -> Result<(u64, Timestamp), TurnError> {
        let seq = self.head() + 1;
        let at = self.segment.committed;
        // Whatever can fail comes before the record: once it is published, it has happened.
        self.writer.journal.reserve(at, payload.len(), need)?;
        if record.operation.is_of_nodes() {
            let frees = need != Need::Ordinary;
            self.writer.tree.index.edit().reserve(payload.len(), frees, self.index_bound)?;
        }
        let after = self.writer.journal.write(at, seq, payload).ok_or(EditError::Damaged)?;
        self.control.commit(after);
        self.segment.committed = after;
        // It has happened, whatever comes now: see [`Turn::is_applied`] for what cannot be applied.
        let _ = self.apply(seq, record, after);
        Ok((seq, record.time))
    }

    fn apply(&self, seq: u64, record: &Record<'_>, after: Position) -> Result<(), TurnError> {
        self.writer.tree.apply(seq, record)?;
        self.writer.tree.index.edit().set(H_APPLIED, after.to_word())?;
        Ok(())
    }

    /// Finishes what a dead owner left: records that happened but were not applied are applied, and what it may have
    /// written behind them is cleared.
    fn recover(&mut self) -> Result<(), TurnError> {
        let committed = self.segment.committed;
        self.writer.journal.clear_tail(committed);
        let from = applied(&self.writer.tree);
        let bytes = self.writer.journal.read(from, committed);
        let first = self.segment.first_seq + u64::from(from.records);
        let records = Records::from(&bytes, self.segment.id, first, 0);
        let mut position = from;
        for placed in records {
            let end = from.offset() + placed.end as u64;
            position = position.after(end).unwrap_or(committed);
            self.apply(placed.seq, &placed.record, position)?;
        }
        if position == committed {
            return Ok(());
        }
        Err(TurnError::Unreadable {
            offset: position.offset(),
            seq: self.segment.first_seq + u64::from(position.records),
        })
    }
}
