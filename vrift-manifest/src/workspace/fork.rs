//! Forking: a new workspace that shares an image and a part of the journal, and goes on by itself.

use super::config::{Era, Segment};
use super::create::{establish, random_segment};
use super::drop::drop_workspace;
use super::error::WorkspaceError;
use super::history::Moment;
use super::open::Workspace;
use super::place::Directory;
use vrift_cas::Digest;

impl Workspace {
    /// Makes the workspace `name` with the tree that this one has (or had) at `moment`. The same few steps whatever
    /// the size of the tree.
    pub fn fork(&mut self, moment: &Moment, name: &str) -> Result<(), WorkspaceError> {
        if self.home.directory_of(name)?.exists() {
            return Err(WorkspaceError::Exists(name.to_owned()));
        }
        let asked = match moment {
            Moment::Now => {
                self.seal_or_fail()?;
                None
            }
            other => Some(self.resolve(other)?),
        };
        // After that: what the fork shares is on disk, and a record of this journal vouches for it, so that what
        // becomes of this workspace after a power cut spares it.
        let seq = self.sync()?;
        let seq = asked.map_or(seq, |asked| asked.min(seq));
        let config = self.config()?;
        let mut eras = up_to(&config.era, seq);
        if eras.is_empty() {
            return Err(self.no_such_state(&config, seq));
        }
        let segment = random_segment(&self.home)?;
        if let Some(last) = eras.last_mut() {
            last.segment.push(Segment { id: segment, first: seq + 1, last: None });
        }
        let mut snapshots = config.snapshot;
        snapshots.retain(|snapshot| snapshot.seq <= seq);
        let origin = config.origin.filter(|origin| origin.seq <= seq);
        let from = format!("{}@{seq}", self.place.name);
        let needed: Vec<(u64, Digest)> = eras.iter().map(|era| (era.base, era.image)).collect();
        establish(&self.home, name, config.mount, origin, Some(from), eras, snapshots)?;
        self.still_has(&needed).inspect_err(|_| {
            // The error that matters is the first one; gc removes what is left.
            let _ = drop_workspace(&self.home, name);
        })
    }

    /// Whether what a fork was made of is still this workspace's. If so, gc has found it in use at every moment until
    /// the fork could be seen; if it was dropped or forgotten meanwhile, gc may have taken it.
    fn still_has(&self, eras: &[(u64, Digest)]) -> Result<(), WorkspaceError> {
        let gone = || WorkspaceError::NoSuchWorkspace(self.place.name.clone());
        let (place, config) = Directory::of(&self.home, &self.place.name)?;
        if place.id != self.place.id {
            return Err(gone());
        }
        let has =
            |needed: &(u64, Digest)| config.era.iter().any(|era| (era.base, era.image) == *needed);
        match eras.iter().find(|needed| !has(needed)) {
            None => Ok(()),
            Some((seq, _)) => Err(WorkspaceError::NoSuchState {
                workspace: self.place.name.clone(),
                seq: *seq,
                first: config.era.first().map_or(0, |era| era.base),
                last: self.head(),
            }),
        }
    }
}

/// The eras of a history that ends with `seq`, all segments closed.
fn up_to(eras: &[Era], seq: u64) -> Vec<Era> {
    let begun = eras.iter().filter(|era| era.base <= seq);
    begun
        .map(|era| {
            let mut era = era.clone();
            era.segment.retain(|segment| segment.first <= seq);
            for segment in &mut era.segment {
                segment.last = Some(segment.last.map_or(seq, |last| last.min(seq)));
            }
            era
        })
        .collect()
}
