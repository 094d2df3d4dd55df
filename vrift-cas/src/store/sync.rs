//! Bringing what was put to the disk.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, renameat, syncfs};
use rustix::io::Errno;

use super::mark::Marks;
use super::{Store, Writer, boot};
use crate::error::{At, StoreError};
use crate::facts::Clock;
use crate::layout;
use crate::stamp::Stamp;

impl Store {
    /// When this returns, everything put before the call, by whomever, is on the disk and survives a power cut.
    ///
    /// On an error nothing put since the last successful sync is known to be on the disk. The store then stops
    /// trusting it, so that putting it again writes again what was lost.
    pub fn sync(&self) -> Result<(), StoreError> {
        let writer = self.writer("sync blobs")?;
        let (begun, clock) = (writer.stamp(), Clock::now());
        // One call for all blobs: syncing each costs five times as much. The kernel reports a failed write-back
        // once to each descriptor that was open then, hence not to one opened now.
        if let Err(errno) = syncfs(&self.blobs) {
            self.distrust(writer);
            return Err(StoreError::new("sync", self.blobs_dir(), errno));
        }
        // A mark only saves work after the next boot; without one the sync is just as good.
        let says_when = begun.boot != 0 && writer.uptime.is_known();
        if says_when && writer.sessions.current()?.exact {
            let _ = write_mark(&self.root, writer, begun, clock);
        }
        Ok(())
    }

    /// Believes nothing any more that was written until now and not yet synced.
    fn distrust(&self, writer: &Writer) {
        let current = writer.boot.load(Ordering::Relaxed);
        // If not even that can be written down, 0 stands for no boot: it trusts nothing, and what is stamped with
        // it is not trusted.
        let next = boot::next(self, &writer.sessions, current).unwrap_or(0);
        writer.boot.store(next, Ordering::Relaxed);
    }
}

fn write_mark(root: &Path, writer: &Writer, begun: Stamp, clock: Clock) -> Result<(), StoreError> {
    let (mark, before) = (root.join(layout::MARK), root.join(layout::MARK_BEFORE));
    let _lock = boot::lock(root)?;
    let mut marks = writer.marks.clone();
    // The present file is from before this sync, so it is on the disk now; keep it until the next one.
    if let Some(present) = std::fs::read(&mark).ok().and_then(|text| Marks::parse(&text)) {
        marks.merge(present);
        match renameat(CWD, &mark, CWD, &before) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(StoreError::new("rename", mark, errno)),
        }
    }
    marks.note(begun, clock);
    let mut staged = writer.sessions.stage()?;
    staged.write_all(marks.text().as_bytes()).at("write", staged.path())?;
    staged.publish(&mark, 0o600, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::layout::BlobName;

    /// A disk that fails at the right moment cannot be had; what follows from it can.
    #[test]
    fn after_a_failed_sync_what_was_put_is_not_believed_by_anybody() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create_or_open(directory.path().join("store")).unwrap();
        let other = Store::open(store.root()).unwrap();
        let put = store.put_bytes(b"content").unwrap();
        let stamp =
            |store: &Store| Facts::at(&store.blobs, BlobName::of(&put.digest).path()).unwrap();
        let (before, number) = (stamp(&store).stamp.unwrap(), store.boot());
        store.distrust(store.writer.as_ref().unwrap());
        assert!(store.boot() > number);
        // Another one that meets the same failure does not count on again.
        other.distrust(other.writer.as_ref().unwrap());
        assert_eq!(other.boot(), store.boot());
        assert_eq!(Store::open(store.root()).unwrap().boot(), store.boot());
        // Right as it is, it was read, and is believed again from now on.
        assert!(!store.put_bytes(b"content").unwrap().new);
        assert!(stamp(&store).stamp.unwrap().boot > before.boot);
    }

    #[test]
    fn a_store_that_cannot_count_on_believes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create_or_open(directory.path().join("store")).unwrap();
        let put = store.put_bytes(b"content").unwrap();
        std::fs::remove_dir_all(store.staging_dir()).unwrap();
        store.distrust(store.writer.as_ref().unwrap());
        assert_eq!(store.boot(), 0);
        let facts = Facts::at(&store.blobs, BlobName::of(&put.digest).path()).unwrap();
        assert!(facts.stamp.is_some_and(|stamp| stamp.boot != 0));
    }
}
