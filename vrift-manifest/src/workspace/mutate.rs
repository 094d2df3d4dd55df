//! Changing the tree: lock, check, append, publish, apply, unlock.

use super::attach::{self, Attached, Writer, applied};
use super::build;
use super::control::{Control, OpenSegment};
use super::error::WorkspaceError;
use super::load::End;
use super::open::Workspace;
use super::place::Directory;
use super::segments::segment_path;
use crate::index::edit::EditError;
use crate::index::layout::H_APPLIED;
use crate::journal::append::Need;
use crate::journal::record::PAYLOAD_MAX;
use crate::journal::replay::Records;
use crate::journal::{Operation, Position, Record};
use crate::shm::Held;
use crate::time::Timestamp;
use crate::tree::{Change, Tree};

/// Who changes the tree: journalled once, before the first change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Author {
    /// The record of the process that started it, or 0.
    pub parent: u64,
    /// Its process number.
    pub pid: u32,
    /// The program's path.
    pub program: Vec<u8>,
    /// Its arguments, each followed by a NUL.
    pub arguments: Vec<u8>,
    /// Its working directory.
    pub directory: Vec<u8>,
}

impl Author {
    /// What is too long for a record is cut: a command line of megabytes is no history.
    fn cut(text: &[u8], most: usize) -> &[u8] {
        &text[..text.len().min(most)]
    }

    pub(super) fn operation(&self) -> Operation<'_> {
        Operation::Process {
            parent: self.parent,
            pid: self.pid,
            program: Self::cut(&self.program, 4096),
            arguments: Self::cut(&self.arguments, 32 << 10),
            directory: Self::cut(&self.directory, 4096),
        }
    }
}

/// A change that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Its record; 0 if there was nothing to change.
    pub seq: u64,
    /// Its stamp.
    pub time: Timestamp,
    /// The node that a create made, else 0.
    pub node: u64,
}

/// How often room is made for one change before it fails.
const TRIES: usize = 16;

/// Outcome of one try under the lock.
pub(super) enum Try<T> {
    /// Done.
    Done(T),
    /// The index is not in force any more.
    Retired,
    /// What the journal says cannot be read to its end.
    Unreadable(WorkspaceError),
}

/// What is known under the lock.
pub(super) struct Locked<'a> {
    pub place: &'a Directory,
    pub control: &'a Control,
    pub writer: &'a Writer,
    pub segment: OpenSegment,
}

impl Workspace {
    /// Says who changes the tree through this handle from now on.
    pub fn set_author(&mut self, author: Author) {
        self.author = Some(author);
        self.process = 0;
    }

    /// The record number of this handle's author, once it changed something.
    pub fn process(&self) -> u64 {
        self.process
    }

    /// Changes the tree. When this returns, every process sees it, and it survives `kill -9`; a power cut only after
    /// [`Workspace::sync`]. Where the journal or the index has reached its bound, it is folded into an image first.
    pub fn change(&mut self, change: &Change<'_>) -> Result<Done, WorkspaceError> {
        // Others may fill again what was made free.
        for _ in 0..TRIES {
            let full = match self.change_once(change) {
                Err(error) if error.is_at_bound() => error,
                other => return other,
            };
            match self.attached.writer.as_ref().map(|writer| writer.journal.id()) {
                Some(segment) => self.make_room(segment)?,
                None => return Err(full),
            }
        }
        self.change_once(change)
    }

    fn change_once(&mut self, change: &Change<'_>) -> Result<Done, WorkspaceError> {
        let author = self.author.take();
        let process = self.process;
        let result = self.locked(|locked| {
            let mut block = Vec::new();
            let writer = locked.writer;
            let Some(operation) = writer.tree.check(change, &mut block)? else {
                let time = Timestamp::default();
                return Ok((Done { seq: 0, time, node: 0 }, process));
            };
            let mut process = process;
            if let Some(author) = &author
                && process == 0
            {
                process = locked.append(0, author.operation(), Need::Ordinary)?.0;
            }
            let node = match operation {
                Operation::Create { node, .. } => node,
                _ => 0,
            };
            let need = if change.frees() { Need::Frees } else { Need::Ordinary };
            let (seq, time) = locked.append(process, operation, need)?;
            Ok((Done { seq, time, node }, process))
        });
        self.author = author;
        let (done, process) = result?;
        self.process = process;
        Ok(done)
    }

