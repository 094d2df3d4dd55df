//! Whether a blob that is already there may stand for content that is being put.
//!
//! A power cut leaves files that have their name and not their bytes: zero length, or the right length and
//! zeros. Who took such a file for the content he was about to store would lose that content for good. So an
//! existing blob counts only if it has the right size, and
//!
//! - was written since the machine was booted (its stamp bears this boot's number): then no cut can have torn
//!   it, and the page cache or the disk has all of it; or
//! - was on the disk when its boot was last synced (see `mark.rs`); or
//! - is read and hashed now, and is right.
//!
//! Otherwise it is replaced.

use std::sync::atomic::Ordering;

use rustix::fs::{Advice, AtFlags, fadvise, utimensat};
use rustix::io::Errno;

use super::staging::Session;
use super::{Store, Writer};
use crate::Digest;
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::layout::BlobName;
use crate::stamp::{Stamp, TICKS_PER_SECOND};

/// A blob that is used again after this time is stamped anew, so that gc does not count from its first use.
/// Stamping at each use would cost as much as a small put.
const STAMP_LASTS: u32 = 600 * TICKS_PER_SECOND;

impl Writer {
    /// Whether a file with these facts needs no reading to be believed.
    pub(super) fn trusts(&self, session: &Session, facts: &Facts) -> bool {
        facts.stamp.is_some_and(|stamp| {
            stamp.boot == self.boot.load(Ordering::Relaxed)
                || (session.exact && self.marks.cover(stamp, facts.ctime))
        })
    }

    /// Whether gc might think, by its stamp, that a blob in use now has not been used for long: because of
    /// its age, or because it is older than an activity that counts on it.
    fn is_stale(&self, stamp: Option<Stamp>) -> bool {
        let Some(stamp) = stamp else { return true };
        let now = self.stamp();
        stamp.boot != now.boot
            || now.tick.saturating_sub(stamp.tick) >= STAMP_LASTS
            || pack(stamp) < self.floor.load(Ordering::Acquire)
    }
}

/// A stamp as one number, in the order of time.
pub(super) fn pack(stamp: Stamp) -> u64 {
    u64::from(stamp.boot) << 32 | u64::from(stamp.tick)
}

impl Store {
    /// Whether the blob is there, of this size, and whole: then the content need not be written. True also
    /// means that gc leaves the blob alone for a grace from now.
    pub(super) fn holds(
        &self,
        writer: &Writer,
        digest: &Digest,
        size: u64,
    ) -> Result<bool, StoreError> {
        let name = BlobName::of(digest);
        let facts = match Facts::at(&self.blobs, name.path()) {
            Err(Errno::NOENT) => return Ok(false),
            other => other.at("examine", self.blob_path(digest))?,
        };
        if !facts.is_file() || facts.size != size {
            return Ok(false);
        }
        let trusted = writer.trusts(&*writer.sessions.current()?, &facts);
        if !trusted && !self.is_right(digest, size)? {
            return Ok(false);
        }
        if trusted && !writer.is_stale(facts.stamp) {
            return Ok(true);
        }
        // By name: if gc has moved the blob away meanwhile it is missing here, and is written anew.
        let times = writer.stamp().times();
        match utimensat(&self.blobs, name.path(), &times, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) => Ok(true),
            // Not our file: write our own in its place.
            Err(Errno::NOENT | Errno::PERM) => Ok(false),
            Err(errno) => Err(StoreError::new("set the times of", self.blob_path(digest), errno)),
        }
    }

    /// Reads a blob that is not trusted. Unreadable is wrong: what replaces it is readable.
    fn is_right(&self, digest: &Digest, size: u64) -> Result<bool, StoreError> {
        let Ok(file) = self.open_in_place(digest) else { return Ok(false) };
        // What the page cache holds may never have reached the disk, if a write-back failed; ask the disk.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        match self.hash_file(&file) {
            Ok((found, length)) => Ok(found == *digest && length == size),
            Err(_) => Ok(false),
        }
    }
}
