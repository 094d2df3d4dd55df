//! Reading nodes of a tree.

use std::sync::Arc;

use vrift_cas::Digest;

use crate::attributes::{Attributes, Kind};
use crate::hash::name_hash;
use crate::image::{Damaged, Image, Rows};
use crate::index::layout::NO_RECORD;
use crate::index::read::Key;
use crate::index::{Index, NodeRef, NodeState};
use crate::shm::Mapping;

/// The number of every tree's root.
pub const ROOT: u64 = 1;

/// Marks a word that stands for "as in image record N".
pub(super) const OF_IMAGE: u64 = 1 << 63;

/// A tree that can be read.
pub struct Tree {
    pub(crate) image: Arc<Image<Mapping>>,
    pub(crate) index: Index,
}

/// A node found in a tree. It stays good while the tree's epoch lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(super) record: u32,
    pub(super) live: Option<NodeRef>,
}

impl Cursor {
    /// Where to look for the node first, when only its number is left.
    #[inline]
    pub fn hint(self) -> u32 {
        self.record
    }
}

impl Tree {
    /// A tree of `image` and what `index` says over it.
    pub fn new(image: Arc<Image<Mapping>>, index: Index) -> Tree {
        Tree { image, index }
    }

    /// The image below.
    pub fn image(&self) -> &Image<Mapping> {
        &self.image
    }

    /// What the journal changed.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The root directory.
    #[inline]
    pub fn root(&self) -> Cursor {
        self.at_record(0)
    }

    #[inline]
    pub(super) fn at_record(&self, record: u32) -> Cursor {
        self.at_record_if(record, !self.index.is_empty())
    }

    /// As [`Tree::at_record`], where it is known whether anything has changed at all.
    #[inline(always)]
    fn at_record_if(&self, record: u32, changed: bool) -> Cursor {
        let live = if changed { self.index.node(Key::Image(record)) } else { None };
        Cursor { record, live }
    }

    #[inline]
    pub(super) fn at_node(&self, node: NodeRef) -> Cursor {
        Cursor { record: self.index.image_record(node).unwrap_or(NO_RECORD), live: Some(node) }
    }

    /// The cursor as it is by now: a node that the image has may have been changed since it was found.
    #[inline]
    pub(crate) fn again(&self, at: Cursor) -> Cursor {
        if at.live.is_some() { at } else { self.at_record(at.record) }
    }

    /// As [`Tree::node`], of a node that a cursor led to once, by what [`Cursor::hint`] said of it: so nothing is searched
    /// where that still holds.
    #[inline]
    pub fn node_near(&self, number: u64, hint: u32) -> Result<Option<Cursor>, Damaged> {
        match self.image.is_primary_of(hint, number) {
            true => Ok(Some(self.at_record(hint))),
            false => self.node(number),
        }
    }

    /// The node with this number, named or not (see its `nlink`).
    pub fn node(&self, number: u64) -> Result<Option<Cursor>, Damaged> {
        if let Some(record) = self.image.by_number(number)? {
            return Ok(Some(self.at_record(record)));
        }
        Ok(self.index.node(Key::Number(number)).map(|node| self.at_node(node)))
    }

    /// What `name` means in `directory`.
    pub fn child(&self, directory: Cursor, name: &[u8]) -> Result<Option<Cursor>, Damaged> {
        self.child_hashed(directory, name, name_hash(name))
    }

    /// As [`Tree::child`], with the name's hash known.
    #[inline]
    pub fn child_hashed(
        &self,
        directory: Cursor,
        name: &[u8],
        hash: u64,
    ) -> Result<Option<Cursor>, Damaged> {
        self.child_in(&self.image.rows(), directory, name, hash, !self.index.is_empty())
    }

