//! Changing the tree.

use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::{Session, SessionError, Who};
use crate::image::Damaged;
use crate::index::edit::EditError;
use crate::journal::Operation;
use crate::journal::append::{AppendError, Need};
use crate::shm::Held;
use crate::time::Timestamp;
use crate::tree::{Change, Tree};
use crate::workspace::attach::Writer;
use crate::workspace::segments::path_of_segment;
use crate::workspace::turn::{Turn, TurnError};
use crate::workspace::{Author, Done};

/// How a turn ended that did not do its work.
pub(super) enum Failure {
    /// The caller is told.
    Refused(SessionError),
    /// Something must be put right before.
    Trouble(TurnError),
}

impl<E: Into<SessionError>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Refused(error.into())
    }
}

impl From<TurnError> for Failure {
    fn from(error: TurnError) -> Failure {
        Failure::Trouble(error)
    }
}

impl Session {
    /// Makes one change. When this returns, every process sees it, and it survives `kill -9`.
    pub fn change(&self, who: &Who<'_>, change: &Change<'_>) -> Result<Done, SessionError> {
        match change {
            Change::SetMode { mode, .. } if mode & 0o6000 != 0 => self.set_mode(who, change),
            _ => self.change_if(who, change, &mut |_, _| Ok(true)),
        }
    }

    /// As [`Session::change`], if `is_wanted` says so of what it comes to, under the lock; else as if there were nothing to
    /// change.
    pub(super) fn change_if(
        &self,
        who: &Who<'_>,
        change: &Change<'_>,
        is_wanted: &mut dyn FnMut(&Tree, &Operation<'_>) -> Result<bool, Damaged>,
    ) -> Result<Done, SessionError> {
        let author = who.before();
        let mut block = Vec::new();
        let (done, nameless) = self.turn(|turn| {
            let tree = turn.tree();
            let nothing = Done { seq: 0, time: Timestamp::default(), node: 0 };
            let Some(operation) = tree.check(change, &mut block)? else {
                return Ok((nothing, None));
            };
            if !is_wanted(tree, &operation)? {
                return Ok((nothing, None));
            }
            let nameless = self.made_nameless(tree, &operation)?;
            let node = match operation {
                Operation::Create { node, .. } => node,
                _ => 0,
            };
            let need = if change.frees() { Need::Frees } else { Need::Ordinary };
            let process = match turn.register(who, author.as_ref()) {
                // On a full disk it is better to remove something for nobody than not at all.
                Err(TurnError::Append(AppendError::Refused(_))) if need == Need::Frees => 0,
                other => other?,
            };
            let (seq, time) = turn.append(process, operation, need)?;
            Ok((Done { seq, time, node }, nameless))
        })?;
        if let Some((node, draft)) = nameless {
            // Whoever has it open goes on with it, as with any file that has no name.
            self.drop_draft(node, draft);
        }
        Ok(done)
    }

    /// Runs `work` under the lock, with everything that happened applied.
    pub(super) fn turn<T>(
        &self,
        work: impl FnOnce(&mut Turn<'_>) -> Result<T, Failure>,
    ) -> Result<T, SessionError> {
        match self.control.with_lock(|held| self.with_lock_held(held, work))? {
            Ok((value, None)) => Ok(value),
            // What has happened and could not be applied is in the journal: the index is built again from it.
            Ok((value, Some(trouble))) => {
                let _ = self.mend(trouble);
                Ok(value)
            }
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Trouble(trouble)) => Err(self.mend(trouble)),
        }
    }

    fn with_lock_held<T>(
        &self,
        held: Held,
        work: impl FnOnce(&mut Turn<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Option<TurnError>), Failure> {
        if !self.is_in_force() {
            return Err(SessionError::Retired.into());
        }
        let writer = match self.writer.get() {
            Some(writer) => writer,
            None => self.open_writer()?,
        };
        let bound = self.bounds.index / 8;
        let Some(mut turn) = Turn::begin(&self.control, writer, bound) else {
            return Err(SessionError::Retired.into());
        };
        turn.settle(held)?;
        let done = work(&mut turn)?;
        let trouble = (!turn.is_applied()).then_some(TurnError::Index(EditError::Gone));
        Ok((done, trouble))
    }

    /// Maps index and journal for writing. Under the lock.
    #[cold]
    fn open_writer(&self) -> Result<&Writer, Failure> {
        let segment = self.control.segment();
        let store = &self.handover.store;
        let (index, journal) = (self.index_path(), path_of_segment(store, segment.id));
        let bound = self.bounds.journal;
        let opened = Writer::open(&self.tree, &index, &self.users, &journal, &segment, bound);
        match opened.map_err(|(_, error)| SessionError::from(error))? {
            Some(writer) => Ok(self.writer.set(writer)),
            // Replaced or removed: as an index that cannot grow because its file is gone.
            None => Err(TurnError::Index(EditError::Gone).into()),
        }
    }
}

/// In place of a process's number: the store itself does it, for nobody.
pub(crate) const NOBODY: u64 = u64::MAX;

impl Who<'_> {
    /// What to journal before the first change of a process. Asked for before the lock is taken.
    pub(super) fn before(&self) -> Option<Author> {
        (self.process.load(Ordering::Relaxed) == 0).then(|| (self.author)())
    }
}

impl Turn<'_> {
    /// The number of the record that describes the process; it is made if there is none.
    pub(super) fn register(
        &mut self,
        who: &Who<'_>,
        author: Option<&Author>,
    ) -> Result<u64, TurnError> {
        let known = who.process.load(Ordering::Relaxed);
        if known == NOBODY {
            return Ok(0);
        }
        let Some(author) = author.filter(|_| known == 0) else { return Ok(known) };
        let (number, _) = self.append(0, author.operation(), Need::Ordinary)?;
        who.process.store(number, Ordering::Relaxed);
        Ok(number)
    }
}

/// Tries `work` again as long as what it looked at was gone when it came to use it.
pub(super) fn until_settled<T>(
    mut work: impl FnMut() -> Result<Option<T>, SessionError>,
) -> Result<T, SessionError> {
    // Others would have to interfere that often in a row, or to be waited for as long as anybody is.
    for _ in 0..100_000 {
        if let Some(done) = work()? {
            return Ok(done);
        }
    }
    Err(Errno::IO.into())
}
