//! Activities: long work whose blobs are not yet named by anything that gc can see.
//!
//! Each is a file in `active/`, locked by the process at work and stamped with the time when it began. gc
//! leaves alone what is younger than the oldest activity whose file is locked. The lock vanishes with the
//! process, and the file is then removed by the next gc.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, futimens, openat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::blobs::list;
use super::staging::{give, random_name};
use super::trust::pack;
use super::{Store, Writer};
use crate::error::{At, StoreError};
use crate::facts::{Clock, Facts};
use crate::stamp::Stamp;

/// Work in progress: while it lives, gc takes nothing that was put, or found to be there by a put, since
/// [`Store::begin`]. End it by dropping it, after the names of what was put are recorded where gc's roots are
/// read from.
#[derive(Debug)]
#[must_use = "the activity ends when this is dropped"]
pub struct Activity<'a> {
    active: &'a OwnedFd,
    name: String,
    /// Holds the lock.
    _file: OwnedFd,
}

impl Store {
    /// Begins work that puts many blobs before it records their names.
    pub fn begin(&self) -> Result<Activity<'_>, StoreError> {
        let writer = self.writer("begin work")?;
        let directory = self.root.join(crate::layout::ACTIVE);
        loop {
            let name = random_name().at("find a name in", &directory)?;
            let path = directory.join(&name);
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
            let file =
                match openat(&writer.active, name.as_str(), flags, Mode::from_raw_mode(0o600)) {
                    Err(Errno::EXIST) => continue,
                    other => other.at("create", &path)?,
                };
            give(&file, writer.sessions.owner()).at("change the owner of", &path)?;
            retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)).at("lock", &path)?;
            // A gc that came between the two took the file for that of a dead process.
            if Facts::of(&file).at("examine", &path)?.links == 0 {
                continue;
            }
            let begun = writer.stamp();
            writer.floor.fetch_max(pack(begun), Ordering::Release);
            futimens(&file, &begun.times()).at("set the times of", &path)?;
            return Ok(Activity { active: &writer.active, name, _file: file });
        }
    }
}

impl Store {
    /// When the oldest living activity began, on the clock of file times; none if there is none. For whoever collects
    /// other files of the store beside [`Store::gc`]: what was changed since then may be counted on.
    pub fn oldest_activity(&self) -> Result<Option<SystemTime>, StoreError> {
        let writer = self.writer("look for work in progress")?;
        Ok(match writer.oldest_activity(self, false)? {
            Oldest::None => None,
            Oldest::Unknown => Some(SystemTime::UNIX_EPOCH),
            Oldest::Since(_, clock) => Some(clock.into()),
        })
    }
}

impl Drop for Activity<'_> {
    fn drop(&mut self) {
        let _ = unlinkat(self.active, self.name.as_str(), AtFlags::empty());
    }
}

/// When the oldest living activity began.
#[derive(Clone, Copy, Debug)]
pub(super) enum Oldest {
    /// There is none.
    None,
    /// There is one that has not yet said when it began: it may count on everything.
    Unknown,
    /// The earliest stamp, and the earliest time on the clock that also ctimes are from.
    Since(Stamp, Clock),
}

impl Oldest {
    /// Whether the activity may count on a file. Two clocks must agree that it does not: the uptime cannot be
    /// set back, the wall clock is not confused by a failed sync that counted the boot on.
    pub(super) fn protects(self, facts: &Facts) -> bool {
        match self {
            Oldest::None => false,
            Oldest::Unknown => true,
            Oldest::Since(begun, clock) => {
                facts.ctime >= clock || facts.stamp.is_some_and(|stamp| stamp >= begun)
            }
        }
    }
}

impl Writer {
    /// Finds the oldest living activity. With `clear`, files of dead ones are removed.
    pub(super) fn oldest_activity(&self, store: &Store, clear: bool) -> Result<Oldest, StoreError> {
        let directory = store.root.join(crate::layout::ACTIVE);
        let mut oldest = Oldest::None;
        for name in list(&self.active).at("list", &directory)? {
            let path = directory.join(String::from_utf8_lossy(&name).as_ref());
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let file = match openat(&self.active, name.as_slice(), flags, Mode::empty()) {
                Err(Errno::NOENT) => continue,
                other => other.at("open", &path)?,
            };
            match flock(&file, FlockOperation::NonBlockingLockShared) {
                Ok(()) => {
                    if clear {
                        let _ = unlinkat(&self.active, name.as_slice(), AtFlags::empty());
                    }
                }
                Err(Errno::WOULDBLOCK) => {
                    let facts = Facts::of(&file).at("examine", &path)?;
                    oldest = match (oldest, facts.stamp) {
                        (Oldest::Unknown, _) | (_, None) => Oldest::Unknown,
                        (Oldest::None, Some(stamp)) => Oldest::Since(stamp, facts.ctime),
                        (Oldest::Since(begun, clock), Some(stamp)) => {
                            Oldest::Since(begun.min(stamp), clock.min(facts.ctime))
                        }
                    };
                }
                Err(errno) => return Err(StoreError::new("lock", path, errno)),
            }
        }
        Ok(oldest)
    }
}
