//! Changing the tree: lock, check, append, publish, apply, unlock.

use std::ops::Deref;

use super::attach::{self, Attached};
use super::build;
use super::control::Control;
use super::error::WorkspaceError;
use super::load::End;
use super::open::Workspace;
use super::place::Directory;
use super::turn::{Turn, TurnError};
use crate::index::edit::EditError;
use crate::journal::Operation;
use crate::journal::append::{AppendError, Need};
use crate::shm::Held;
use crate::time::Timestamp;
use crate::tree::Change;

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

    pub(crate) fn operation(&self) -> Operation<'_> {
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

/// A turn under the lock of an open workspace.
pub(crate) struct Locked<'a> {
    pub place: &'a Directory,
    turn: Turn<'a>,
}

impl<'a> Deref for Locked<'a> {
    type Target = Turn<'a>;

    fn deref(&self) -> &Turn<'a> {
        &self.turn
    }
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
            let Some(operation) = locked.tree().check(change, &mut block)? else {
                let time = Timestamp::default();
                return Ok((Done { seq: 0, time, node: 0 }, process));
            };
            let mut process = process;
            if let Some(author) = &author
                && process == 0
            {
                process = match locked.append(0, author.operation(), Need::Ordinary) {
                    // On a full disk it is better to remove something for nobody than not at all.
                    Err(WorkspaceError::Append(AppendError::Refused(_))) if change.frees() => 0,
                    other => other?.0,
                };
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
    pub(crate) fn locked<T>(
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
    let Some(mut turn) = Turn::begin(control, writer, place.bounds.index / 8) else {
        return Ok(Try::Retired);
    };
    // The index is a cache: on doubt it is built again.
    if turn.settle(held).is_err() {
        return rebuilt(build::build(place, control, End::Committed(turn.segment.committed)));
    }
    let mut locked = Locked { place, turn };
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
            if !locked.is_applied() {
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
    /// Appends, publishes and applies one record; its number and stamp.
    pub fn append(
        &mut self,
        process: u64,
        operation: Operation<'_>,
        need: Need,
    ) -> Result<(u64, Timestamp), WorkspaceError> {
        self.turn.append(process, operation, need).map_err(|error| self.place.failed(error))
    }
}

impl Directory {
    /// The error of a turn, in the words of a workspace.
    fn failed(&self, error: TurnError) -> WorkspaceError {
        match error {
            TurnError::TooLong => WorkspaceError::Refused(rustix::io::Errno::NOSPC),
            TurnError::Append(error) => error.into(),
            TurnError::Index(error) => error.into(),
            TurnError::Replay(source) => {
                WorkspaceError::Replay { workspace: self.name.clone(), source }
            }
            TurnError::Unreadable { .. } => WorkspaceError::Index(EditError::Damaged),
        }
    }
}
