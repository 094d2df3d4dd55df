//! Reading a segment, and judging what stands where a record should.
//!
//! The end of an open segment is zeros, or the torn remains of an append. Something invalid with a valid later record
//! behind it is one of two things:
//! - **torn by a power cut**: pages reach the disk in any order, so beyond what was synced a page may be missing while
//!   a later one is there. Nothing that was acknowledged as durable is lost; the tail is cut and kept aside.
//! - **damage**: a synced record behind it vouches for the place, or the machine was never off since it was written.
//!   Then the workspace opens read-only, and `fsck --repair` decides.

use super::record::{Operation, Record};
use super::segment::{self, Frame, HEADER, HeaderError, SegmentId, record_at, record_size};

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

    /// All records that are whole, also behind places where none can be read. Rather one too many than one too few:
    /// see `Search`.
    pub fn and_behind_gaps(self) -> impl Iterator<Item = Placed<'a>> {
        let Records { bytes, id, offset, .. } = self;
        let mut search = Search::new(bytes, id, offset);
        std::iter::from_fn(move || {
            loop {
                let (_, frame) = search.next(|_| true)?;
                if let Some(record) = Record::decode(frame.payload) {
                    return Some(Placed { seq: frame.seq, end: search.at, record });
                }
            }
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
        // The next number is never less than the one that is missing, and no more than one per possible place.
        let most = self.next_seq.saturating_add((rest.len() / segment::RECORD_HEADER) as u64);
        let mut search = Search::new(self.bytes, self.id, self.offset);
        while let Some((at, frame)) = search.next(|seq| (self.next_seq..=most).contains(&seq)) {
            later.get_or_insert(frame.seq);
            // The very record that is expected here, whole, but not to be understood: no power cut does that.
            vouched |= at == self.offset && frame.seq == self.next_seq;
            if let Some(Operation::StoreSynced { through }) =
                Record::decode(frame.payload).map(|record| record.operation)
            {
                vouched |= through >= self.next_seq;
            }
            // Nor does a power cut write what only looks like records, again and again.
            if search.is_exhausted() {
                vouched = true;
                break;
            }
        }
        match later {
            None => Tail::Torn,
            Some(next) if vouched || !power_failed => Tail::Damage { next },
            Some(next) => Tail::PowerCut { next },
        }
    }
}

/// Looks for whole records at every place where one could begin.
///
/// Somebody may have filled a segment with frames that lie over each other, and to hash them all would take hours. So
/// only a few times the segment's length is hashed; whatever has the form of a record counts as one from then on.
struct Search<'a> {
    bytes: &'a [u8],
    id: SegmentId,
    at: usize,
    /// Bytes that may still be hashed.
    budget: usize,
}

impl<'a> Search<'a> {
    fn new(bytes: &'a [u8], id: SegmentId, at: usize) -> Search<'a> {
        Search { bytes, id, at, budget: bytes.len().saturating_mul(16) }
    }

    fn is_exhausted(&self) -> bool {
        self.budget == 0
    }

    /// The next record whose number is `plausible`, and its place.
    fn next(&mut self, plausible: impl Fn(u64) -> bool) -> Option<(usize, Frame<'a>)> {
        while self.at < self.bytes.len() {
            let at = self.at;
            self.at += 8;
            // Most of what is not a record is the zeros behind the last one.
            if segment::u64_at(self.bytes, at) == 0 {
                continue;
            }
            let Some(frame) = Frame::at(self.bytes, at).filter(|frame| plausible(frame.seq)) else {
                continue;
            };
            if self.is_exhausted() {
                return Some((at, frame));
            }
            self.budget = self.budget.saturating_sub(frame.size());
            if frame.is_sound(self.id) {
                self.at = at + frame.size();
                return Some((at, frame));
            }
        }
        None
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
        // Of a segment that says it begins with the last of all numbers, there is no further record.
        self.next_seq = seq.checked_add(1)?;
        self.offset += record_size(payload.len());
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
