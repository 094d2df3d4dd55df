//! Editing the live index: the holder of the lock, and nobody else.
//!
//! Every step may be the last one of a process that is killed. So each function leaves something that readers can
//! use, and doing a whole change again ends in the same state: nodes remember the record that changed them last, an
//! entry is found before one is made, and space is taken before it is used (what a dead process took stays unused).

use std::sync::atomic::Ordering;

use super::latch;
use super::layout::*;
use super::read::{EntryRef, Index, Key, NodeRef, table_place};
use super::state::NodeState;
use crate::hash::{name_hash, slot_hash};
use crate::shm::{Grow, Region, words_of};
use crate::time::Timestamp;

/// The writing side of an index.
pub struct Editor<'a> {
    index: &'a Index,
}

/// The index cannot take the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It reached its capacity: the workspace must be compacted.
    #[error("the live index is full")]
    Full,
    /// Its file could not grow.
    #[error("the live index cannot grow: {0}")]
    Refused(rustix::io::Errno),
    /// Its file was removed while it was in use.
    #[error("the live index was removed")]
    Gone,
    /// A word points nowhere.
    #[error("the live index is damaged")]
    Damaged,
}

impl From<Grow> for EditError {
    fn from(grow: Grow) -> EditError {
        match grow {
            Grow::Full => EditError::Full,
            Grow::Refused(errno) => EditError::Refused(errno),
            Grow::Gone => EditError::Gone,
        }
    }
}

impl Index {
    /// Makes an empty index in zeroed words. The magic is not set yet: see [`Editor::publish`].
    pub(crate) fn initialise(
        region: Region,
        epoch: u64,
        image: [u64; 4],
        owner: u64,
    ) -> Result<Index, EditError> {
        let index = Index::new(region);
        index.region.ensure(GROWTH.min(CAPACITY))?;
        let editor = index.edit();
        editor.set(H_VERSION, VERSION)?;
        editor.set(H_EPOCH, epoch)?;
        editor.set(H_OWNER, owner)?;
        for (place, word) in image.into_iter().enumerate() {
            editor.set(H_IMAGE + place, word)?;
        }
        editor.set(H_USED, HEADER as u64)?;
        Ok(index)
    }

    /// The writing side. Only the holder of the workspace's lock may use it, or the owner of a private index.
    pub fn edit(&self) -> Editor<'_> {
        Editor { index: self }
    }
}

