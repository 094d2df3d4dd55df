//! Reading the live index: no lock, no wait, no system call.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::edit::EditError;
use super::latch;
use super::layout::*;
use super::state::NodeState;
use crate::hash::{number_hash, slot_hash};
use crate::name::{NAME_MAX, NameBuf};
use crate::shm::{Inode, Region, words_of};

/// A node record's offset. Never 0, so that "none" takes no room of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeRef(NonZeroU32);

impl NodeRef {
    #[inline(always)]
    pub(super) fn new(offset: u32) -> Option<NodeRef> {
        NonZeroU32::new(offset).map(NodeRef)
    }

    #[inline(always)]
    pub(super) fn offset(self) -> u32 {
        self.0.get()
    }

    #[inline(always)]
    pub(super) fn at(self) -> usize {
        self.0.get() as usize
    }
}

/// An entry record's offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryRef(pub(super) u32);

/// What a node record is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A node of the image, by its record.
    Image(u32),
    /// A node that the image does not have, by its number.
    Number(u64),
}

impl Key {
    #[inline(always)]
    pub(super) fn hash(self) -> u64 {
        match self {
            Key::Image(record) => number_hash(u64::from(record) | 1 << 63),
            Key::Number(number) => number_hash(number),
        }
    }
}

/// A live index.
pub struct Index {
    pub(super) region: Region,
}

impl Index {
    /// Maps an index for reading.
    pub fn open(path: &Path) -> io::Result<Index> {
        Ok(Index::new(Region::of_file(path, CAPACITY, false)?))
    }

    /// An empty index in memory of this process alone, to look at states of the past.
    pub fn private() -> Result<Index, EditError> {
        let refused = |_| EditError::Refused(rustix::io::Errno::NOMEM);
        Index::initialise(Region::in_memory(CAPACITY).map_err(refused)?, 0, [0; 4], 0)
    }

    /// An index over words that hold one already.
    pub(crate) fn new(region: Region) -> Index {
        Index { region: region.sized_by(H_SIZE) }
    }

    /// Which file the index is in; none for memory.
    pub(crate) fn inode(&self) -> Option<Inode> {
        self.region.inode()
    }

    /// Whether its file is shorter than its header says.
    pub(crate) fn is_cut(&self) -> bool {
        self.region.is_cut()
    }

    /// Whether the index is whole, and that of `epoch` over the image with this digest.
    pub(crate) fn is_of(&self, epoch: u64, image: [u64; 4]) -> bool {
        !self.is_cut()
            && self.get(H_MAGIC) == MAGIC
            && self.get(H_VERSION) == VERSION
            && self.get(H_EPOCH) == epoch
            && (0..4).all(|place| self.get(H_IMAGE + place) == image[place])
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> u64 {
        self.region.word(at).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// A header word.
    #[inline]
    pub fn header(&self, at: usize) -> u64 {
        self.get(at)
    }

    /// Whether nothing was changed since the image was made.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.get(H_NODES) == 0
    }

    /// The node record for `key`.
    #[inline(always)]
    pub fn node(&self, key: Key) -> Option<NodeRef> {
        let table = self.get(H_NODE_TABLE);
        if table == 0 {
            return None;
        }
        self.probe(table, key.hash(), |at| self.node_is(at, key)).and_then(NodeRef::new)
    }

    #[inline(always)]
    fn node_is(&self, at: usize, key: Key) -> bool {
        match key {
            Key::Image(record) => self.get(at + N_IMAGE) == u64::from(record),
            Key::Number(number) => {
                self.get(at + N_NUMBER) == number && self.get(at + N_IMAGE) == u64::from(NO_RECORD)
            }
        }
    }

    /// The entry record for `name` in `directory`. `name_hash` is [`crate::hash::name_hash`] of it.
    #[inline]
    pub fn entry(&self, directory: NodeRef, name: &[u8], name_hash: u64) -> Option<EntryRef> {
        let table = self.get(H_ENTRY_TABLE);
        if table == 0 {
            return None;
        }
        let hash = slot_hash(name_hash, directory.offset());
        self.probe(table, hash, |at| {
            self.get(at + E_PARENT) == u64::from(directory.offset()) && self.name_is(at, name)
        })
        .map(EntryRef)
    }

    /// The first record in `table` under `hash` for which `is_it` holds. A slot is `tag << 32 | offset`.
    #[inline]
    pub(super) fn probe(
        &self,
        table: u64,
        hash: u64,
        is_it: impl Fn(usize) -> bool,
    ) -> Option<u32> {
        let (start, slots) = table_place(table)?;
        let mask = slots - 1;
        for step in 0..slots {
            let slot = self.get(start + ((hash as usize).wrapping_add(step) & mask));
            if slot == 0 {
                return None;
            }
            if slot >> 32 == hash >> 32 && is_it(slot as u32 as usize) {
                return Some(slot as u32);
            }
        }
        None
    }

    fn name_is(&self, at: usize, name: &[u8]) -> bool {
        if self.get(at + E_NAME_LEN) & 0xffff != name.len() as u64 {
            return false;
        }
        words_of(name).enumerate().all(|(place, word)| self.get(at + E_NAME + place) == word)
    }

    /// What the entry means now; `None`: there is no such name.
    #[inline]
    pub fn entry_node(&self, entry: EntryRef) -> Option<NodeRef> {
        NodeRef::new(self.get(entry.0 as usize + E_NODE) as u32)
    }

    /// Whether the image has the entry's name in the same directory.
    pub fn entry_in_image(&self, entry: EntryRef) -> bool {
        self.get(entry.0 as usize + E_NAME_LEN) & E_IN_IMAGE != 0
    }

    /// The entry's name.
    pub fn entry_name(&self, entry: EntryRef) -> NameBuf {
        let at = entry.0 as usize;
        let mut name = NameBuf::default();
        let length = (self.get(at + E_NAME_LEN) & 0xffff) as usize;
        let filled = self.read_bytes(at + E_NAME, length.min(NAME_MAX), name.room());
        name.set_len(filled);
        name
    }

    /// Copies up to `length` bytes that begin with the word at `at`; how many there were.
    pub fn read_bytes(&self, at: usize, length: usize, into: &mut [u8]) -> usize {
        let length = length.min(into.len());
        for (place, chunk) in into[..length].chunks_mut(8).enumerate() {
            let Some(word) = at.checked_add(place).and_then(|at| self.region.word(at)) else {
                return place * 8;
            };
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes()[..chunk.len()]);
        }
        length
    }

