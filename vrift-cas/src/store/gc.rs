//! Collecting garbage: removing blobs that nothing names any more, beside processes that put and open.
//!
//! No lock keeps the others out. A blob goes in two steps with a grace before each:
//!
//! 1. What no root names, was neither put nor used by a put within the grace, and no living activity may count
//!    on, moves to `trash/`, whole. Then the roots are read again, and what they name by now comes back.
//!    Whoever opens a blob and misses it looks in the trash and brings it back.
//! 2. A later gc, after the grace, removes from the trash what still nothing names.
//!
//! A put that finds its content in the store stamps the blob if its stamp is not fresh. If gc chose
//! the blob before that, it sees the new stamp after the move, and moves it back; if the move came first, the
//! put finds nothing to stamp and writes the content anew.

use std::collections::HashSet;
use std::time::Duration;

use rustix::fs::{AtFlags, renameat, unlinkat};
use rustix::io::Errno;

use super::activity::Oldest;
use super::blobs::Names;
use super::clear::Leftovers;
use super::lock::Lock;
use super::verify::check_file;
use super::{Store, Writer, trash};
use crate::Digest;
use crate::error::{At, StoreError};
use crate::facts::{Clock, Facts};
use crate::layout::{BlobName, trash_name};
use crate::stamp::{Stamp, TICKS_PER_SECOND};

/// How to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcOptions {
    /// How long a blob that nothing names is left in its place, and then again in the trash. It must exceed the
    /// time between a put outside of any [`Activity`](crate::Activity) and the record of the digest; a put may
    /// rely on a stamp up to ten minutes old, so less than that is for stores that nobody else uses.
    pub grace: Duration,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for GcOptions {
    /// One day, and in earnest.
    fn default() -> GcOptions {
        GcOptions { grace: Duration::from_secs(24 * 60 * 60), dry_run: false }
    }
}

/// What a collection did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GcReport {
    /// Blobs that a root names.
    pub kept: u64,
    /// Blobs that no root names, left in place because of their age or of work in progress.
    pub young: u64,
    /// Blobs moved to the trash.
    pub moved: u64,
    /// The sum of their lengths. The disk has this room only when they are purged.
    pub moved_bytes: u64,
    /// Blobs brought back from the trash, because a root names them.
    pub restored: u64,
    /// Blobs removed from the trash for good.
    pub purged: u64,
    /// The sum of their lengths.
    pub bytes: u64,
    /// What dead processes had left in the staging area, removed now.
    pub leftovers: Leftovers,
}

/// A collection that was stopped. Nothing that was needed is gone.
#[derive(Debug, thiserror::Error)]
pub enum GcError<E> {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The roots could not be read: then nobody knows what is needed.
    #[error("could not find out which content is in use: {0}")]
    Roots(E),
}

impl Store {
    /// Removes what `roots` does not name. `roots` is called twice, the second time after candidates were
    /// moved away; each time it must name everything that is recorded by then.
    pub fn gc<E>(
        &self,
        options: &GcOptions,
        roots: &mut dyn FnMut() -> Result<HashSet<Digest>, E>,
    ) -> Result<GcReport, GcError<E>> {
        let writer = self.writer("collect garbage")?;
        // Two collections at once would take the one's move for the other's grace.
        let Some(_lock) = Lock::attempt(&self.trash_dir())? else {
            return Err(GcError::Store(StoreError::Busy { path: self.root.clone() }));
        };
        // Activities first: one that ends after this has recorded its names before the roots are read again.
        let oldest = writer.oldest_activity(self, !options.dry_run)?;
        let live = roots().map_err(GcError::Roots)?;
        let mut collection = Collection {
            store: self,
            writer,
            options: *options,
            oldest,
            now: Clock::now(),
            stamp: writer.stamp(),
            report: GcReport::default(),
        };
        collection.empty_trash(&live)?;
        let moved = collection.move_candidates(&live)?;
        if !moved.is_empty() {
            match roots() {
                Ok(live) => {
                    for digest in moved.iter().filter(|digest| live.contains(*digest)) {
                        collection.restore(digest)?;
                    }
                }
                Err(error) => {
                    for digest in &moved {
                        collection.restore(digest)?;
                    }
                    return Err(GcError::Roots(error));
                }
            }
        }
        let mut report = collection.report;
        report.leftovers =
            if options.dry_run { self.stale_staging()? } else { self.clear_staging()? };
        Ok(report)
    }
}

/// One collection under way.
struct Collection<'a> {
    store: &'a Store,
    writer: &'a Writer,
    options: GcOptions,
    oldest: Oldest,
    now: Clock,
    stamp: Stamp,
    report: GcReport,
}

