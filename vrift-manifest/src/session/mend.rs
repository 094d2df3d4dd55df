//! What is out of the ordinary: a whole workspace is opened for a moment, and does it.

use std::sync::{Arc, OnceLock};

use rustix::io::Errno;
use vrift_cas::Store;

use super::{Session, SessionError};
use crate::handover::Handover;
use crate::index::edit::EditError;
use crate::workspace::turn::TurnError;
use crate::workspace::{Home, Workspace, WorkspaceError};

/// What work of the standard library is run in: in a process whose calls come back to the caller of the session, it has
/// to be told from the process's own.
pub type Around = fn(&mut dyn FnMut());

static AROUND: OnceLock<Around> = OnceLock::new();

/// Says how work of the standard library is to be run in this process.
pub fn run_inside(around: Around) {
    // Only the first one counts, as there is only one process.
    let _ = AROUND.set(around);
}

fn inside<T>(work: impl FnOnce() -> T) -> Option<T> {
    let (mut work, mut result) = (Some(work), None);
    let mut run = || result = work.take().map(|work| work());
    match AROUND.get() {
        Some(around) => around(&mut run),
        None => run(),
    }
    result
}

/// Opens the workspace and closes it again: that builds a live index where there is none, and finishes what the dead
/// have left.
#[cold]
pub fn open(handover: &Handover) -> Result<(), SessionError> {
    with_workspace(handover, |workspace| match workspace.damage() {
        Some(damage) => Err(damage),
        None => Ok(()),
    })
}

/// Runs `work` with the workspace, open.
pub fn with_workspace<T>(
    handover: &Handover,
    work: impl FnOnce(&mut Workspace) -> Result<T, WorkspaceError>,
) -> Result<T, SessionError> {
    inside(|| with_open_workspace(handover, work)).unwrap_or(Err(Errno::IO.into()))
}

fn with_open_workspace<T>(
    handover: &Handover,
    work: impl FnOnce(&mut Workspace) -> Result<T, WorkspaceError>,
) -> Result<T, SessionError> {
    let store = Arc::new(Store::open(&handover.store)?);
    let home = Home::at(store, handover.runtime.clone());
    let mut workspace = Workspace::open(&home, &handover.workspace)?;
    // Another workspace may have been given the name of one that was dropped.
    if workspace.config()?.id != handover.id {
        return Err(Errno::NOENT.into());
    }
    Ok(work(&mut workspace)?)
}

impl Session {
    /// Does what is needed so that what a turn could not do can be done, and says that the session is over. If nothing
    /// can be done about it, that is the error.
    #[cold]
    pub(super) fn mend(&self, trouble: TurnError) -> SessionError {
        let handover = &self.handover;
        let mended = with_workspace(handover, |workspace| {
            if trouble.is_at_bound() {
                return match self.writer.get() {
                    Some(writer) => workspace.make_room(writer.journal.id()),
                    None => Ok(()),
                };
            }
            // Tells the workspace once, so that it does there what it does for changes of its own.
            let mut trouble = match trouble {
                TurnError::Index(error @ (EditError::Gone | EditError::Refused(_))) => Some(error),
                TurnError::Index(_) | TurnError::Replay(_) | TurnError::Unreadable { .. } => {
                    Some(EditError::Gone)
                }
                TurnError::TooLong | TurnError::Append(_) => None,
            };
            workspace.locked(|_| trouble.take().map_or(Ok(()), |error| Err(error.into())))
        });
        match mended {
            Ok(()) if self.is_in_force() => trouble.errno().into(),
            Ok(()) => SessionError::Retired,
            Err(error) => error,
        }
    }
}
