//! Making a workspace durable: what happened before survives a power cut.

use super::error::WorkspaceError;
use super::open::Workspace;
use crate::journal::Operation;

impl Workspace {
    /// Puts everything that happened so far on disk: blobs, image and journal by one sync of the store's file system,
    /// then a record that says so. The number of the last record that is covered.
    pub fn sync(&mut self) -> Result<u64, WorkspaceError> {
        let through = self.locked(|locked| Ok(locked.head()))?;
        self.place.store.sync()?;
        if self.control.synced() >= through {
            return Ok(through);
        }
        self.locked(|locked| {
            let (seq, _) = locked.append(0, Operation::StoreSynced { through }, false)?;
            // The record itself may be lost: it only vouches for what is on disk without it.
            locked.control.set_synced(if seq == through + 1 { seq } else { through });
            Ok(through)
        })
    }
}
