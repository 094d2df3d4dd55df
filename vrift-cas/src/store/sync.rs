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
            let next = boot::next(self, &writer.sessions, begun.boot)?;
            writer.boot.fetch_max(next, Ordering::Relaxed);
            return Err(StoreError::new("sync", self.blobs_dir(), errno));
        }
        // A mark only saves work after the next boot; without one the sync is just as good.
        if writer.sessions.current()?.exact {
            let _ = write_mark(&self.root, writer, begun, clock);
        }
        Ok(())
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
