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
        let taken = |config: &Config, workspace: &str| match config.snapshot(name) {
            Some(_) => Err(WorkspaceError::SnapshotExists {
                workspace: workspace.to_owned(),
                snapshot: name.to_owned(),
            }),
            None => Ok(()),
        };
        taken(&self.config()?, self.name())?;
        self.seal_or_fail()?;
        loop {
            let seq = self.sync()?;
            let named = self.locked(|locked| {
                let mut config = Config::load(&locked.place.path)?;
                taken(&config, &locked.place.name)?;
                // Folded and forgotten since.
                if seq < config.first_state() {
                    return Ok(false);
                }
                config.snapshot.push(Snapshot { name: name.to_owned(), seq, time: now_nanos() });
                config.save(&locked.place.store, &locked.place.path)?;
                Ok(true)
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
