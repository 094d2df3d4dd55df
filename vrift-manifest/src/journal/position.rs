//! A position in a segment: how many records lie before it, and how many bytes. One word, so that it is published at
//! once and never half.

/// The longest segment: positions count eight bytes in 32 bits.
pub const SEGMENT_MAX: u64 = (u32::MAX as u64) * 8;

/// Records and bytes of a segment up to a point between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Records before it.
    pub records: u32,
    /// Its offset in units of eight bytes.
    pub eighths: u32,
}

impl Position {
    /// From the word that [`Position::to_word`] made.
    pub fn from_word(word: u64) -> Position {
        Position { records: (word >> 32) as u32, eighths: word as u32 }
    }

    /// As one word.
    pub fn to_word(self) -> u64 {
        u64::from(self.records) << 32 | u64::from(self.eighths)
    }

    /// The offset in bytes.
    pub fn offset(self) -> u64 {
        u64::from(self.eighths) * 8
    }

    /// Behind one more record that ends at `end` (a multiple of eight).
    pub fn after(self, end: u64) -> Option<Position> {
        Some(Position {
            records: self.records.checked_add(1)?,
            eighths: u32::try_from(end / 8).ok()?,
        })
    }
}
