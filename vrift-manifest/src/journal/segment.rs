//! A segment's file: a header of 64 bytes, then records, each beginning at a multiple of eight.
//!
//! ```text
//! header    0 "VRIFTJNL"   8 version u32   12 zero u32   16 segment id [16]   32 first sequence number u64
//!          40 zero [16]   56 checksum u64
//! record    0 payload length u32   4 zero u32   8 sequence number u64   16 checksum u64   24 payload, zero-padded
//! ```
//! A checksum is the first eight bytes of BLAKE3. A record's covers the segment's id, so that a record can never be
//! taken for one of another segment.

use std::fmt;

use vrift_cas::{Digest, Hasher};

use super::record::PAYLOAD_MAX;

/// Bytes of the segment's header.
pub const HEADER: usize = 64;
/// Bytes before a record's payload.
pub const RECORD_HEADER: usize = 24;
/// "VRIFTJNL".
pub const MAGIC: [u8; 8] = *b"VRIFTJNL";
/// The format described here.
pub const VERSION: u32 = 1;

/// A segment's name: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(pub [u8; 16]);

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl SegmentId {
    /// The id that `text` (32 hex digits) names.
    pub fn parse(text: &str) -> Option<SegmentId> {
        let digits = text.as_bytes();
        if digits.len() != 32
            || !digits.iter().all(|d| d.is_ascii_hexdigit() && !d.is_ascii_uppercase())
        {
            return None;
        }
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(SegmentId(id))
    }
}

/// A file that is no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a segment, or its header is damaged.
    #[error("the segment's header is damaged")]
    Damaged,
    /// Made by a newer version.
    #[error("the segment has format {0}, this program knows {VERSION}")]
    Newer(u32),
    /// The header is that of another segment.
    #[error("the file holds another segment")]
    OtherSegment,
}

/// The header of a segment.
pub fn header(id: SegmentId, first_seq: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&id.0);
    bytes[32..40].copy_from_slice(&first_seq.to_le_bytes());
    let checksum = checksum(&[&bytes[..56]]);
    bytes[56..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Checks a segment's header; the sequence number of its first record.
pub fn check_header(bytes: &[u8], id: SegmentId) -> Result<u64, HeaderError> {
    let header: &[u8; HEADER] = bytes.first_chunk().ok_or(HeaderError::Damaged)?;
    if header[..8] != MAGIC || u64_at(header, 56) != checksum(&[&header[..56]]) {
        return Err(HeaderError::Damaged);
    }
    match u64_at(header, 8) as u32 {
        VERSION => {}
        newer @ 2.. => return Err(HeaderError::Newer(newer)),
        _ => return Err(HeaderError::Damaged),
    }
    if header[16..32] != id.0 {
        return Err(HeaderError::OtherSegment);
    }
    Ok(u64_at(header, 32))
}

/// The first eight bytes of BLAKE3 over `pieces`.
#[inline(never)]
pub fn checksum(pieces: &[&[u8]]) -> u64 {
    let mut hasher = Hasher::new();
    pieces.iter().for_each(|piece| hasher.update(piece));
    u64_at(hasher.finish().as_bytes(), 0)
}

/// Bytes that a record with this payload takes.
pub fn record_size(payload: usize) -> usize {
    RECORD_HEADER + payload.next_multiple_of(8)
}

/// The checksum of a record.
pub fn record_checksum(id: SegmentId, seq: u64, payload: &[u8]) -> u64 {
    let mut prefix = [0; 32];
    prefix[..16].copy_from_slice(&id.0);
    prefix[16..24].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    prefix[24..].copy_from_slice(&seq.to_le_bytes());
    // Nearly all records are short, and in one piece they are hashed in half the time.
    let mut whole = [0; 256];
    match whole.get_mut(32..32 + payload.len()) {
        Some(room) => {
            room.copy_from_slice(payload);
            whole[..32].copy_from_slice(&prefix);
            u64_at(Digest::of(&whole[..32 + payload.len()]).as_bytes(), 0)
        }
        None => checksum(&[&prefix, payload]),
    }
}

/// What has the form of a record; its checksum was not looked at.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The sequence number.
    pub seq: u64,
    /// The payload.
    pub payload: &'a [u8],
    checksum: u64,
}

impl<'a> Frame<'a> {
    /// The frame at `offset`, if there is one: a possible length, zeros where they belong, all of it inside.
    pub fn at(segment: &'a [u8], offset: usize) -> Option<Frame<'a>> {
        let rest = segment.get(offset..)?;
        let head: &[u8; RECORD_HEADER] = rest.first_chunk()?;
        let length = usize::try_from(u64_at(head, 0)).ok()?;
        if length == 0 || length > PAYLOAD_MAX {
            return None;
        }
        let payload = rest.get(RECORD_HEADER..RECORD_HEADER + length)?;
        let padding = rest.get(RECORD_HEADER + length..record_size(length))?;
        let frame = Frame { seq: u64_at(head, 8), payload, checksum: u64_at(head, 16) };
        padding.iter().all(|&byte| byte == 0).then_some(frame)
    }

    /// Whether it is a record of the segment `id`: the checksum is right.
    pub fn is_sound(&self, id: SegmentId) -> bool {
        record_checksum(id, self.seq, self.payload) == self.checksum
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        record_size(self.payload.len())
    }
}

/// The record at `offset`, if there is a valid one: its sequence number and payload.
pub fn record_at(segment: &[u8], offset: usize, id: SegmentId) -> Option<(u64, &[u8])> {
    let frame = Frame::at(segment, offset).filter(|frame| frame.is_sound(id))?;
    Some((frame.seq, frame.payload))
}

/// The little-endian word at `at`; 0 beyond the end.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
}
