//! What can go wrong in a store. A message names the action and the path; what to do about it is the
//! command's to say.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::Digest;

/// A store that could not do what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing is at the path.
    #[error("there is no store at '{}'", path.display())]
    Missing {
        /// Where a store was expected.
        path: PathBuf,
    },
    /// Something is at the path, and it is not a store.
    #[error("'{}' is not a store: {why}", path.display())]
    NotAStore {
        /// Where a store was expected.
        path: PathBuf,
        /// What is there instead.
        why: String,
    },
    /// The store was written by a later version of this program.
    #[error(
        "the store at '{}' has format {found}; this program knows formats up to {supported}",
        path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// The format it says it has.
        found: String,
        /// The newest format that this version understands.
        supported: u32,
    },
    /// A file of the store holds what no version would have written.
    #[error("'{}' is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The store does not hold this content.
    #[error("the store at '{}' does not hold {digest}", path.display())]
    NoBlob {
        /// The content that was asked for.
        digest: Digest,
        /// The store.
        path: PathBuf,
    },
    /// The store was opened for reading, and was asked to write.
    #[error("cannot {action} in the store at '{}': it was opened read-only", path.display())]
    OpenedReadOnly {
        /// What was asked.
        action: &'static str,
        /// The store.
        path: PathBuf,
    },
    /// Parts of the store lie on different file systems, so that nothing can be renamed between them.
    #[error("'{}' is on another file system than the rest of its store", path.display())]
    Split {
        /// The directory that is elsewhere.
        path: PathBuf,
    },
    /// Another process is collecting garbage in this store.
    #[error("another process is collecting garbage in the store at '{}'", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// No room: the disk, the quota or the file size limit is exhausted.
    #[error("could not {action} '{}': {source}", path.display())]
    Full {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file system is mounted read-only.
    #[error("could not {action} '{}': {source}", path.display())]
    ReadOnly {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The permissions do not allow it.
    #[error("could not {action} '{}': {source}", path.display())]
    Denied {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Any other failure of the operating system.
    #[error("could not {action} '{}': {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The content that was to be stored could not be read: the fault is the source's, not the store's.
    #[error("could not read the content to be stored: {0}")]
    Source(#[source] io::Error),
}

impl StoreError {
    /// The failure `source` of `action` on `path`, sorted by what the user can do about it.
    pub(crate) fn new(action: &'static str, path: impl Into<PathBuf>, source: Errno) -> StoreError {
        let path = path.into();
        let error = io::Error::from(source);
        match source {
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => {
                StoreError::Full { action, path, source: error }
            }
            Errno::ROFS => StoreError::ReadOnly { action, path, source: error },
            Errno::ACCESS | Errno::PERM => StoreError::Denied { action, path, source: error },
            _ => StoreError::Io { action, path, source: error },
        }
    }
}

/// Names the action and the path of a system call that failed.
pub(crate) trait At<T> {
    /// Turns an error number into a [`StoreError`].
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, StoreError>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, StoreError> {
        self.map_err(|errno| StoreError::new(action, path.as_ref(), errno))
    }
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: impl AsRef<Path>) -> Result<T, StoreError> {
        self.map_err(|error| match Errno::from_io_error(&error) {
            Some(errno) => StoreError::new(action, path.as_ref(), errno),
            None => StoreError::Io { action, path: path.as_ref().into(), source: error },
        })
    }
}
