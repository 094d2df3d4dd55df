//! The other way round: from a node to a name, from content to a node. Neither is on a hot path.

use vrift_cas::Digest;

use super::read::{Cursor, Tree, digest_words};
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
        for child in self.children(parent)? {
            let (name, child) = child?;
            if self.number(child)? == number {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// A file with this content, the first of the image or else of those that changed: for whoever holds content and
    /// has lost sight of whose it was.
    pub fn first_with_content(&self, digest: &Digest) -> Option<u64> {
        let words = digest_words(digest);
        let is_it = |at: Cursor| {
            self.state(at).is_ok_and(|state| {
                Kind::of_mode(state.attributes.mode) == Some(Kind::File) && state.content == words
            })
        };
        let of_image = (0..self.image.record_count()).map(|record| self.at_record(record));
        let changed = self.index.nodes().map(|node| self.at_node(node));
        of_image.chain(changed).find(|&at| is_it(at)).and_then(|at| self.number(at).ok())
    }
}