    /// The newest entry of a directory's child list.
    pub fn first_entry(&self, directory: NodeRef) -> Option<EntryRef> {
        entry_ref(self.get(directory.at() + N_CHILDREN))
    }

    /// The next older one. It lies before the entry, so that a list ends even if its words lie.
    pub fn next_entry(&self, entry: EntryRef) -> Option<EntryRef> {
        entry_ref(self.get(entry.0 as usize + E_NEXT)).filter(|next| next.0 < entry.0)
    }

    /// Whether any entry of the directory was changed.
    #[inline]
    pub fn has_entries(&self, directory: NodeRef) -> bool {
        self.get(directory.at() + N_CHILDREN) != 0
    }

    /// The node's number.
    #[inline]
    pub fn number(&self, node: NodeRef) -> u64 {
        self.get(node.at() + N_NUMBER)
    }

    /// The image record that the node record stands for.
    #[inline]
    pub fn image_record(&self, node: NodeRef) -> Option<u32> {
        u32::try_from(self.get(node.at() + N_IMAGE)).ok().filter(|&record| record != NO_RECORD)
    }

    /// The node's state; `None` if the record lies.
    #[inline]
    pub fn state(&self, node: NodeRef) -> Option<NodeState> {
        let (version, copies) = self.latch(node)?;
        Some(NodeState::from_words(latch::load(version, copies)))
    }

    #[inline]
    pub(super) fn latch(&self, node: NodeRef) -> Option<(&AtomicU64, [&[AtomicU64; COPY]; 2])> {
        let at = node.at();
        let first = self.region.words::<COPY>(at + N_COPIES)?;
        let second = self.region.words::<COPY>(at + N_COPIES + COPY)?;
        Some((self.region.word(at + N_VERSION)?, [first, second]))
    }

    /// Every node record, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRef> + '_ {
        let (start, slots) = table_place(self.get(H_NODE_TABLE)).unwrap_or((0, 0));
        // Whatever the header says, there are no slots where there is no file.
        let end = (start + slots).min(self.region.len());
        (start..end).filter_map(move |slot| NodeRef::new(self.get(slot) as u32))
    }
}

fn entry_ref(word: u64) -> Option<EntryRef> {
    match word as u32 {
        0 => None,
        offset => Some(EntryRef(offset)),
    }
}

