//! The two kinds of open-addressing tables: for each directory its names, and for all node numbers their records.
//!
//! Linear probing of a bounded length, filled in record order, so that a set of records has one table. The builder
//! writes them and the check compares with them.

use super::layout::{
    NUMBER_PROBES, SLOT_PROBES, SLOTS_PER_CHILD, numbers_len, slot, slot_place, slots_of,
};
use crate::hash::number_hash;

/// The slots: a table per directory, in the order of the directories.
pub(super) struct Slots {
    slots: Vec<u64>,
}

impl Slots {
    /// Empty tables for so many records.
    pub fn new(records: u64) -> Slots {
        Slots { slots: vec![0; records as usize * SLOTS_PER_CHILD] }
    }

    /// Enters the record `index` of the directory whose `count` children begin with `first`, or leaves it out if its
    /// slot would be too far away.
    pub fn insert(&mut self, first: u32, count: u32, name_hash: u64, index: u32) {
        let Some(table) = self.slots.get_mut(slots_of(first, count)) else { return };
        let len = table.len();
        let place = slot_place(name_hash, count);
        let mut places = (0..SLOT_PROBES.min(len)).map(|step| (place + step) % len);
        if let Some(at) = places.find(|&at| table[at] == 0) {
            table[at] = slot(name_hash, index);
        }
    }

    /// The bytes of each slot: the index, then the tag.
    pub fn bytes(&self) -> impl Iterator<Item = [u8; 8]> + '_ {
        self.slots.iter().map(|slot| slot.to_le_bytes())
    }
}

/// The number table: for a node number the record.
pub(super) struct Numbers {
    numbers: Vec<u32>,
}

impl Numbers {
    /// An empty table for so many records.
    pub fn new(records: u64) -> Numbers {
        Numbers { numbers: vec![0; numbers_len(records) as usize] }
    }

    /// Enters the primary record `index` of `node`. `node_of` tells the number of a record that was entered before.
    pub fn insert(
        &mut self,
        node: u64,
        index: u32,
        node_of: impl Fn(u32) -> u64,
    ) -> Result<(), NumberClash> {
        let mask = self.numbers.len() - 1;
        let hash = number_hash(node) as usize;
        for at in (0..NUMBER_PROBES).map(|step| hash.wrapping_add(step) & mask) {
            match self.numbers[at].checked_sub(1) {
                Some(other) if node_of(other) == node => return Err(NumberClash::Twice),
                Some(_) => {}
                None => {
                    self.numbers[at] = index + 1;
                    return Ok(());
                }
            }
        }
        Err(NumberClash::TooFar)
    }

    /// The bytes of each place: the index + 1.
    pub fn bytes(&self) -> impl Iterator<Item = [u8; 4]> + '_ {
        self.numbers.iter().map(|number| number.to_le_bytes())
    }
}

/// Why a node number cannot be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberClash {
    /// It is there already.
    Twice,
    /// Too many others have its place: they were chosen to.
    TooFar,
}

impl NumberClash {
    /// For the check.
    pub fn what(self) -> &'static str {
        match self {
            NumberClash::Twice => "its node number is another node's",
            NumberClash::TooFar => "its node number collides with too many others",
        }
    }
}
