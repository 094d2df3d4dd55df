//! Listing a directory: the image's entries that still stand, then what the journal added, newest first.

use std::ops::Range;

use super::read::{Cursor, Tree};
use crate::hash::name_hash;
use crate::image::Damaged;
use crate::index::layout::NO_RECORD;
use crate::index::{EntryRef, NodeRef};
use crate::name::NameBuf;

/// The entries of a directory, without `.` and `..`.
pub struct Children<'a> {
    tree: &'a Tree,
    live: Option<NodeRef>,
    records: Range<u32>,
    added: Option<EntryRef>,
}

impl Tree {
    /// The entries of `directory`; none if it is not one.
    pub fn children(&self, directory: Cursor) -> Result<Children<'_>, Damaged> {
        let live = directory.live.filter(|&node| self.index.has_entries(node));
        let records = if directory.record == NO_RECORD {
            0..0
        } else {
            self.image.children(directory.record)?
        };
        // Taken now: what is added later is at the head of the list, and not seen.
        let added = live.and_then(|node| self.index.first_entry(node));
        Ok(Children { tree: self, live, records, added })
    }

    /// Whether the directory holds nothing.
    pub fn is_empty_directory(&self, directory: Cursor) -> Result<bool, Damaged> {
        match self.children(directory)?.next() {
            None => Ok(true),
            Some(first) => first.map(|_| false),
        }
    }
}

impl Iterator for Children<'_> {
    type Item = Result<(NameBuf, Cursor), Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(record) = self.records.next() {
            match self.standing(record) {
                Ok(None) => {}
                Ok(Some(child)) => return Some(Ok(child)),
                Err(damaged) => return Some(Err(damaged)),
            }
        }
        while let Some(entry) = self.added {
            let index = &self.tree.index;
            self.added = index.next_entry(entry);
            if !index.entry_in_image(entry)
                && let Some(node) = index.entry_node(entry)
            {
                return Some(Ok((index.entry_name(entry), self.tree.at_node(node))));
            }
        }
        None
    }
}

impl Children<'_> {
    /// What the name of an image record means now.
    fn standing(&self, record: u32) -> Result<Option<(NameBuf, Cursor)>, Damaged> {
        let image = &self.tree.image;
        let name = image.name(record)?;
        let changed = self.live.and_then(|live| self.tree.index.entry(live, name, name_hash(name)));
        let cursor = match changed {
            Some(entry) => match self.tree.index.entry_node(entry) {
                Some(node) => self.tree.at_node(node),
                None => return Ok(None),
            },
            None => self.tree.at_record(image.primary(record)?),
        };
        Ok(Some((NameBuf::of(name), cursor)))
    }
}
