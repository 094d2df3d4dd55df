//! Appending to the open segment, through a mapping. Only the holder of the workspace's lock does.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::position::Position;
use super::segment::{RECORD_HEADER, SegmentId, record_checksum, record_size};
use crate::shm::{Grow, Region, words_of};

/// The longest a segment gets (128 MiB): then the workspace is compacted, so that opening never replays more.
pub const SEGMENT_BOUND: usize = 128 << 20;

/// The file grows by this much.
pub const CHUNK: usize = 256 << 10;

/// What a record may use of the room that is kept for when there is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing of it.
    Ordinary,
    /// What is kept for removing things: that must work on a full disk.
    Frees,
    /// All of it: the record ends the segment.
    Ends,
}

impl Need {
    /// Bytes that must stay free, and allocated, behind the record.
    fn keep(self) -> usize {
        match self {
            Need::Ordinary => 16 << 10,
            Need::Frees => 512,
            Need::Ends => 0,
        }
    }
}

/// The writing end of the open segment.
pub struct Appender {
    region: Region,
    id: SegmentId,
    /// The most bytes that the segment gets.
    bound: usize,
}

/// A record cannot be appended; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The segment has reached its bound.
    #[error("the journal's segment is full")]
    Full,
    /// The file could not grow (ENOSPC, EDQUOT, EFBIG ...).
    #[error("the journal cannot grow: {0}")]
    Refused(rustix::io::Errno),
}

impl From<Grow> for AppendError {
    fn from(grow: Grow) -> AppendError {
        match grow {
            Grow::Full => AppendError::Full,
            Grow::Refused(errno) => AppendError::Refused(errno),
            Grow::Gone => AppendError::Refused(rustix::io::Errno::NOENT),
        }
    }
}

impl Appender {
    /// Maps the segment's file for writing. It grows to `bound` bytes, and no further.
    pub fn open(path: &Path, id: SegmentId, bound: usize) -> io::Result<Appender> {
        let region = Region::of_file(path, SEGMENT_BOUND / 8, true)?;
        region.fill_holes()?;
        Ok(Appender { region, id, bound: bound.min(SEGMENT_BOUND) })
    }

    /// Whether the file reaches to `position`: somebody may have cut it.
    pub fn holds(&self, position: Position) -> bool {
        position.eighths as usize <= self.region.len()
    }

    /// Which segment this is.
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// Makes sure that a record with `payload` bytes fits behind `position`.
    pub fn reserve(
        &self,
        position: Position,
        payload: usize,
        need: Need,
    ) -> Result<(), AppendError> {
        let end = position.offset() as usize + record_size(payload);
        let wanted = end + need.keep();
        if wanted > self.bound {
            return Err(AppendError::Full);
        }
        // Kept for others, whatever this one needs; on a full disk only what it needs itself.
        let all = (end + Need::Ordinary.keep()).min(self.bound).div_ceil(8);
        if all <= self.region.len() {
            return Ok(());
        }
        let generous = (all * 8).next_multiple_of(CHUNK).min(self.bound) / 8;
        match self.region.ensure(generous).or_else(|_| self.region.ensure(all)) {
            Err(_) if wanted.div_ceil(8) <= self.region.len() => Ok(()),
            other => Ok(other?),
        }
    }

    /// Writes a record at `position`, for which room was reserved; the position behind it. It has not happened before
    /// that position is published.
    pub fn write(&self, position: Position, seq: u64, payload: &[u8]) -> Option<Position> {
        let start = position.offset() as usize / 8;
        let head = [payload.len() as u64, seq, record_checksum(self.id, seq, payload)];
        for (place, word) in head.into_iter().chain(words_of(payload)).enumerate() {
            if !self.region.store(start + place, word, Ordering::Relaxed) {
                return None;
            }
        }
        debug_assert_eq!(RECORD_HEADER, head.len() * 8);
        position.after(position.offset() + record_size(payload.len()) as u64)
    }

    /// Clears what a dead process may have left behind `position`.
    pub fn clear_tail(&self, position: Position) {
        for at in position.eighths as usize..self.region.len() {
            if self.region.word(at).is_some_and(|word| word.load(Ordering::Relaxed) != 0) {
                self.region.store(at, 0, Ordering::Relaxed);
            }
        }
    }

    /// Copies the bytes `[from, to)`, both multiples of eight.
    pub fn read(&self, from: Position, to: Position) -> Vec<u8> {
        (from.eighths..to.eighths)
            .map_while(|at| self.region.word(at as usize))
            .flat_map(|word| word.load(Ordering::Acquire).to_le_bytes())
            .collect()
    }
}
