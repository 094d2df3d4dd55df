//! Going on in a directory's child list from a place that was noted.

use super::layout::E_PARENT;
use super::read::{EntryRef, Index, NodeRef};

impl EntryRef {
    /// Where the entry is, to come back to: an older entry of a list has the smaller number. Never 0.
    pub fn place(self) -> u32 {
        self.0
    }
}

impl Index {
    /// The entry of `directory` at `place`, if there is one: what was noted may come from anywhere.
    pub fn entry_at(&self, directory: NodeRef, place: u32) -> Option<EntryRef> {
        let parent = self.get((place as usize).checked_add(E_PARENT)?);
        (place != 0 && parent == u64::from(directory.offset())).then_some(EntryRef(place))
    }
}