    /// The same, with what is looked at for each component of a path taken once.
    #[inline(always)]
    pub(super) fn child_in(
        &self,
        rows: &Rows<'_, Mapping>,
        directory: Cursor,
        name: &[u8],
        hash: u64,
        changed: bool,
    ) -> Result<Option<Cursor>, Damaged> {
        if let Some(live) = directory.live
            && self.index.has_entries(live)
            && let Some(entry) = self.index.entry(live, name, hash)
        {
            return Ok(self.index.entry_node(entry).map(|node| self.at_node(node)));
        }
        if directory.record == NO_RECORD {
            return Ok(None);
        }
        let found = rows.lookup(directory.record, name, hash)?;
        Ok(found.map(|record| self.at_record_if(record, changed)))
    }

    /// The node's number.
    #[inline]
    pub fn number(&self, at: Cursor) -> Result<u64, Damaged> {
        match at.live {
            Some(node) => Ok(self.index.number(node)),
            None => self.image.node_number(at.record),
        }
    }

    /// The state as the live index has it, or as it would be copied up from the image.
    pub(crate) fn state(&self, at: Cursor) -> Result<NodeState, Damaged> {
        match at.live.and_then(|node| self.index.state(node)) {
            Some(state) => Ok(state),
            None => self.image_state(at.record),
        }
    }

    /// What a node is, and where its content is, as of one moment: all that opening it asks for.
    #[inline]
    pub fn content(&self, at: Cursor) -> Result<ContentState, Damaged> {
        if let Some(state) = at.live.and_then(|node| self.index.state(node)) {
            let NodeState { seq, content, draft, .. } = state;
            return Ok(ContentState { seq, mode: state.attributes.mode, content, draft });
        }
        let mode = self.image.mode(at.record)?;
        let content = match Kind::of_mode(mode) {
            Some(Kind::File) => digest_words(&self.image.digest(at.record)?),
            _ => [0; 4],
        };
        Ok(ContentState { seq: 0, mode, content, draft: 0 })
    }

    pub(super) fn image_state(&self, record: u32) -> Result<NodeState, Damaged> {
        let attributes = self.image.attributes(record)?;
        let mut content = [0; 4];
        match Kind::of_mode(attributes.mode) {
            Some(Kind::File) => content = digest_words(&self.image.digest(record)?),
            Some(Kind::Symlink) => content = [OF_IMAGE | u64::from(record), attributes.size, 0, 0],
            _ => {}
        }
        let parent = self.image.node_number(self.image.parent(record)?)?;
        let xattrs = match self.image.xattr_block(record)? {
            [] => 0,
            _ => OF_IMAGE | u64::from(record),
        };
        Ok(NodeState { seq: 0, attributes, content, parent, draft: 0, xattrs })
    }

    /// What `stat` shows.
    #[inline]
    pub fn attributes(&self, at: Cursor) -> Result<Attributes, Damaged> {
        match at.live.and_then(|node| self.index.state(node)) {
            Some(state) => Ok(state.attributes),
            None => self.image.attributes(at.record),
        }
    }

    /// What `stat` shows, and the draft that holds the content while the file is being written, both as of one moment: read
    /// one after the other, a seal in between would show the size from before the writing of a file that is clean.
    #[inline]
    pub fn attributes_and_draft(&self, at: Cursor) -> Result<(Attributes, Option<u64>), Damaged> {
        match at.live.and_then(|node| self.index.state(node)) {
            Some(state) => Ok((state.attributes, Some(state.draft).filter(|&it| it != 0))),
            None => Ok((self.image.attributes(at.record)?, None)),
        }
    }

    /// Type and permission.
    #[inline]
    pub fn mode(&self, at: Cursor) -> Result<u32, Damaged> {
        self.mode_in(&self.image.rows(), at)
    }

    #[inline(always)]
    pub(super) fn mode_in(&self, rows: &Rows<'_, Mapping>, at: Cursor) -> Result<u32, Damaged> {
        match at.live.and_then(|node| self.index.state(node)) {
            Some(state) => Ok(state.attributes.mode),
            None => rows.mode(at.record),
        }
    }