impl Collection<'_> {
    /// Whether a file has been left alone for the grace, and by all living work.
    fn is_over(&self, facts: &Facts) -> bool {
        let grace = self.options.grace;
        let by_clock = facts.ctime.age_at(self.now).is_some_and(|age| age >= grace);
        // The wall clock may have been set forward since; within this boot the stamp knows better.
        let by_stamp =
            facts.stamp.filter(|stamp| stamp.boot == self.stamp.boot).is_none_or(|stamp| {
                let ticks = u64::from(self.stamp.tick.saturating_sub(stamp.tick));
                Duration::from_millis(ticks * 1000 / u64::from(TICKS_PER_SECOND)) >= grace
            });
        by_clock && by_stamp && !self.oldest.protects(facts)
    }

    /// Brings back what is named, and removes what nobody has named for the grace.
    fn empty_trash(&mut self, live: &HashSet<Digest>) -> Result<(), StoreError> {
        for (digest, facts) in trash::entries(self.store)? {
            if live.contains(&digest) {
                self.restore(&digest)?;
            } else if self.is_over(&facts) {
                if !self.options.dry_run {
                    let name = trash_name(&digest);
                    match unlinkat(&self.store.trash, name.as_slice(), AtFlags::empty()) {
                        // Brought back by a reader.
                        Err(Errno::NOENT) => continue,
                        other => other.at("remove", trash::trash_path(self.store, &digest))?,
                    }
                }
                self.report.purged += 1;
                self.report.bytes += facts.size;
            }
        }
        Ok(())
    }

    /// Moves to the trash what nobody names, and says what that was.
    fn move_candidates(&mut self, live: &HashSet<Digest>) -> Result<Vec<Digest>, StoreError> {
        let mut moved = Vec::new();
        let store = self.store;
        for name in Names::new(store)? {
            let name = name?;
            let Some(digest) = name.digest else { continue };
            if live.contains(&digest) || digest == Digest::EMPTY {
                self.report.kept += 1;
                continue;
            }
            let facts = match Facts::at(&store.blobs, name.place.as_slice()) {
                Err(Errno::NOENT) => continue,
                other => other.at("examine", store.blob_path(&digest))?,
            };
            if !facts.is_file() {
                continue;
            }
            if !self.is_over(&facts) || !self.move_one(&digest, &facts)? {
                self.report.young += 1;
                continue;
            }
            self.report.moved += 1;
            self.report.moved_bytes += facts.size;
            if !self.options.dry_run {
                moved.push(digest);
            }
        }
        Ok(moved)
    }

    /// Moves a blob to the trash; not if a put has counted on it meanwhile.
    fn move_one(&self, digest: &Digest, facts: &Facts) -> Result<bool, StoreError> {
        if self.options.dry_run {
            return Ok(true);
        }
        let store = self.store;
        let (from, to) = (BlobName::of(digest), trash_name(digest));
        match renameat(&store.blobs, from.path(), &store.trash, to.as_slice()) {
            Err(Errno::NOENT) => return Ok(false),
            other => other.at("move to the trash", store.blob_path(digest))?,
        }
        match Facts::at(&store.trash, to.as_slice()) {
            Ok(after) if after.stamp == facts.stamp && after.is_same_file(facts) => Ok(true),
            // Opened and brought back already.
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(StoreError::new("examine", trash::trash_path(store, digest), errno)),
            // Stamped, or replaced, between the look and the move.
            Ok(_) => self.put_back(digest).map(|()| false),
        }
    }

    /// Brings a named blob back from the trash.
    fn restore(&mut self, digest: &Digest) -> Result<(), StoreError> {
        if !self.options.dry_run {
            self.put_back(digest)?;
        }
        self.report.restored += 1;
        Ok(())
    }

    fn put_back(&self, digest: &Digest) -> Result<(), StoreError> {
        let store = self.store;
        let (name, path) = (trash_name(digest), trash::trash_path(store, digest));
        if trash::bring_back(store, digest)? {
            return Ok(());
        }
        // Put anew while this one was in the trash; which of the two is whole? Only if both are is one too many.
        let facts = match Facts::at(&store.trash, name.as_slice()) {
            Err(Errno::NOENT) => return Ok(()),
            other => other.at("examine", &path)?,
        };
        if !check_file(store, &store.trash, &name, &path, digest, None)?.is_sound() {
            return Ok(());
        }
        if store.holds(self.writer, digest, facts.size)? {
            unlinkat(&store.trash, name.as_slice(), AtFlags::empty()).at("remove", path)
        } else {
            renameat(&store.trash, name.as_slice(), &store.blobs, BlobName::of(digest).path())
                .at("bring back", path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instant between the look at a candidate and its move, which no test from outside can hit at will.
    #[test]
    fn a_candidate_that_a_put_uses_before_it_is_moved_is_put_back() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create_or_open(directory.path().join("store")).unwrap();
        let digest = store.put_bytes(b"content").unwrap().digest;
        let name = BlobName::of(&digest);
        let writer = store.writer.as_ref().unwrap();
        let collection = Collection {
            store: &store,
            writer,
            options: GcOptions { grace: Duration::ZERO, dry_run: false },
            oldest: Oldest::None,
            now: Clock::now(),
            stamp: writer.stamp(),
            report: GcReport::default(),
        };
        let look = || Facts::at(&store.blobs, name.path());
        // Stamped by a put that found it.
        let before = look().unwrap();
        let later = Stamp { boot: 1, tick: before.stamp.unwrap().tick + 1 };
        let blob = store.open_blob(&digest).unwrap();
        rustix::fs::futimens(&blob, &later.times()).unwrap();
        assert!(!collection.move_one(&digest, &before).unwrap());
        assert!(look().is_ok());
        // Replaced by a put that did not trust it.
        let before = look().unwrap();
        std::fs::remove_file(store.blob_path(&digest)).unwrap();
        store.put_bytes(b"content").unwrap();
        let replaced = store.open_blob(&digest).unwrap();
        rustix::fs::futimens(&replaced, &later.times()).unwrap();
        assert!(!collection.move_one(&digest, &before).unwrap());
        assert!(look().is_ok());
        // Left alone.
        let before = look().unwrap();
        assert!(collection.move_one(&digest, &before).unwrap());
        assert!(look().is_err());
        assert!(!collection.move_one(&digest, &before).unwrap(), "it is gone");
    }
}
