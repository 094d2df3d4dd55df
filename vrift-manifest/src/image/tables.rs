//! The two open-addressing tables: names to records, node numbers to records.
//!
//! Linear probing, filled in record order, so that a set of records has one table. The builder writes them and the
//! check compares with them.

use super::layout::table_len;
use crate::hash::{number_hash, slot_hash};

/// The slots: for (parent, name) the record.
pub(super) struct Slots {
    slots: Vec<u64>,
}

impl Slots {
    /// An empty table for so many records.
    pub fn new(records: u64) -> Slots {
        Slots { slots: vec![0; table_len(records) as usize] }
    }

    /// Enters the record `index`, which lies in `parent`.
    pub fn insert(&mut self, parent: u32, name_hash: u64, index: u32) {
        let hash = slot_hash(name_hash, parent);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        // There is an empty slot: at most half of them are ever taken.
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = (hash >> 32) | (u64::from(index) + 1) << 32;
    }

    /// The bytes of each slot: the tag, then the index + 1.
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
        Numbers { numbers: vec![0; table_len(records) as usize] }
    }

    /// Enters the primary record `index` of `node`, unless the number is there already. `node_of` tells the number of
    /// a record that was entered before.
    pub fn insert(&mut self, node: u64, index: u32, node_of: impl Fn(u32) -> u64) -> bool {
        let mask = self.numbers.len() - 1;
        let mut at = number_hash(node) as usize & mask;
        while let Some(other) = self.numbers[at].checked_sub(1) {
            if node_of(other) == node {
                return false;
            }
            at = (at + 1) & mask;
        }
        self.numbers[at] = index + 1;
        true
    }

    /// The bytes of each place: the index + 1.
    pub fn bytes(&self) -> impl Iterator<Item = [u8; 4]> + '_ {
        self.numbers.iter().map(|number| number.to_le_bytes())
    }
}