    /// What sort of node it is.
    pub fn kind(&self, at: Cursor) -> Result<Kind, Damaged> {
        // Whatever else changes, a node's type never does; a mode that says none was refused when it was read.
        Ok(Kind::of_mode(self.mode(at)?).unwrap_or(Kind::File))
    }

    /// A regular file's digest.
    pub fn digest(&self, at: Cursor) -> Result<Option<Digest>, Damaged> {
        if self.kind(at)? != Kind::File {
            return Ok(None);
        }
        match at.live.and_then(|node| self.index.state(node)) {
            Some(state) => Ok(Some(words_digest(state.content))),
            None => self.image.digest(at.record).map(Some),
        }
    }

    /// Copies a symlink's target into `into`; its length. 0: not a symlink, or `into` is too small.
    pub fn read_target(&self, at: Cursor, into: &mut [u8]) -> Result<usize, Damaged> {
        let state = self.state(at)?;
        if Kind::of_mode(state.attributes.mode) != Some(Kind::Symlink) {
            return Ok(0);
        }
        if state.content[0] & OF_IMAGE != 0 {
            let target = self.image.symlink_target(state.content[0] as u32)?;
            return Ok(match into.get_mut(..target.len()) {
                Some(room) => {
                    room.copy_from_slice(target);
                    target.len()
                }
                None => 0,
            });
        }
        let length = usize::try_from(state.content[1]).unwrap_or(usize::MAX);
        if length > into.len() {
            return Ok(0);
        }
        Ok(self.index.read_bytes(state.content[0] as usize, length, into))
    }

    /// A symlink's target; `None` if the node is none.
    pub fn target(&self, at: Cursor) -> Result<Option<Vec<u8>>, Damaged> {
        if self.kind(at)? != Kind::Symlink {
            return Ok(None);
        }
        let mut target = vec![0; super::path::PATH_MAX];
        let length = self.read_target(at, &mut target)?;
        target.truncate(length);
        Ok(Some(target))
    }

    /// The directory that holds this directory; the root holds itself.
    pub fn parent(&self, at: Cursor) -> Result<Option<Cursor>, Damaged> {
        match at.live.and_then(|node| self.index.state(node)) {
            Some(state) => self.node(state.parent),
            None => Ok(Some(self.at_record(self.image.parent(at.record)?))),
        }
    }

    /// The journal record that changed the node last; 0: none since the image was made.
    pub fn changed_by(&self, at: Cursor) -> u64 {
        at.live.and_then(|node| self.index.state(node)).map_or(0, |state| state.seq)
    }

    /// The number of the draft that holds a file's content while it is being written; `None`: the blob does.
    #[inline]
    pub fn draft(&self, at: Cursor) -> Option<u64> {
        at.live
            .and_then(|node| self.index.state(node))
            .map(|state| state.draft)
            .filter(|&it| it != 0)
    }

    /// The number that the next new node gets.
    pub fn next_node(&self) -> u64 {
        self.index.header(crate::index::layout::H_NEXT_NODE).max(self.image.next_node())
    }
}

/// Of a node's state, what says where its content is.
pub struct ContentState {
    /// The record that changed the node last.
    pub(crate) seq: u64,
    /// Type and permission.
    pub mode: u32,
    /// A file's digest.
    pub(crate) content: [u64; 4],
    /// A file's draft; 0: none.
    pub(crate) draft: u64,
}

pub(crate) fn digest_words(digest: &Digest) -> [u64; 4] {
    let (words, _) = digest.as_bytes().as_chunks::<8>();
    let mut out = [0; 4];
    for (word, bytes) in out.iter_mut().zip(words) {
        *word = u64::from_le_bytes(*bytes);
    }
    out
}

pub(crate) fn words_digest(words: [u64; 4]) -> Digest {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    Digest::from_bytes(bytes)
}
