//! The other way round: from a node to a name, from content to a node. Neither is on a hot path.

use vrift_cas::Digest;

use super::read::{Cursor, Tree, digest_words, words_digest};
use crate::attributes::Kind;
use crate::hash::name_hash;
use crate::image::Damaged;
use crate::index::layout::NO_RECORD;
use crate::name::NameBuf;

impl Tree {
    /// The name of a directory in the one that holds it; `None`: it has none, being the root or removed.
    pub fn directory_name(&self, at: Cursor) -> Result<Option<NameBuf>, Damaged> {
        let number = self.number(at)?;
        let Some(parent) = self.parent(at)? else { return Ok(None) };
        if self.number(parent)? == number || self.attributes(at)?.nlink == 0 {
            return Ok(None);
        }
        // The name that it had in the image is nearly always the one it has.
        if at.record != NO_RECORD {
            let name = self.image.name(at.record)?;
            let found = self.child_hashed(parent, name, name_hash(name))?;
            if !name.is_empty() && found.is_some_and(|found| self.number(found) == Ok(number)) {
                return Ok(Some(NameBuf::of(name)));
            }
        }
        self.name_in(parent, number)
    }

    /// One of the names of a node that is no directory, and the directory that has it; `None`: it has none any more.
    pub fn some_name(&self, at: Cursor) -> Result<Option<(Cursor, NameBuf)>, Damaged> {
        if self.attributes(at)?.nlink == 0 {
            return Ok(None);
        }
        let number = self.number(at)?;
        // The name that it had in the image is nearly always the one it has; else it is mostly where it was made.
        if at.record != NO_RECORD
            && let Some(found) = self.name_of_record(at.record, number)?
        {
            return Ok(Some(found));
        }
        let made_in = self.node(self.state(at)?.parent)?;
        if let Some(directory) = made_in
            && let Some(name) = self.name_in(directory, number)?
        {
            return Ok(Some((directory, name)));
        }
        if let Some(found) = self.changed_name(number) {
            return Ok(Some(found));
        }
        self.further_name_of_image(at.record, number)
    }

    /// The name of an image's record, if it still means the node.
    fn name_of_record(
        &self,
        record: u32,
        number: u64,
    ) -> Result<Option<(Cursor, NameBuf)>, Damaged> {
        let directory = self.at_record(self.image.parent(record)?);
        let name = self.image.name(record)?;
        let found = self.child_hashed(directory, name, name_hash(name))?;
        let is_it = !name.is_empty() && found.is_some_and(|found| self.number(found) == Ok(number));
        Ok(is_it.then(|| (directory, NameBuf::of(name))))
    }

    fn name_in(&self, directory: Cursor, number: u64) -> Result<Option<NameBuf>, Damaged> {
        for child in self.children(directory)? {
            let (name, child) = child?;
            if self.number(child)? == number {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// A name that the journal gave the node.
    fn changed_name(&self, number: u64) -> Option<(Cursor, NameBuf)> {
        let index = &self.index;
        for directory in index.nodes().filter(|&node| index.has_entries(node)) {
            let mut entry = index.first_entry(directory);
            while let Some(this) = entry {
                if index.entry_node(this).is_some_and(|node| index.number(node) == number) {
                    return Some((self.at_node(directory), index.entry_name(this)));
                }
                entry = index.next_entry(this);
            }
        }
        None
    }

    /// A hard link that the image has.
    fn further_name_of_image(
        &self,
        primary: u32,
        number: u64,
    ) -> Result<Option<(Cursor, NameBuf)>, Damaged> {
        if primary == NO_RECORD {
            return Ok(None);
        }
        for record in 0..self.image.record_count() {
            if record != primary
                && self.image.primary(record)? == primary
                && let Some(found) = self.name_of_record(record, number)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The content of a file that is not being written.
    pub fn digest_of(&self, number: u64) -> Option<Digest> {
        let state = self.content(self.node(number).ok()??).ok()?;
        let is_file = Kind::of_mode(state.mode) == Some(Kind::File) && state.draft == 0;
        is_file.then(|| words_digest(state.content))
    }

    /// A file with this content whose number `fits`, the first of the image or else of those that changed, and whether it
    /// is the only one: for whoever holds content and has lost sight of whose it was.
    pub fn with_content(&self, digest: &Digest, fits: impl Fn(u64) -> bool) -> Option<(u64, bool)> {
        let words = digest_words(digest);
        let is_it = |at: &Cursor| {
            self.state(*at).is_ok_and(|state| {
                Kind::of_mode(state.attributes.mode) == Some(Kind::File) && state.content == words
            })
        };
        let of_image = (0..self.image.record_count()).map(|record| self.at_record(record));
        let changed = self.index.nodes().map(|node| self.at_node(node));
        let numbers = of_image.chain(changed).filter(is_it).filter_map(|at| self.number(at).ok());
        let numbers = numbers.filter(|number| fits(*number));
        // A node has a record for each of its names, and one more if it changed.
        let mut found = None;
        for number in numbers {
            match found {
                None => found = Some(number),
                Some(first) if first == number => {}
                Some(first) => return Some((first, false)),
            }
        }
        found.map(|number| (number, true))
    }
}
