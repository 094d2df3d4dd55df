//! From a directory and a name to a record, and from a node number to a record.

use std::cmp::Ordering;
use std::ops::Range;

use super::error::Damaged;
use super::layout::{
    NUMBER_LEN, NUMBER_PROBES, RECORD_LEN, SLOT_LEN, SLOT_PROBES, record, slot, slot_place,
    slots_of,
};
use super::open::{Image, u64_at};
use super::record::Record;
use crate::hash::number_hash;

/// The sections that names are looked up in, taken once for all components of a path.
pub struct Rows<'a, B> {
    image: &'a Image<B>,
    records: &'a [[u8; RECORD_LEN]],
    slots: &'a [[u8; SLOT_LEN]],
}

impl<B: AsRef<[u8]>> Image<B> {
    /// Records and slots, to look up more than one name.
    #[inline(always)]
    pub fn rows(&self) -> Rows<'_, B> {
        Rows {
            image: self,
            records: self.section(&self.records).as_chunks().0,
            slots: self.section(&self.slots).as_chunks().0,
        }
    }

    /// The node that `name` is in the directory `parent`: the index of its primary record.
    ///
    /// `name_hash` must be [`name_hash`](crate::hash::name_hash) of `name`: a caller that asks several images for one
    /// name computes it once.
    #[inline]
    pub fn lookup(&self, parent: u32, name: &[u8], name_hash: u64) -> Result<Option<u32>, Damaged> {
        self.rows().lookup(parent, name, name_hash)
    }

    /// As [`lookup`](Image::lookup), but an alias is given as itself: the record of the name, not of the node.
    #[inline]
    pub fn lookup_entry(
        &self,
        parent: u32,
        name: &[u8],
        name_hash: u64,
    ) -> Result<Option<u32>, Damaged> {
        Ok(self.rows().find(parent, name, name_hash)?.map(|(index, _)| index))
    }

    /// The primary record of the node that record `index` names: `index` itself unless it is an alias.
    #[inline]
    pub fn primary(&self, index: u32) -> Result<u32, Damaged> {
        let record = self.record(index)?;
        if record.is_alias() { self.follow(index, record) } else { Ok(index) }
    }

    /// Whether record `index` is the primary one of a node number.
    #[inline]
    pub fn is_primary_of(&self, index: u32, node: u64) -> bool {
        self.identity(index).is_ok_and(|identity| identity.node() == node)
            && self.record(index).is_ok_and(|record| !record.is_alias())
    }

    /// The primary record of a node number; `None` if the image has no such node.
    #[inline]
    pub fn by_number(&self, node: u64) -> Result<Option<u32>, Damaged> {
        let (numbers, _) = self.section(&self.numbers).as_chunks::<NUMBER_LEN>();
        let mask = numbers.len().wrapping_sub(1);
        let hash = number_hash(node) as usize;
        for at in (0..NUMBER_PROBES).map(|step| hash.wrapping_add(step) & mask) {
            let Some(number) = numbers.get(at) else { break };
            let Some(index) = u32::from_le_bytes(*number).checked_sub(1) else { return Ok(None) };
            if self.identity(index)?.node() == node {
                if self.record(index)?.is_alias() {
                    return Err(Damaged::new("a node number leads to an alias", index));
                }
                return Ok(Some(index));
            }
        }
        Err(Damaged::new("the table of node numbers is too full", hash as u32))
    }

    /// Among the children of `parent`, by their order. Only for a name whose slots are crowded.
    #[cold]
    #[inline(never)]
    fn search(&self, parent: u32, name: &[u8]) -> Result<Option<(u32, Record<'_>)>, Damaged> {
        let Range { start: mut low, end: mut high } = self.children(parent)?;
        while low < high {
            let index = low + (high - low) / 2;
            match self.name(index)?.cmp(name) {
                Ordering::Less => low = index + 1,
                Ordering::Greater => high = index,
                Ordering::Equal => {
                    let record = self.record(index)?;
                    if record.parent() != parent {
                        return Err(Damaged::new("a child has another parent", index));
                    }
                    return Ok(Some((index, record)));
                }
            }
        }
        Ok(None)
    }

    #[inline(always)]
    fn is_named(&self, index: u32, record: Record<'_>, name: &[u8]) -> Result<bool, Damaged> {
        if record.name_len() != name.len() {
            return Ok(false);
        }
        match record.name_field().get(..name.len()) {
            Some(field) => Ok(same(field, name)),
            None => self.is_named_long(index, record, name),
        }
    }

    #[inline(never)]
    fn is_named_long(&self, index: u32, record: Record<'_>, name: &[u8]) -> Result<bool, Damaged> {
        if !name.starts_with(record.name_prefix()) {
            return Ok(false);
        }
        let whole = self.pool_bytes(record.name_pool(), name.len() as u64);
        Ok(whole.ok_or_else(|| Damaged::new("a name is outside the pool", index))? == name)
    }

    #[inline(never)]
    fn follow(&self, index: u32, alias: Record<'_>) -> Result<u32, Damaged> {
        let primary = alias.link();
        if primary >= index || self.record(primary)?.is_alias() {
            return Err(Damaged::new("an alias does not lead to an earlier record", index));
        }
        Ok(primary)
    }
}

