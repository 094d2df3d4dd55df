//! Where everything is: the offsets of `docs/format.md`, each derived from the one before.
//!
//! An image has one layout for a given number of records and length of pool. The header states the offsets all the
//! same, and `open` refuses any other than these: there is one way to write a tree.

use std::ops::Range;

/// What an image begins with.
pub(super) const MAGIC: [u8; 8] = *b"VRIFTIMG";
/// The format version that is written, and the newest that is read.
pub const VERSION: u32 = 1;
/// The most records an image can have: record indexes are u32 and one more must fit.
pub const MAX_RECORDS: u32 = 1 << 31;

pub(super) const HEADER_LEN: usize = 256;
pub(super) const RECORD_LEN: usize = 128;
pub(super) const SLOT_LEN: usize = 8;
pub(super) const IDENTITY_LEN: usize = 32;
pub(super) const NUMBER_LEN: usize = 4;
/// Sections begin on a cache line.
const SECTION_ALIGN: u64 = 64;
/// The pool begins with these zero bytes, so that offset 0 can mean "none".
pub(super) const POOL_START: u64 = 8;
/// Entries of the pool begin on a multiple of this.
pub(super) const POOL_ALIGN: u64 = 8;

/// Slots for each child of a directory: half of them stay empty.
pub(super) const SLOTS_PER_CHILD: usize = 2;
/// A name that would be further than this from its place is left out of the slots, and found by binary search. In an
/// ordinary tree there is none; names that were chosen to collide cannot make filling the table quadratic.
pub(super) const SLOT_PROBES: usize = 128;
/// The same for node numbers. They are given in order, not chosen, so there is nothing else to find them by.
pub(super) const NUMBER_PROBES: usize = 1024;

/// Fields of the header.
pub(super) mod header {
    pub const VERSION: usize = 8;
    pub const HEADER_LEN: usize = 12;
    pub const RECORD_COUNT: usize = 16;
    /// Offset and length of records, pool, slots, identity, numbers: five pairs of u64.
    pub const SECTIONS: usize = 24;
    pub const NEXT_NODE: usize = SECTIONS + 5 * 16;
    pub const FILES: usize = NEXT_NODE + 8;
    pub const BYTES: usize = FILES + 8;
    pub const TREE_ID: usize = BYTES + 8;
    pub const IDENTITY_ID: usize = TREE_ID + 32;
    pub const RESERVED: usize = IDENTITY_ID + 32;
    pub const CHECKSUM: usize = super::HEADER_LEN - 8;
}

/// Fields of a record.
pub(super) mod record {
    pub const PARENT: usize = 0;
    pub const MODE: usize = 4;
    pub const UID: usize = 8;
    pub const GID: usize = 12;
    pub const LINK: usize = 16;
    pub const COUNT: usize = 20;
    pub const NAME_LEN: usize = 24;
    pub const FLAGS: usize = 26;
    pub const NAME: usize = 28;
    /// A long name: its offset in the pool, then its beginning.
    pub const NAME_POOL: usize = NAME;
    pub const NAME_PREFIX: usize = NAME + 8;
    pub const NAME_END: usize = 64;
    pub const SIZE: usize = NAME_END;
    pub const MTIME_SEC: usize = 72;
    pub const MTIME_NSEC: usize = 80;
    pub const NLINK: usize = 84;
    pub const XATTR: usize = 88;
    pub const CONTENT: usize = 96;

    /// Names up to this length are in the record itself.
    pub const INLINE_NAME: usize = NAME_END - NAME;
    /// How much of a longer name is in the record.
    pub const PREFIX_LEN: usize = NAME_END - NAME_PREFIX;
    /// The flag of a second or later name of a node.
    pub const ALIAS: u16 = 1;
}

/// Fields of an identity.
pub(super) mod identity {
    pub const NODE: usize = 0;
    pub const CTIME_SEC: usize = 8;
    pub const ATIME_SEC: usize = 16;
    pub const CTIME_NSEC: usize = 24;
    pub const ATIME_NSEC: usize = 28;
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub at: u64,
    pub len: u64,
}

/// All sections of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub records: Section,
    pub pool: Section,
    pub slots: Section,
    pub identity: Section,
    pub numbers: Section,
}

impl Layout {
    /// The only layout of an image with so many records and so long a pool; `None` if there is no such image.
    pub fn of(records: u64, pool_len: u64) -> Option<Layout> {
        let valid = (1..=u64::from(MAX_RECORDS)).contains(&records)
            && pool_len >= POOL_START
            && pool_len.is_multiple_of(POOL_ALIGN);
        if !valid {
            return None;
        }
        let slots = records * SLOTS_PER_CHILD as u64;
        let mut at = HEADER_LEN as u64;
        let mut section = |len: u64| {
            let section = Section { at, len };
            at = at.checked_add(len)?.checked_next_multiple_of(SECTION_ALIGN)?;
            Some(section)
        };
        Some(Layout {
            records: section(records * RECORD_LEN as u64)?,
            pool: section(pool_len)?,
            slots: section(slots * SLOT_LEN as u64)?,
            identity: section(records * IDENTITY_LEN as u64)?,
            numbers: section(numbers_len(records) * NUMBER_LEN as u64)?,
        })
    }

    /// The sections in the order of the file.
    pub fn sections(&self) -> [Section; 5] {
        [self.records, self.pool, self.slots, self.identity, self.numbers]
    }

    /// The length of the file.
    pub fn end(&self) -> u64 {
        self.numbers.at + self.numbers.len
    }
}

/// Places in the number table of so many records: never more than half are taken.
pub(super) fn numbers_len(records: u64) -> u64 {
    (2 * records).next_power_of_two()
}

/// The slots of a directory with these children; it may lie outside the section.
#[inline(always)]
pub(super) fn slots_of(first: u32, count: u32) -> Range<usize> {
    let start = first as usize * SLOTS_PER_CHILD;
    start..start + count as usize * SLOTS_PER_CHILD
}

/// The first slot to try for a name among the slots of `count` children: the low half of the hash, scaled.
#[inline(always)]
pub(super) fn slot_place(name_hash: u64, count: u32) -> usize {
    const { assert!(SLOTS_PER_CHILD == 2, "the shift is 32 bits less one for the doubling") };
    ((u64::from(name_hash as u32) * u64::from(count)) >> 31) as usize
}

/// A slot, as a number: the record in the low half, and above it the other half of the hash. 0 is an empty slot, since
/// the root is in no directory.
#[inline(always)]
pub(super) fn slot(name_hash: u64, index: u32) -> u64 {
    name_hash & !u64::from(u32::MAX) | u64::from(index)
}

/// What to add to `len` bytes of a pool entry so that the next entry is aligned.
pub(super) fn pool_padding(len: u64) -> u64 {
    len.wrapping_neg() % POOL_ALIGN
}
