//! What to do about errors of the libraries: their messages say what is wrong, this says what helps.

use rustix::io::Errno;
use vrift_cas::StoreError;
use vrift_manifest::image::{BuildError, Damaged, OpenError};
use vrift_manifest::index::edit::EditError;
use vrift_manifest::journal::append::AppendError;
use vrift_manifest::workspace::WorkspaceError;

use crate::error::Error;
use crate::home;

const REPAIR: &str = "`vrift fsck --repair` puts the damaged part aside and keeps what can be read";
const ROOM: &str = "make room on the disk, or set VRIFT_HOME to a place that has some";
const NEWER: &str = "it was made by a newer vrift: use that one";
const READ_ONLY: &str = "the store cannot be written: it can be looked at, not changed";
const FSCK: &str = "`vrift fsck` says what else is damaged";

impl From<WorkspaceError> for Error {
    fn from(error: WorkspaceError) -> Error {
        if let WorkspaceError::NoSuchWorkspace(name) = &error
            && let Some(similar) = home::similar(name)
        {
            let hint = format!("is it '{similar}'? `vrift list` shows what there is");
            return Error::failed("").caused_by(error).hint(hint);
        }
        let hint = match &error {
            WorkspaceError::Store(_) => {
                let WorkspaceError::Store(store) = error else { return Error::failed("") };
                return store.into();
            }
            WorkspaceError::NoSuchWorkspace(_) => Some("`vrift list` shows what there is"),
            WorkspaceError::NoSuchSnapshot { .. } | WorkspaceError::NoSuchState { .. } => {
                Some("`vrift log` shows states and snapshots")
            }
            WorkspaceError::Exists(_) => Some("choose another name, or `vrift drop` it first"),
            WorkspaceError::SnapshotExists { .. } => {
                Some("choose another name, or `vrift drop WORKSPACE@SNAPSHOT` first")
            }
            WorkspaceError::Damaged { .. } => Some(REPAIR),
            WorkspaceError::Newer { .. } => Some(NEWER),
            WorkspaceError::Image { source: OpenError::Newer { .. }, .. } => Some(NEWER),
            WorkspaceError::Image { .. }
            | WorkspaceError::WrongDigest(_)
            | WorkspaceError::SegmentHeader { .. }
            | WorkspaceError::Config { .. }
            | WorkspaceError::Replay { .. }
            | WorkspaceError::Tree(_) => Some(FSCK),
            WorkspaceError::ChangedMeanwhile(_) => Some("try again"),
            error if no_room(error) => Some(ROOM),
            WorkspaceError::ReadOnly(_) => Some(READ_ONLY),
            WorkspaceError::Append(AppendError::Full) => {
                Some("`vrift compact` folds the journal into an image")
            }
            _ => None,
        };
        hinted(Error::failed("").caused_by(error), hint)
    }
}

/// Whether the disk, the quota or the file size limit is exhausted.
fn no_room(error: &WorkspaceError) -> bool {
    let exhausted = |errno: Errno| matches!(errno, Errno::NOSPC | Errno::DQUOT | Errno::FBIG);
    match error {
        WorkspaceError::Refused(errno)
        | WorkspaceError::Append(AppendError::Refused(errno))
        | WorkspaceError::Index(EditError::Refused(errno)) => exhausted(*errno),
        WorkspaceError::Io { source, .. } | WorkspaceError::Build(BuildError::Write(source)) => {
            Errno::from_io_error(source).is_some_and(exhausted)
        }
        _ => false,
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        let hint = match &error {
            StoreError::NotAStore { .. } => {
                Some("set VRIFT_HOME to a store, or to a new directory")
            }
            StoreError::Newer { .. } => Some(NEWER),
            StoreError::NoBlob { .. } | StoreError::Damaged { .. } => Some(FSCK),
            StoreError::OpenedReadOnly { .. } | StoreError::ReadOnly { .. } => Some(READ_ONLY),
            StoreError::Denied { .. } => {
                Some("call it as the owner of the store, or set VRIFT_HOME to a directory of yours")
            }
            StoreError::Full { .. } => Some(ROOM),
            StoreError::Busy { .. } => Some("try again when it is done"),
            _ => None,
        };
        hinted(Error::failed("").caused_by(error), hint)
    }
}

impl From<Damaged> for Error {
    fn from(error: Damaged) -> Error {
        WorkspaceError::Tree(error).into()
    }
}

fn hinted(error: Error, hint: Option<&str>) -> Error {
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
