//! Locks between processes, held for a piece of work.

use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::{Errno, retry_on_intr};

use crate::error::{At, StoreError};

/// A `flock`, through a descriptor of its own: threads that share one would not exclude each other.
pub(super) struct Lock(OwnedFd);

impl Lock {
    /// Waits until nobody else has the file or directory `path` locked.
    pub(super) fn wait(path: &Path) -> Result<Lock, StoreError> {
        let file = open_to_lock(path)?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)).at("lock", path)?;
        Ok(Lock(file))
    }

    /// Locks `path` unless somebody else has.
    pub(super) fn attempt(path: &Path) -> Result<Option<Lock>, StoreError> {
        let file = open_to_lock(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            other => other.at("lock", path).map(|()| Some(Lock(file))),
        }
    }
}

fn open_to_lock(path: &Path) -> Result<OwnedFd, StoreError> {
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).at("open", path)
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that another thread has forked, and that has not yet come to its
        // exec, has the descriptor, too.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