    /// Runs `work` under the lock, attached to the index in force, with everything that happened applied.
    pub(super) fn locked<T>(
        &mut self,
        mut work: impl FnMut(&mut Locked<'_>) -> Result<T, WorkspaceError>,
    ) -> Result<T, WorkspaceError> {
        if !self.place.writable() {
            return Err(WorkspaceError::ReadOnly(self.place.name.clone()));
        }
        loop {
            if let Some(damage) = &self.attached.damage {
                return Err(self.place.damaged(damage));
            }
            if self.attached.is_private() {
                self.attached = attach::shared(&self.place, &self.control)?;
            }
            let (place, control, attached) = (&self.place, &self.control, &mut self.attached);
            let tried = control
                .with_lock(|held| with_lock_held(place, control, attached, held, &mut work))?;
            match tried? {
                Try::Done(value) => return Ok(value),
                Try::Retired => self.attached = attach::attach(&self.place, &self.control)?,
                Try::Unreadable(error) => {
                    self.attached = attach::attach(&self.place, &self.control)?;
                    return Err(error);
                }
            }
        }
    }

    /// Finishes what a dead owner of the lock left half done, so that nobody looks at half a change.
    pub(super) fn settle(&mut self) -> Result<(), WorkspaceError> {
        let can = self.place.writable() && !self.attached.is_private();
        if can && self.control.owner_died() { self.locked(|_| Ok(())) } else { Ok(()) }
    }
}

fn with_lock_held<T>(
    place: &Directory,
    control: &Control,
    attached: &mut Attached,
    held: Held,
    work: &mut impl FnMut(&mut Locked<'_>) -> Result<T, WorkspaceError>,
) -> Result<Try<T>, WorkspaceError> {
    if control.epoch() != attached.epoch {
        return Ok(Try::Retired);
    }
    let Some(writer) = attached.writer(place, control)? else {
        return rebuilt(build::build(place, control, End::Committed(control.segment().committed)));
    };
    let mut locked = Locked { place, control, writer, segment: control.segment() };
    if writer.journal.id() != locked.segment.id {
        return Ok(Try::Retired);
    }
    let left_over = held.owner_died || applied(&writer.tree) != locked.segment.committed;
    // The index is a cache: on doubt it is built again.
    if left_over && locked.recover().is_err() {
        return rebuilt(build::build(place, control, End::Committed(locked.segment.committed)));
    }
    match work(&mut locked) {
        Err(WorkspaceError::Index(EditError::Gone)) => {
            rebuilt(build::build(place, control, End::Committed(control.segment().committed)))
        }
        Err(WorkspaceError::Index(EditError::Refused(errno))) if is_full(errno) => {
            match build::build_elsewhere(place, control) {
                Ok(()) => Ok(Try::Retired),
                Err(_) => Err(WorkspaceError::Index(EditError::Refused(errno))),
            }
        }
        Ok(value) => {
            // What has happened and could not be applied is in the journal.
            if applied(&writer.tree) != locked.segment.committed {
                let _ = build::build(place, control, End::Committed(locked.segment.committed));
            }
            Ok(Try::Done(value))
        }
        Err(error) => Err(error),
    }
}

fn rebuilt<T>(result: Result<(), WorkspaceError>) -> Result<Try<T>, WorkspaceError> {
    match result {
        Ok(()) => Ok(Try::Retired),
        Err(error @ WorkspaceError::Damaged { .. }) => Ok(Try::Unreadable(error)),
        Err(error) => Err(error),
    }
}

fn is_full(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    matches!(errno, Errno::NOSPC | Errno::DQUOT | Errno::FBIG)
}

impl Locked<'_> {
    /// The tree, to be checked against and written.
    pub fn tree(&self) -> &Tree {
        &self.writer.tree
    }

    /// The number of the last record.
    pub fn head(&self) -> u64 {
        self.segment.last_seq()
    }

    /// Appends, publishes and applies one record; its number and stamp.
    pub fn append(
        &mut self,
        process: u64,
        operation: Operation<'_>,
        need: Need,
    ) -> Result<(u64, Timestamp), WorkspaceError> {
        let time = Timestamp::coarse_now().max(self.tree().index.floor());
        let record = Record { time, process, operation };
        let mut small = [0; 1024];
        let mut large = Vec::new();
        let payload = match record.encode(&mut small) {
            Some(length) => &small[..length],
            None => {
                large.resize(PAYLOAD_MAX, 0);
                let too_long = WorkspaceError::Refused(rustix::io::Errno::NOSPC);
                let length = record.encode(&mut large).ok_or(too_long)?;
                &large[..length]
            }
        };
        let seq = self.head() + 1;
        let at = self.segment.committed;
        // Whatever can fail comes before the record: once it is published, it has happened.
        self.writer.journal.reserve(at, payload.len(), need)?;
        if record.operation.is_of_nodes() {
            let (frees, bound) = (need != Need::Ordinary, self.place.bounds.index / 8);
            self.writer.tree.index.edit().reserve(payload.len(), frees, bound)?;
        }
        let damaged = WorkspaceError::Index(EditError::Damaged);
        let after = self.writer.journal.write(at, seq, payload).ok_or(damaged)?;
        self.control.commit(after);
        self.segment.committed = after;
        // It has happened, whatever comes now: see `with_lock_held` for what cannot be applied.
        let _ = self.apply(seq, &record, after);
        Ok((seq, time))
    }

    fn apply(&self, seq: u64, record: &Record<'_>, after: Position) -> Result<(), WorkspaceError> {
        let contradiction =
            |source| WorkspaceError::Replay { workspace: self.place.name.clone(), source };
        self.writer.tree.apply(seq, record).map_err(contradiction)?;
        self.writer.tree.index.edit().set(H_APPLIED, after.to_word())?;
        Ok(())
    }

    /// Finishes what a dead owner left: records that happened but were not applied are applied, and what it may have
    /// written behind them is cleared.
    fn recover(&mut self) -> Result<(), WorkspaceError> {
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
        Err(WorkspaceError::Damaged {
            workspace: self.place.name.clone(),
            path: segment_path(&self.place.store, self.segment.id),
            offset: position.offset(),
            seq: self.segment.first_seq + u64::from(position.records),
        })
    }
}
