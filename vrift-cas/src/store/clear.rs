//! Removing what dead processes left in the staging area.

use std::path::Path;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;

use super::Store;
use super::blobs::list;
use super::staging::directory_flags;
use crate::error::{At, StoreError};
use crate::facts::{Clock, Facts};

/// How old a file must be that lies in `staging/` itself, where no lock tells whose it is.
const LOOSE_FILES_STAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What dead processes left in the staging area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// How many files.
    pub files: u64,
    /// The sum of their lengths.
    pub bytes: u64,
}

impl Store {
    /// Counts what dead processes left in the staging area. It does no harm but take room.
    pub fn stale_staging(&self) -> Result<Leftovers, StoreError> {
        self.leftovers(false)
    }

    /// Removes what dead processes left in the staging area. [`Store::gc`] does that, too.
    pub fn clear_staging(&self) -> Result<Leftovers, StoreError> {
        self.writer("clear the staging area")?;
        self.leftovers(true)
    }

    fn leftovers(&self, remove: bool) -> Result<Leftovers, StoreError> {
        let path = self.staging_dir();
        let staging =
            rustix::fs::open(&path, directory_flags(), Mode::empty()).at("open", &path)?;
        let mut found = Leftovers::default();
        let now = Clock::now();
        for name in list(&staging).at("list", &path)? {
            let path = path.join(String::from_utf8_lossy(&name).as_ref());
            let facts = match Facts::at(&staging, name.as_slice()) {
                Err(Errno::NOENT) => continue,
                other => other.at("examine", &path)?,
            };
            if facts.kind == FileType::Directory {
                found.session(&staging, &name, &path, remove)?;
            } else if facts.ctime.age_at(now).is_some_and(|age| age >= LOOSE_FILES_STAY) {
                found.file(&staging, &name, &path, remove)?;
            }
        }
        Ok(found)
    }
}

impl Leftovers {
    /// Takes the directory of a process, if that is dead.
    fn session(
        &mut self,
        staging: &OwnedFd,
        name: &[u8],
        path: &Path,
        remove: bool,
    ) -> Result<(), StoreError> {
        let flags = directory_flags() | OFlags::NOFOLLOW;
        let directory = match openat(staging, name, flags, Mode::empty()) {
            // Gone; or not ours to judge: made a moment ago under a strict umask, or another user's.
            Err(Errno::NOENT | Errno::ACCESS) => return Ok(()),
            other => other.at("open", path)?,
        };
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(()),
            other => other.at("lock", path)?,
        }
        let names = match list(&directory) {
            // It went before the lock was had: its owner, or another one who clears up, was faster.
            Err(Errno::NOENT) => return Ok(()),
            other => other.at("list", path)?,
        };
        for name in names {
            let path = path.join(String::from_utf8_lossy(&name).as_ref());
            match Facts::at(&directory, name.as_slice()) {
                Ok(facts) if facts.kind == FileType::Directory => {
                    if remove {
                        unlinkat(&directory, name.as_slice(), AtFlags::REMOVEDIR)
                            .at("remove", path)?;
                    }
                }
                _ => self.file(&directory, &name, &path, remove)?,
            }
        }
        // The lock is still held: who waits for it finds that his directory is gone, and makes another.
        if remove {
            match unlinkat(staging, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOENT) => {}
                other => other.at("remove", path)?,
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        directory: &OwnedFd,
        name: &[u8],
        path: &Path,
        remove: bool,
    ) -> Result<(), StoreError> {
        let size = match Facts::at(directory, name) {
            Err(Errno::NOENT) => return Ok(()),
            other => other.at("examine", path)?.size,
        };
        if remove {
            unlinkat(directory, name, AtFlags::empty()).at("remove", path)?;
        }
        self.files += 1;
        self.bytes += size;
        Ok(())
    }
}
