//! Replacing a workspace's tree as a whole, as one step of its history.

use std::fs::File;

use super::attach::{self, end_era};
use super::config::{Config, Origin};
use super::create::random_segment;
use super::error::{Action, WorkspaceError};
use super::load::{self, End, Rebased, segment_path};
use super::mutate::{Author, Locked};
use super::open::Workspace;
use crate::journal::replay::Records;
use crate::journal::segment::HEADER;
use crate::journal::{Operation, Position, Reason, SegmentId};
use vrift_cas::Digest;

/// A tree to put in place of the present one.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The image, which must be in the store.
    pub image: Digest,
    /// Why.
    pub reason: Reason,
    /// The state that the image was made from: if the tree has changed since, nothing is replaced. `None`: whatever
    /// the tree is by now.
    pub expected: Option<u64>,
    /// The directory that the tree is a copy of from now on, with the globs left out.
    pub origin: Option<(std::path::PathBuf, Vec<String>)>,
}

impl Workspace {
    /// Replaces the tree. Durable when it returns; the number of the step.
    pub fn replace(&mut self, replacement: &Replacement) -> Result<u64, WorkspaceError> {
        let store = self.home.store.clone();
        // Until image and segment are named by the workspace, gc is not to take them.
        let _activity = store.begin()?;
        self.place.store.sync()?;
        let author = self.author.clone();
        let segment = random_segment(&self.home)?;
        let seq = self.locked(|locked| {
            if replacement.expected.is_some_and(|expected| locked.changed_since(expected)) {
                return Err(WorkspaceError::ChangedMeanwhile(locked.place.name.clone()));
            }
            rebase(locked, replacement, segment, author.as_ref())
        })?;
        self.process = 0;
        self.refresh()?;
        Ok(seq)
    }

    /// Whether the tree changed after record `seq`.
    pub fn changed_since(&self, seq: u64) -> Result<bool, WorkspaceError> {
        let mut changed = false;
        self.for_each_record(seq + 1, u64::MAX, |entry| {
            changed = entry.record.operation.changes_tree();
            !changed
        })?;
        Ok(changed)
    }
}

impl Locked<'_> {
    /// Whether the tree changed after record `seq`. What lies in an earlier segment counts as a change: the tree was
    /// replaced since.
    fn changed_since(&self, seq: u64) -> bool {
        if seq >= self.head() {
            return false;
        }
        if seq + 1 < self.segment.first_seq {
            return true;
        }
        let start = Position { records: 0, eighths: (HEADER / 8) as u32 };
        let bytes = self.writer.journal.read(start, self.segment.committed);
        Records::from(&bytes, self.segment.id, self.segment.first_seq, 0)
            .filter(|placed| placed.seq > seq)
            .any(|placed| placed.record.operation.changes_tree())
    }
}

/// Under the lock: the step is journalled, then written down, then put in force. Whoever comes after a death in
/// between finds the record at the end of the journal and does the rest.
pub(super) fn rebase(
    locked: &mut Locked<'_>,
    replacement: &Replacement,
    segment: SegmentId,
    author: Option<&Author>,
) -> Result<u64, WorkspaceError> {
    let process = match author {
        Some(author) => locked.append(0, author.operation(), false)?.0,
        None => 0,
    };
    let operation = Operation::Rebased {
        image: *replacement.image.as_bytes(),
        reason: replacement.reason,
        segment: segment.0,
    };
    // The record takes the next number, the new segment begins with the one after it.
    load::ensure_segment(&locked.place.store, segment, locked.head() + 2)?;
    let (seq, _) = locked.append(process, operation, false)?;
    let control = locked.control;
    // From here on the old index is not in force: a state between two trees is no state.
    control.set_epoch(control.epoch() | 1);
    let path = segment_path(&locked.place.store, locked.segment.id);
    let sync = || File::open(&path)?.sync_data();
    sync().map_err(Action::Write.of(&path))?;
    let mut config = Config::load(&locked.place.path)?;
    end_era(
        &mut config,
        seq,
        &Rebased { image: replacement.image, reason: replacement.reason, segment },
    );
    if let Some((directory, excludes)) = &replacement.origin {
        config.origin =
            Some(Origin { directory: directory.clone(), excludes: excludes.clone(), seq });
    }
    config.save(&locked.place.path)?;
    attach::build(locked.place, control, End::AfterPowerCut)?;
    control.set_synced(seq);
    Ok(seq)
}