impl Editor<'_> {
    /// Declares a newly built index complete.
    pub fn publish(&self) -> Result<(), EditError> {
        self.set(H_MAGIC, MAGIC)
    }

    /// Sets a word: one of the header in both of its places.
    pub fn set(&self, at: usize, value: u64) -> Result<(), EditError> {
        let store = |at| self.index.region.store(at, value, Ordering::Release);
        if store(at) && (at >= DOUBLED || store(H_AGAIN + at)) {
            Ok(())
        } else {
            Err(EditError::Damaged)
        }
    }

    fn get(&self, at: usize) -> u64 {
        self.index.get(at)
    }

    /// Makes room for any one change that adds `extra` bytes of names and targets, so that after the change was
    /// journalled nothing can fail. A change that `frees` may use what others must leave, and fuller tables. `bound`:
    /// the most words to grow to.
    pub fn reserve(&self, extra: usize, frees: bool, bound: usize) -> Result<(), EditError> {
        let table_growth = |table, count| {
            let used = self.get(count) as usize + 8;
            match table_place(self.get(table)) {
                None => 1 << FIRST_TABLE_BITS,
                Some((_, slots)) if is_crowded(used, slots) => slots * 4,
                Some((_, slots)) if used * 2 > slots && !frees => slots * 4,
                Some(_) => 0,
            }
        };
        // At most five node records and two entries a change (an exchange across directories).
        let need = 5 * NODE
            + 2 * E_NAME
            + extra.div_ceil(8)
            + 8
            + table_growth(H_NODE_TABLE, H_NODES)
            + table_growth(H_ENTRY_TABLE, H_ENTRIES);
        let keep = if frees { 0 } else { RESERVE };
        let wanted = self.get(H_USED) as usize + need + keep;
        if wanted > bound {
            return Err(EditError::Full);
        }
        if wanted <= self.index.region.len() {
            return Ok(());
        }
        let generous = wanted.next_multiple_of(GROWTH);
        match self.index.region.ensure(generous) {
            Err(Grow::Refused(_) | Grow::Full) => Ok(self.index.region.ensure(wanted)?),
            other => Ok(other?),
        }
    }

    /// Takes `words` fresh (zero) words.
    fn take(&self, words: usize) -> Result<usize, EditError> {
        let at = self.get(H_USED) as usize;
        let end = at.checked_add(words).ok_or(EditError::Damaged)?;
        if at < HEADER || u32::try_from(end).is_err() {
            return Err(EditError::Full);
        }
        if end > self.index.region.len() {
            self.index.region.ensure(end.next_multiple_of(GROWTH).min(CAPACITY.max(end)))?;
        }
        self.set(H_USED, end as u64)?;
        Ok(at)
    }

    /// Copies bytes into the arena; the offset of the first word.
    pub fn bytes(&self, bytes: &[u8]) -> Result<u64, EditError> {
        let at = self.take(bytes.len().div_ceil(8).max(1))?;
        self.fill(at, bytes)?;
        Ok(at as u64)
    }

    fn fill(&self, at: usize, bytes: &[u8]) -> Result<(), EditError> {
        words_of(bytes).enumerate().try_for_each(|(place, word)| self.set(at + place, word))
    }

    /// The node record for `key`, made with `state` (a first one) if there is none.
    pub fn node(
        &self,
        key: Key,
        number: u64,
        first: impl FnOnce() -> Result<NodeState, EditError>,
    ) -> Result<NodeRef, EditError> {
        if let Some(node) = self.index.node(key) {
            return Ok(node);
        }
        let state = first()?;
        let at = self.take(NODE)?;
        let image = match key {
            Key::Image(record) => record,
            Key::Number(_) => NO_RECORD,
        };
        self.set(at + N_NUMBER, number)?;
        self.set(at + N_IMAGE, u64::from(image))?;
        let offset = u32::try_from(at).map_err(|_| EditError::Full)?;
        let node = NodeRef::new(offset).ok_or(EditError::Damaged)?;
        self.set_state(node, &state)?;
        self.insert(H_NODE_TABLE, H_NODES, key.hash(), offset, |offset| self.node_hash(offset))?;
        Ok(node)
    }

    /// Replaces a node's state.
    pub fn set_state(&self, node: NodeRef, state: &NodeState) -> Result<(), EditError> {
        if !self.index.region.is_writable() {
            return Err(EditError::Damaged);
        }
        let (version, copies) = self.index.latch(node).ok_or(EditError::Damaged)?;
        latch::store(version, copies, &state.to_words());
        Ok(())
    }

    /// Makes `name` in `directory` mean `target` (or nothing). The switch is one store.
    pub fn set_entry(
        &self,
        directory: NodeRef,
        name: &[u8],
        in_image: bool,
        target: Option<NodeRef>,
    ) -> Result<(), EditError> {
        let hash = name_hash(name);
        let entry = match self.index.entry(directory, name, hash) {
            Some(entry) => entry,
            None => self.new_entry(directory, name, hash, in_image, target)?,
        };
        self.enlist(directory, entry)?;
        self.set(entry.0 as usize + E_NODE, target.map_or(0, |node| u64::from(node.offset())))
    }

    fn new_entry(
        &self,
        directory: NodeRef,
        name: &[u8],
        hash: u64,
        in_image: bool,
        target: Option<NodeRef>,
    ) -> Result<EntryRef, EditError> {
        let at = self.take(E_NAME + name.len().div_ceil(8))?;
        let flag = if in_image { E_IN_IMAGE } else { 0 };
        self.set(at + E_PARENT, u64::from(directory.offset()))?;
        self.set(at + E_NODE, target.map_or(0, |node| u64::from(node.offset())))?;
        self.set(at + E_NAME_LEN, name.len() as u64 | flag)?;
        self.set(at + E_HASH, hash)?;
        self.fill(at + E_NAME, name)?;
        let offset = u32::try_from(at).map_err(|_| EditError::Full)?;
        let slot = slot_hash(hash, directory.offset());
        self.insert(H_ENTRY_TABLE, H_ENTRIES, slot, offset, |offset| self.entry_hash(offset))?;
        Ok(EntryRef(offset))
    }

    /// Puts an entry into its directory's child list, unless it is there. Its maker may have died at any step: before
    /// it got a successor (0), or before it became the head. A linked entry's successor is never the head, because the
    /// head is at least as new as the entry itself.
    fn enlist(&self, directory: NodeRef, entry: EntryRef) -> Result<(), EditError> {
        let head = directory.at() + N_CHILDREN;
        let next = entry.0 as usize + E_NEXT;
        let first = self.get(head);
        if self.get(next) == 0 {
            self.set(next, if first == 0 { END_OF_LIST } else { first })?;
        }
        if first == 0 || self.get(next) == first {
            self.set(head, u64::from(entry.0))?;
        }
        Ok(())
    }

    /// Inserts a record into a table, making a larger one first where it is half full.
    fn insert(
        &self,
        table: usize,
        count: usize,
        hash: u64,
        offset: u32,
        hash_of: impl Fn(u32) -> u64,
    ) -> Result<(), EditError> {
        let used = self.get(count) as usize;
        // Counted before it is there: counting a record twice, after a death in between, makes the next table come a
        // little early; never having counted it would make the first change of all invisible (see `is_empty`).
        self.set(count, used as u64 + 1)?;
        let (start, slots) = table_place(self.get(table)).unwrap_or((0, 0));
        if (used + 1) * 2 > slots && self.can_grow(used, slots) {
            let bits = if slots == 0 { FIRST_TABLE_BITS } else { slots.trailing_zeros() + 1 };
            let larger = self.take(1 << bits)?;
            for place in 0..slots {
                match self.get(start + place) as u32 {
                    0 => {}
                    old => self.put_slot(larger, 1 << bits, hash_of(old), old)?,
                }
            }
            self.put_slot(larger, 1 << bits, hash, offset)?;
            self.set(table, (larger as u64) << 8 | u64::from(bits))
        } else {
            self.put_slot(start, slots, hash, offset)
        }
    }

    /// Whether there is room for a larger table and for all else that one change needs, or it must be found.
    fn can_grow(&self, used: usize, slots: usize) -> bool {
        let room = self.get(H_USED) as usize + 2 * slots + SPARE;
        is_crowded(used + 1, slots) || self.index.region.ensure(room).is_ok()
    }

    fn put_slot(
        &self,
        start: usize,
        slots: usize,
        hash: u64,
        offset: u32,
    ) -> Result<(), EditError> {
        for step in 0..slots {
            let at = start + ((hash as usize).wrapping_add(step) & (slots - 1));
            if self.get(at) == 0 {
                return self.set(at, (hash >> 32) << 32 | u64::from(offset));
            }
        }
        Err(EditError::Damaged)
    }

    fn node_hash(&self, offset: u32) -> u64 {
        let Some(node) = NodeRef::new(offset) else { return 0 };
        match self.index.image_record(node) {
            Some(record) => Key::Image(record).hash(),
            None => Key::Number(self.index.number(node)).hash(),
        }
    }

    fn entry_hash(&self, offset: u32) -> u64 {
        let at = offset as usize;
        slot_hash(self.get(at + E_HASH), self.get(at + E_PARENT) as u32)
    }

    /// Says that directory prefixes may mean something else from now on.
    pub fn bump_generation(&self) -> Result<(), EditError> {
        self.set(H_GENERATION, self.get(H_GENERATION).wrapping_add(1))
    }

    /// Raises the clock's floor to `time`.
    pub fn raise_floor(&self, time: Timestamp) -> Result<(), EditError> {
        self.index.raise_floor(time).then_some(()).ok_or(EditError::Damaged)
    }

    /// Raises the next node number above `number`.
    pub fn raise_next_node(&self, number: u64) -> Result<(), EditError> {
        if number >= self.get(H_NEXT_NODE) {
            self.set(H_NEXT_NODE, number.saturating_add(1))?;
        }
        Ok(())
    }
}

impl Index {
    /// Raises the clock's floor. It only ever rises, so for this no lock is needed. `false`: it is mapped for reading.
    pub fn raise_floor(&self, time: Timestamp) -> bool {
        let nanos = time.to_nanos();
        time <= self.floor()
            || self.region.raise(H_FLOOR, nanos) && self.region.raise(H_AGAIN + H_FLOOR, nanos)
    }

    /// No stamp is older than this.
    pub fn floor(&self) -> Timestamp {
        Timestamp::from_nanos(self.get(H_FLOOR) as i64)
    }
}

/// Words that a change needs which removes something, tables left out.
const SPARE: usize = 1024;

/// Whether a table must be replaced by a larger one. At half full it should be, and is if there is room.
fn is_crowded(used: usize, slots: usize) -> bool {
    used * 8 > slots * 7
}
