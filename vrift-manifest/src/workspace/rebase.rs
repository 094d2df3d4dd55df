//! Replacing a workspace's tree as a whole, as one step of its history.

use std::fs::File;

use super::build::{self, end_era};
use super::config::{Config, Origin};
use super::create::random_segment;
use super::drafts::live_drafts;
use super::error::{Action, WorkspaceError};
use super::load::Rebased;
use super::mutate::{Author, Locked};
use super::open::Workspace;
use super::segments::{ensure_segment, segment_path};
use crate::index::edit::EditError;
use crate::journal::append::{Appender, Need, SEGMENT_BOUND};
use crate::journal::replay::Records;
use crate::journal::segment::HEADER;
use crate::journal::{Operation, Position, Reason, Record, SegmentId};
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
    /// What tree and directory have in common, if the tree is not as the directory in all.
    pub base: Option<Digest>,
}

impl Replacement {
    /// Of whatever the tree is by now, by one that no directory is told to have.
    pub fn plain(image: Digest, reason: Reason) -> Replacement {
        Replacement { image, reason, expected: None, origin: None, base: None }
    }
}

impl Workspace {
    /// Replaces the tree. Durable when it returns; the number of the step.
    pub fn replace(&mut self, replacement: &Replacement) -> Result<u64, WorkspaceError> {
        let store = self.home.store.clone();
        // Until image and segment are named by the workspace, gc is not to take them.
        let _activity = store.begin()?;
        let through = self.locked(|locked| Ok(locked.head()))?;
        self.place.store.sync()?;
        let author = self.author.clone();
        let segment = random_segment(&self.home)?;
        let seq = self.locked(|locked| {
            if replacement.expected.is_some_and(|expected| locked.changed_since(expected)) {
                return Err(WorkspaceError::ChangedMeanwhile(locked.place.name.clone()));
            }
            // What others have changed since ends in a closed segment: nobody asks later whether it reached the disk.
            if locked.head() > through {
                locked.place.store.sync()?;
            }
            let drafts = live_drafts(locked.tree());
            rebase(locked, replacement, segment, author.as_ref(), &drafts)
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
    /// Whether everything that happened is on the disk, but for a record that says so.
    pub(super) fn is_synced(&self) -> bool {
        let head = self.head();
        self.control.synced() >= head || self.control.sync_record() == head
    }

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
            .any(|placed| {
                // A file that somebody has begun to write would be lost.
                let begun = matches!(
                    placed.record.operation,
                    Operation::DraftOpened { .. } | Operation::DraftSynced { .. }
                );
                begun || placed.record.operation.changes_tree()
            })
    }
}

/// Writes the records of drafts into a segment that is not in force yet: they happen when it is.
fn carry(
    locked: &Locked<'_>,
    segment: SegmentId,
    first: u64,
    drafts: &[(u64, u64)],
) -> Result<(), WorkspaceError> {
    if drafts.is_empty() {
        return Ok(());
    }
    let place = locked.place;
    let path = segment_path(&place.store, segment);
    let appender =
        Appender::open(&path, segment, SEGMENT_BOUND).map_err(Action::Write.of(&path))?;
    let mut position = Position { records: 0, eighths: (HEADER / 8) as u32 };
    let (time, owner) = (locked.tree().index.floor(), build::owner_of(&place.id));
    let mut buffer = [0; 128];
    for (seq, &(node, draft)) in (first..).zip(drafts) {
        let operation = match place.is_synced_draft(node, draft) {
            true => Operation::DraftSynced { node, draft, owner },
            false => Operation::DraftOpened { node, draft, owner },
        };
        let record = Record { time, process: 0, operation };
        let damaged = || WorkspaceError::Index(EditError::Damaged);
        let length = record.encode(&mut buffer).ok_or_else(damaged)?;
        let payload = buffer.get(..length).unwrap_or(&[]);
        appender.reserve(position, length, Need::Frees)?;
        position = appender.write(position, seq, payload).ok_or_else(damaged)?;
    }
    Ok(())
}

/// Under the lock: the step is journalled, then written down, then put in force. What may fail for want of room comes
/// before. Whoever comes after a death in between finds the epoch odd, then the record at the end of the journal or
/// not, and does the rest. `drafts` are those of the tree.
pub(super) fn rebase(
    locked: &mut Locked<'_>,
    replacement: &Replacement,
    segment: SegmentId,
    author: Option<&Author>,
    drafts: &[(u64, u64)],
) -> Result<u64, WorkspaceError> {
    let process = match author {
        Some(author) => locked.append(0, author.operation(), Need::Ordinary)?.0,
        None => 0,
    };
    let (place, control) = (locked.place, locked.control);
    let Replacement { image, reason, .. } = *replacement;
    // The record takes the next number, the new segment begins with the one after it.
    let seq = locked.head() + 1;
    ensure_segment(&place.store, segment, seq + 1)?;
    if reason == Reason::Compact {
        // The tree is the same, and so is what is being written.
        carry(locked, segment, seq + 1, drafts)?;
    }
    let mut config = Config::load(&place.path)?;
    end_era(&mut config, seq, &Rebased { image, reason, segment });
    if let Some((directory, excludes)) = &replacement.origin {
        let base = replacement.base.unwrap_or(image);
        let seq = match config.origin.as_ref().filter(|_| base != image) {
            // Not the directory's state: the last one that was stays the last.
            Some(origin) => origin.seq,
            None => seq,
        };
        let (directory, excludes) = (directory.clone(), excludes.clone());
        config.origin = Some(Origin { directory, excludes, seq, base: Some(base) });
    }
    control.raise(locked.tree().index.floor(), locked.tree().next_node());
    let index = build::prepare_era(place, control, &config)?;
    let next = config.write_next(&place.store, &place.path)?;

    // From here on the old index is not in force: nobody may add to a journal that has ended.
    let epoch = control.epoch();
    control.set_epoch(epoch | 1);
    let operation = Operation::Rebased { image: *image.as_bytes(), reason, segment: segment.0 };
    if let Err(error) = locked.append(process, operation, Need::Ends) {
        control.set_epoch(epoch);
        return Err(error);
    }
    let path = segment_path(&place.store, locked.segment.id);
    let sync = || File::open(&path)?.sync_data();
    sync().map_err(Action::Write.of(&path))?;
    next.put_in_place()?;
    control.raise(locked.tree().index.floor(), 0);
    index.put_in_force(place, control)?;
    control.set_synced(seq);
    if reason != Reason::Compact {
        place.remove_drafts(drafts);
    }
    Ok(seq)
}
