//! Listing a directory in parts: a place in the listing is one number, and the next part begins there, in this process
//! or in another. The order is that of `children`: the image's entries, then what the journal added, newest first.
//!
//! What is there throughout is listed once, whatever happens meanwhile: an entry of the image keeps its record, an entry
//! that was added keeps its place, and newer ones come before it.

use super::read::{Cursor, Tree};
use crate::attributes::Kind;
use crate::hash::name_hash;
use crate::image::Damaged;
use crate::index::layout::NO_RECORD;
use crate::index::{EntryRef, NodeRef};

/// An entry of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The node's number.
    pub number: u64,
    /// What sort of node it is.
    pub kind: Kind,
    /// The place behind this entry.
    pub next: u64,
}

/// Places from here on are in the list of what was added: the entry's place is in the low half, 0 behind the last.
const ADDED: u64 = 1 << 32;

impl Tree {
    /// How new an entry of `directory` can be now, for [`Tree::list`]: later ones are newer.
    pub fn newest(&self, directory: Cursor) -> u32 {
        let first = directory.live.and_then(|live| self.index.first_entry(live));
        first.map_or(0, EntryRef::place)
    }

    /// Gives the entries of `directory` from `place` on (0: the first) to `take`, until that refuses one; without `.` and
    /// `..`, and without what was added later than `newest`. A place that is none is as good as the end.
    pub fn list(
        &self,
        directory: Cursor,
        place: u64,
        newest: u32,
        mut take: impl FnMut(Listed<'_>) -> bool,
    ) -> Result<(), Damaged> {
        let live = directory.live.filter(|&node| self.index.has_entries(node));
        let records = match directory.record {
            NO_RECORD => 0..0,
            record => self.image.children(record)?,
        };
        let count = u64::from(records.end - records.start);
        let mut added = match place.checked_sub(ADDED) {
            None => {
                // A place is a record's distance from the first: at most their number.
                for record in records.start.saturating_add(place.min(count) as u32)..records.end {
                    let next = u64::from(record - records.start) + 1;
                    if !self.list_record(record, live, next, &mut take)? {
                        return Ok(());
                    }
                }
                let mut first = live.and_then(|live| self.index.first_entry(live));
                while let Some(entry) = first.filter(|entry| entry.place() > newest) {
                    first = self.index.next_entry(entry);
                }
                first
            }
            Some(place) => u32::try_from(place)
                .ok()
                .and_then(|place| live.and_then(|live| self.index.entry_at(live, place))),
        };
        while let Some(entry) = added {
            added = self.index.next_entry(entry);
            let next = ADDED | added.map_or(0, |entry| u64::from(entry.place()));
            if !self.index.entry_in_image(entry)
                && let Some(node) = self.index.entry_node(entry)
            {
                let (name, at) = (self.index.entry_name(entry), self.at_node(node));
                let (number, kind) = (self.number(at)?, self.kind(at)?);
                if !take(Listed { name: &name, number, kind, next }) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Gives what the name of an image record means now, if it means anything; whether to go on.
    fn list_record(
        &self,
        record: u32,
        live: Option<NodeRef>,
        next: u64,
        take: &mut impl FnMut(Listed<'_>) -> bool,
    ) -> Result<bool, Damaged> {
        let name = self.image.name(record)?;
        let changed = live.and_then(|live| self.index.entry(live, name, name_hash(name)));
        let (number, kind) = match changed {
            Some(entry) => match self.index.entry_node(entry) {
                Some(node) => (self.number(self.at_node(node))?, self.kind(self.at_node(node))?),
                None => return Ok(true),
            },
            // Number and type of a node never change, so that what the journal says of it need not be looked for.
            None => {
                let primary = self.image.primary(record)?;
                (self.image.node_number(primary)?, self.image.kind(primary)?)
            }
        };
        Ok(take(Listed { name, number, kind, next }))
    }
}