/// Start and number of slots of a table word.
pub(super) fn table_place(table: u64) -> Option<(usize, usize)> {
    let bits = (table & 0xff) as u32;
    if table == 0 || bits >= 32 {
        return None;
    }
    Some((usize::try_from(table >> 8).ok()?, 1 << bits))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::attributes::Attributes;
    use crate::time::Timestamp;

    fn state() -> NodeState {
        let time = Timestamp::default();
        let attributes = Attributes {
            mode: 0o040755,
            uid: 0,
            gid: 0,
            nlink: 2,
            size: 4096,
            atime: time,
            mtime: time,
            ctime: time,
            rdev: 0,
        };
        NodeState { seq: 1, attributes, content: [0; 4], parent: 1, draft: 0, xattrs: 0 }
    }

    /// A directory with three names.
    fn index() -> (Index, NodeRef) {
        let region = Region::in_memory(2 * GROWTH).expect("memory");
        let index = Index::initialise(region, 0, [0; 4], 0).expect("room");
        let edit = index.edit();
        let directory = edit.node(Key::Number(2), 2, || Ok(state())).expect("room");
        for name in [b"one", b"two", b"six"] {
            edit.set_entry(directory, name, false, Some(directory)).expect("room");
        }
        (index, directory)
    }

    fn listed(index: &Index, directory: NodeRef) -> usize {
        let mut entry = index.first_entry(directory);
        let mut count = 0;
        while let Some(at) = entry {
            entry = index.next_entry(at);
            count += 1;
        }
        count
    }

    #[test]
    fn a_child_list_that_was_made_to_lead_round_ends() {
        let (index, directory) = index();
        assert_eq!(listed(&index, directory), 3);
        let newest = index.first_entry(directory).expect("three entries");
        let oldest = index.next_entry(index.next_entry(newest).expect("two")).expect("three");
        for (from, to) in [(oldest, newest), (oldest, oldest), (newest, newest)] {
            let (index, directory) = self::index();
            index.edit().set(from.0 as usize + E_NEXT, u64::from(to.0)).expect("writable");
            assert!(listed(&index, directory) <= 3);
        }
    }

    #[test]
    fn a_table_that_says_it_is_larger_than_the_file_is_read_only_so_far() {
        let (index, directory) = index();
        let (start, _) = table_place(index.header(H_NODE_TABLE)).expect("a table");
        for bits in [17, 20, 31, 32, 63, 255] {
            index.edit().set(H_NODE_TABLE, (start as u64) << 8 | bits).expect("writable");
            assert!(index.nodes().count() < GROWTH);
            assert_eq!(index.node(Key::Number(77)), None);
        }
        for word in [u64::MAX, u64::MAX << 8 | 8, 31, 1 << 63] {
            index.edit().set(H_NODE_TABLE, word).expect("writable");
            index.edit().set(H_ENTRY_TABLE, word).expect("writable");
            index.nodes().for_each(drop);
            assert_eq!(index.node(Key::Number(2)), None);
            assert_eq!(index.entry(directory, b"one", crate::hash::name_hash(b"one")), None);
        }
    }

    #[test]
    #[cfg(not(miri))]
    fn words_that_the_file_does_not_have_are_none_whatever_its_size_is_said_to_be() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, elsewhere) = (directory.path().join("index"), directory.path().join("gone"));
        for (said, writable) in [(1024, false), (1024, true), (1 << 20, false), (1 << 20, true)] {
            let file = std::fs::File::create_new(&path).expect("a file");
            let put = |at: usize, word: u64| {
                file.write_all_at(&word.to_le_bytes(), at as u64 * 8).expect("written");
            };
            put(H_SIZE, said);
            put(1023, 7);
            let region = Region::of_file(&path, CAPACITY, writable).expect("mapped");
            let index = Index::new(region);
            assert_eq!(index.is_cut(), said > 1024);
            std::fs::rename(&path, &elsewhere).expect("renamed");
            for lie in [1 << 20, u64::MAX] {
                put(H_SIZE, lie);
                for at in [1024, 5000, 1 << 19, CAPACITY - 1, CAPACITY, usize::MAX] {
                    assert_eq!(index.header(at), 0, "{at} of {lie}");
                }
            }
            // What it has by now is there.
            put(5000, 9);
            put(H_SIZE, 5001);
            assert_eq!([1023, 5000, 5001].map(|at| index.header(at)), [7, 9, 0]);
        }
    }
}