impl<'a, B: AsRef<[u8]>> Rows<'a, B> {
    /// As [`Image::lookup`].
    #[inline(always)]
    pub fn lookup(&self, parent: u32, name: &[u8], name_hash: u64) -> Result<Option<u32>, Damaged> {
        match self.find(parent, name, name_hash)? {
            None => Ok(None),
            Some((index, record)) if !record.is_alias() => Ok(Some(index)),
            Some((index, record)) => self.image.follow(index, record).map(Some),
        }
    }

    /// As [`Image::mode`].
    #[inline(always)]
    pub fn mode(&self, index: u32) -> Result<u32, Damaged> {
        Ok(self.record(index)?.mode())
    }

    #[inline(always)]
    fn record(&self, index: u32) -> Result<Record<'a>, Damaged> {
        match self.records.get(index as usize) {
            Some(record) => Ok(Record(record)),
            None => Err(Damaged::new("there is no such record", index)),
        }
    }

    #[inline(always)]
    fn find(
        &self,
        parent: u32,
        name: &[u8],
        name_hash: u64,
    ) -> Result<Option<(u32, Record<'a>)>, Damaged> {
        let directory = self.record(parent)?;
        let (first, count) = (directory.link(), directory.count());
        let Some(slots) = self.slots.get(slots_of(first, count)) else {
            return Err(Damaged::new("children are outside the records", parent));
        };
        let mut at = slot_place(name_hash, count);
        for _ in 0..SLOT_PROBES {
            // Not there only if there are no slots at all: a directory without children, or no directory.
            let Some(stored) = slots.get(at) else { return Ok(None) };
            let stored = u64_at(stored, 0);
            let index = stored as u32;
            if index == 0 {
                return Ok(None);
            }
            if stored == slot(name_hash, index) {
                let Some(record) = self.records.get(index as usize).map(Record) else {
                    return Err(Damaged::new("a slot leads to no record", index));
                };
                if record.parent() != parent {
                    return Err(Damaged::new("a slot leads to another directory", index));
                }
                if self.image.is_named(index, record, name)? {
                    return Ok(Some((index, record)));
                }
            }
            at += 1;
            if at == slots.len() {
                at = 0;
            }
        }
        self.image.search(parent, name)
    }
}

/// Whether two slices of one length, at most that of a name in a record, are equal: overlapping words from both ends
/// instead of a call or a loop.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    debug_assert!(a.len() == b.len() && a.len() <= record::INLINE_NAME);
    if a.len() >= 16 {
        ends::<16>(a, b) && (a.len() <= 32 || a.get(16..32) == b.get(16..32))
    } else if a.len() >= 8 {
        ends::<8>(a, b)
    } else if a.len() >= 4 {
        ends::<4>(a, b)
    } else {
        a.first() == b.first() && a.last() == b.last() && a.get(1) == b.get(1)
    }
}

/// Whether the first and the last `N` bytes are equal.
#[inline(always)]
fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
}
