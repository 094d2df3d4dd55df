//! Making a workspace durable: what happened before survives a power cut.

use super::error::WorkspaceError;
use super::open::Workspace;
use crate::journal::Operation;
use crate::journal::append::Need;

impl Workspace {
    /// Puts everything that happened so far on disk: blobs, image and journal by one sync of the store's file system,
    /// then a record that says so. The number of the last record that is covered.
    pub fn sync(&mut self) -> Result<u64, WorkspaceError> {
        Ok(self.sync_unless_done()?.0)
    }

    /// The number of the last record that changed something, and whether all up to it is on disk.
    pub(super) fn reached(&mut self) -> Result<(u64, bool), WorkspaceError> {
        self.locked(|locked| {
            // The record that says that everything before it is on disk is not on disk itself, and nothing is missing
            // without it.
            let head = locked.head();
            let said = locked.control.sync_record() == head;
            Ok((if said { head.saturating_sub(1) } else { head }, locked.is_synced()))
        })
    }

    /// As [`Workspace::sync`], and whether the store was synced for it, with whatever else had been written there.
    pub(super) fn sync_unless_done(&mut self) -> Result<(u64, bool), WorkspaceError> {
        let (through, done) = self.reached()?;
        if done {
            return Ok((through, false));
        }
        let synced = self.place.store.sync();
        // It counts on when a sync fails: what was written until then is not to be trusted.
        self.control.set_boot(self.place.store.boot());
        synced?;
        self.locked(|locked| {
            if locked.control.synced() >= through {
                return Ok((through, true));
            }
            locked.control.set_synced(through);
            // Only to vouch for it after the next boot: where there is no room for the record, it is true without.
            let operation = Operation::StoreSynced { through };
            if let Ok((seq, _)) = locked.append(0, operation, Need::Ordinary)
                && seq == through + 1
            {
                locked.control.set_sync_record(seq);
            }
            Ok((through, true))
        })
    }
}
