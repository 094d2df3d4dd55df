//! Snapshots: names for moments.

use super::config::{Config, Snapshot, now_nanos};
use super::error::WorkspaceError;
use super::names::is_snapshot_name;
use super::open::Workspace;

impl Workspace {
    /// Names the present state, after making it durable; its number. The same few steps whatever the size of the tree.
    pub fn snapshot(&mut self, name: &str) -> Result<u64, WorkspaceError> {
        if !is_snapshot_name(name) {
            return Err(WorkspaceError::BadName(name.to_owned()));
        }
        loop {
            let before = self.config()?;
            if before.snapshot(name).is_some() {
                return Err(WorkspaceError::SnapshotExists {
                    workspace: self.name().to_owned(),
                    snapshot: name.to_owned(),
                });
            }
            self.seal_or_fail()?;
            let (seq, _) = self.reached()?;
            let mut config = before.clone();
            config.snapshot.push(Snapshot { name: name.to_owned(), seq, time: now_nanos() });
            // Written before the store is synced, it goes to the disk with all that it names.
            let staged = config.stage(&self.place.store, &self.place.path)?;
            let (_, with_it) = self.sync_unless_done()?;
            if !with_it {
                staged.sync()?;
            }
            let mut staged = Some(staged);
            let named = self.locked(|locked| {
                match staged.take() {
                    Some(staged) if Config::load(&locked.place.path)? == before => {
                        staged.put_in_place().map(|()| true)
                    }
                    // Somebody else has named, folded or forgotten something since.
                    _ => Ok(false),
                }
            })?;
            if named {
                return Ok(seq);
            }
        }
    }

    /// Forgets a snapshot's name. What only it kept reachable goes with the next compaction and gc.
    pub fn drop_snapshot(&mut self, name: &str) -> Result<(), WorkspaceError> {
        self.locked(|locked| {
            let mut config = Config::load(&locked.place.path)?;
            let before = config.snapshot.len();
            config.snapshot.retain(|snapshot| snapshot.name != name);
            if config.snapshot.len() == before {
                return Err(WorkspaceError::NoSuchSnapshot {
                    workspace: locked.place.name.clone(),
                    snapshot: name.to_owned(),
                });
            }
            config.save(&locked.place.store, &locked.place.path)
        })
    }
}
