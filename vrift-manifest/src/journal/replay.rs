//! Reading a segment, and judging what stands where a record should.
//!
//! The end of an open segment is zeros, or the torn remains of an append. Something invalid with a valid later record
//! behind it is one of two things:
//! - **torn by a power cut**: pages reach the disk in any order, so beyond what was synced a page may be missing while
//!   a later one is there. Nothing that was acknowledged as durable is lost; the tail is cut and kept aside.
//! - **damage**: a synced record behind it vouches for the place, or the machine was never off since it was written.
//!   Then the workspace opens read-only, and `fsck --repair` decides.

use super::record::{Operation, Record};
use super::segment::{self, HEADER, HeaderError, SegmentId, record_at, record_size};

/// A record with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Its sequence number.
    pub seq: u64,
    /// Offset behind it.
    pub end: usize,
    /// The record.
    pub record: Record<'a>,
}

/// Reads the records of a segment in order, from its first one on, as long as they are valid and contiguous.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    id: SegmentId,
    next_seq: u64,
    offset: usize,
}

impl<'a> Records<'a> {
    /// All records of the segment in `bytes`.
    pub fn of(bytes: &'a [u8], id: SegmentId) -> Result<Records<'a>, HeaderError> {
        let next_seq = segment::check_header(bytes, id)?;
        Ok(Records { bytes, id, next_seq, offset: HEADER })
    }

    /// The records from `offset` on, where the one with number `next_seq` is expected.
    pub fn from(bytes: &'a [u8], id: SegmentId, next_seq: u64, offset: usize) -> Records<'a> {
        Records { bytes, id, next_seq, offset }
    }

    /// Where the next record is expected.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of the next record.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// All records that are whole, also behind places where none can be read.
    pub fn and_behind_gaps(self) -> impl Iterator<Item = Placed<'a>> {
        let Records { bytes, id, mut offset, .. } = self;
        std::iter::from_fn(move || {
            while offset < bytes.len() {
                // Most of what is not a record is the zeros behind the last one.
                let found = match segment::u64_at(bytes, offset) {
                    0 => None,
                    _ => record_at(bytes, offset, id),
                };
                let Some((seq, payload)) = found else {
                    offset += 8;
                    continue;
                };
                offset += record_size(payload.len());
                if let Some(record) = Record::decode(payload) {
                    return Some(Placed { seq, end: offset, record });
                }
            }
            None
        })
    }

    /// What stands where no further record could be read. `power_failed`: the machine may have gone down since.
    pub fn tail(&self, power_failed: bool) -> Tail {
        let rest = self.bytes.get(self.offset..).unwrap_or(&[]);
        if rest.iter().all(|&byte| byte == 0) {
            return Tail::Clean;
        }
        let mut later = None;
        let mut vouched = false;
        let mut at = self.offset;
        // A record begins at a multiple of eight; the next number is never less than the one that is missing, and
        // no more than one per possible place.
        let most = self.next_seq.saturating_add((rest.len() / segment::RECORD_HEADER) as u64);
        while at < self.bytes.len() {
            let seq = segment::u64_at(self.bytes, at + 8);
            let plausible = seq >= self.next_seq && seq <= most;
            let found = if plausible { record_at(self.bytes, at, self.id) } else { None };
            let Some((seq, payload)) = found else {
                at += 8;
                continue;
            };
            later.get_or_insert(seq);
            // The very record that is expected here, whole, but not to be understood: no power cut does that.
            vouched |= at == self.offset && seq == self.next_seq;
            if let Some(Operation::StoreSynced { through }) =
                Record::decode(payload).map(|record| record.operation)
            {
                vouched |= through >= self.next_seq;
            }
            at += record_size(payload.len());
        }
        match later {
            None => Tail::Torn,
            Some(next) if vouched || !power_failed => Tail::Damage { next },
            Some(next) => Tail::PowerCut { next },
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Placed<'a>;

    fn next(&mut self) -> Option<Placed<'a>> {
        let (seq, payload) = record_at(self.bytes, self.offset, self.id)?;
        if seq != self.next_seq {
            return None;
        }
        let record = Record::decode(payload)?;
        self.offset += record_size(payload.len());
        self.next_seq += 1;
        Some(Placed { seq, end: self.offset, record })
    }
}

/// What stands behind the last readable record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: zeros to the end.
    Clean,
    /// The beginning of an append that did not happen.
    Torn,
    /// Unsynced records of which some did not reach the disk before the power went.
    PowerCut {
        /// The first valid record behind the gap.
        next: u64,
    },
    /// Records that were acknowledged are unreadable.
    Damage {
        /// The first valid record behind the gap.
        next: u64,
    },
}
