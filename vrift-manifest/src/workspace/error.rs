//! What can go wrong with a workspace as a whole.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::image::{Damaged, OpenError};
use crate::index::edit::EditError;
use crate::journal::append::AppendError;
use crate::journal::segment::HeaderError;
use crate::shm::LockError;
use crate::tree::ChangeError;
use crate::tree::apply::ApplyError;

/// An operation on a workspace failed. Nothing acknowledged is lost by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// A file operation failed.
    #[error("cannot {action} '{}': {source}", path.display())]
    Io {
        /// What was tried.
        action: Action,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no workspace of this name.
    #[error("there is no workspace '{0}'")]
    NoSuchWorkspace(String),
    /// The name is taken.
    #[error("there is a workspace '{0}' already")]
    Exists(String),
    /// The name cannot be one.
    #[error(
        "'{0}' cannot name a workspace or snapshot: letters, digits, '.', '_' and '-', not beginning with '.' or '-'"
    )]
    BadName(String),
    /// There is no such snapshot.
    #[error("workspace '{workspace}' has no snapshot '{snapshot}'")]
    NoSuchSnapshot {
        /// The workspace.
        workspace: String,
        /// The name looked for.
        snapshot: String,
    },
    /// The snapshot's name is taken.
    #[error("workspace '{workspace}' has a snapshot '{snapshot}' already")]
    SnapshotExists {
        /// The workspace.
        workspace: String,
        /// The name.
        snapshot: String,
    },
    /// History does not reach there.
    #[error("workspace '{workspace}' has no state {seq}: its history goes from {first} to {last}")]
    NoSuchState {
        /// The workspace.
        workspace: String,
        /// The number asked for.
        seq: u64,
        /// The oldest state.
        first: u64,
        /// The present one.
        last: u64,
    },
    /// `workspace.toml` cannot be understood.
    #[error("'{}' is damaged: {reason}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// In which way.
        reason: String,
    },
    /// Made by a newer program.
    #[error("'{}' has format {format}, this program knows {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The newest format known here.
        known: u32,
    },
    /// An image cannot be opened.
    #[error("image '{}' cannot be used: {source}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// An image is not what its name says.
    #[error("image '{}' is damaged: its bytes have another digest", .0.display())]
    WrongDigest(PathBuf),
    /// A segment's header is bad.
    #[error("journal segment '{}' cannot be used: {source}", path.display())]
    SegmentHeader {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HeaderError,
    },
    /// Records that had happened cannot be read any more. The workspace is read-only until it is repaired.
    #[error("journal segment '{}' is damaged at offset {offset}: record {seq} of workspace '{workspace}' cannot be read", path.display())]
    Damaged {
        /// The workspace.
        workspace: String,
        /// The segment's file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// The first record that is lost.
        seq: u64,
    },
    /// A record contradicts the tree.
    #[error("the journal of workspace '{workspace}' contradicts its tree: {source}")]
    Replay {
        /// The workspace.
        workspace: String,
        /// How.
        source: ApplyError,
    },
    /// The tree's image lies.
    #[error("the image of the tree is damaged: {0}")]
    Tree(#[from] Damaged),
    /// A change was refused, as the kernel would.
    #[error("{0}")]
    Refused(Errno),
    /// The workspace is changed by somebody else at the same time.
    #[error("workspace '{0}' was changed while this was under way")]
    ChangedMeanwhile(String),
    /// The store is read-only.
    #[error("workspace '{0}' is read-only: its store cannot be written")]
    ReadOnly(String),
    /// The journal cannot take the record.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The live index cannot take the change.
    #[error(transparent)]
    Index(#[from] EditError),
    /// The lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] vrift_cas::StoreError),
    /// An image cannot be built.
    #[error("the image cannot be built: {0}")]
    Build(#[from] crate::image::BuildError),
}

impl WorkspaceError {
    /// Whether there was no room, or no permission to take it: the disk, the quota or a limit.
    pub fn is_no_room(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, OutOfMemory, QuotaExceeded, StorageFull};
        let full = |errno: &Errno| matches!(*errno, Errno::NOSPC | Errno::DQUOT | Errno::FBIG);
        match self {
            WorkspaceError::Io { source, .. } => {
                matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge | OutOfMemory)
            }
            WorkspaceError::Append(AppendError::Refused(errno))
            | WorkspaceError::Index(EditError::Refused(errno))
            | WorkspaceError::Replay {
                source: ApplyError::Index(EditError::Refused(errno)), ..
            } => full(errno),
            WorkspaceError::Store(error) => matches!(error, vrift_cas::StoreError::Full { .. }),
            _ => false,
        }
    }

    /// Whether the journal or the live index is as large as it may get.
    pub(super) fn is_at_bound(&self) -> bool {
        matches!(
            self,
            WorkspaceError::Append(AppendError::Full) | WorkspaceError::Index(EditError::Full)
        )
    }
}

impl From<ChangeError> for WorkspaceError {
    fn from(error: ChangeError) -> WorkspaceError {
        match error {
            ChangeError::Errno(errno) => WorkspaceError::Refused(errno),
            ChangeError::Damaged(damaged) => WorkspaceError::Tree(damaged),
        }
    }
}

/// What was tried with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Reading or opening it.
    Read,
    /// Creating it.
    Create,
    /// Writing it.
    Write,
    /// Removing it.
    Remove,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Action::Read => "read",
            Action::Create => "create",
            Action::Write => "write",
            Action::Remove => "remove",
        })
    }
}

impl Action {
    /// Says of a failed file operation what it was and with which path.
    pub fn of<E: Into<io::Error>>(self, path: &Path) -> impl FnOnce(E) -> WorkspaceError {
        move |source| WorkspaceError::Io {
            action: self,
            path: path.to_owned(),
            source: source.into(),
        }
    }
}
