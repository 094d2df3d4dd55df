//! Why a session cannot do something.

use rustix::io::Errno;
use vrift_cas::StoreError;

use crate::image::Damaged;
use crate::index::edit::EditError;
use crate::journal::append::AppendError;
use crate::shm::LockError;
use crate::tree::ChangeError;
use crate::workspace::WorkspaceError;

/// What a system call would answer, or that the session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// As a system call fails.
    #[error("{0}")]
    Errno(#[from] Errno),
    /// The tree was replaced as a whole: attach anew and try again. Nothing was done.
    #[error("the workspace's tree was replaced")]
    Retired,
}

impl From<Damaged> for SessionError {
    fn from(_: Damaged) -> SessionError {
        SessionError::Errno(Errno::IO)
    }
}

impl From<ChangeError> for SessionError {
    fn from(error: ChangeError) -> SessionError {
        match error {
            ChangeError::Errno(errno) => errno.into(),
            ChangeError::Damaged(damaged) => damaged.into(),
        }
    }
}

impl From<LockError> for SessionError {
    fn from(error: LockError) -> SessionError {
        SessionError::Errno(match error {
            LockError::Recursive => Errno::DEADLK,
            LockError::ReadOnly => Errno::ROFS,
            LockError::TakeOver(errno) => errno,
        })
    }
}

impl From<std::io::Error> for SessionError {
    fn from(error: std::io::Error) -> SessionError {
        SessionError::Errno(errno_of(&error))
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> SessionError {
        SessionError::Errno(match error {
            StoreError::Full { .. } => Errno::NOSPC,
            StoreError::Missing { .. } => Errno::NOENT,
            StoreError::Denied { .. } => Errno::ACCESS,
            StoreError::ReadOnly { .. } | StoreError::OpenedReadOnly { .. } => Errno::ROFS,
            StoreError::Io { source, .. } => errno_of(&source),
            _ => Errno::IO,
        })
    }
}

impl From<WorkspaceError> for SessionError {
    fn from(error: WorkspaceError) -> SessionError {
        SessionError::Errno(match error {
            WorkspaceError::Refused(errno)
            | WorkspaceError::Append(AppendError::Refused(errno))
            | WorkspaceError::Index(EditError::Refused(errno)) => errno,
            WorkspaceError::Append(AppendError::Full) | WorkspaceError::Index(EditError::Full) => {
                Errno::NOSPC
            }
            WorkspaceError::NoSuchWorkspace(_) => Errno::NOENT,
            WorkspaceError::ReadOnly(_) => Errno::ROFS,
            WorkspaceError::Io { source, .. } => errno_of(&source),
            WorkspaceError::Lock(error) => return error.into(),
            WorkspaceError::Store(error) => return error.into(),
            _ => Errno::IO,
        })
    }
}

/// The kernel's number of an error, where it has one.
fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
