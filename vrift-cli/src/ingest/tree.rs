//! The tree that was read: entries breadth-first, the children of a directory in one run sorted by name.

use std::ops::Range;

use vrift_cas::Digest;
use vrift_manifest::attributes::{Attributes, Kind};

use super::problem::Problem;
use super::stat_cache::{StatCache, StatCacheBuilder};

/// What an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A directory, pipe, socket or device: nothing.
    Nothing,
    /// A file whose content is in the store.
    Blob(Digest),
    /// A symlink; [`Tree::target`] has where it points.
    Target,
    /// It could not be read (or, for a directory, listed); there is a [`Problem`] that says why.
    Unread,
}

/// One extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// Its name, as `user.comment`.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// One entry of a directory.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What `stat` says of it.
    pub attributes: Attributes,
    /// What it holds.
    pub found: Found,
    /// The device that it is on.
    pub dev: u64,
    /// Its inode number there.
    pub ino: u64,
    /// The directory that it is in. The root is its own.
    pub parent: u32,
    /// The first entry with the same inode, if this is not it: a hard link.
    pub link: Option<u32>,
    /// Whether times may not show the next change of it.
    pub racy: bool,
    pub(super) name_at: u64,
    pub(super) target_at: u64,
    pub(super) target_length: u32,
    pub(super) xattrs: u32,
    pub(super) first_child: u32,
    pub(super) children: u32,
    pub(super) name_length: u16,
    pub(super) gone: bool,
    pub(super) worker: u16,
}

impl Entry {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        Kind::of_mode(self.attributes.mode).unwrap_or(Kind::File)
    }

    /// Indices of the entries in it, if it is a directory that was listed.
    pub fn children(&self) -> Range<usize> {
        let first = self.first_child as usize;
        first..first + self.children as usize
    }
}

/// A directory tree that was read.
#[derive(Debug, Default)]
pub struct Tree {
    pub(super) entries: Vec<Entry>,
    pub(super) bytes: Vec<u8>,
    pub(super) xattrs: Vec<Vec<Xattr>>,
    pub(super) problems: Vec<Problem>,
    pub(super) temporaries: Vec<Vec<u8>>,
}

impl Tree {
    /// All entries; the first is the directory itself.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The name of an entry; empty for the root.
    pub fn name(&self, entry: &Entry) -> &[u8] {
        self.slice(entry.name_at, u32::from(entry.name_length))
    }

    /// Where a symlink points.
    pub fn target(&self, entry: &Entry) -> &[u8] {
        self.slice(entry.target_at, entry.target_length)
    }

    /// The extended attributes of an entry, sorted by name.
    pub fn xattrs(&self, entry: &Entry) -> &[Xattr] {
        let place = (entry.xattrs as usize).checked_sub(1);
        place.and_then(|place| self.xattrs.get(place)).map_or(&[], Vec::as_slice)
    }

    /// The entries of a directory, sorted by name.
    pub fn children(&self, entry: &Entry) -> &[Entry] {
        self.entries.get(entry.children()).unwrap_or(&[])
    }

    /// The path of an entry relative to the root.
    pub fn path<'t>(&'t self, mut entry: &'t Entry) -> Vec<u8> {
        let mut names = Vec::new();
        while entry.name_length > 0 {
            names.push(self.name(entry));
            match self.entries.get(entry.parent as usize) {
                Some(above) => entry = above,
                None => break,
            }
        }
        names.reverse();
        names.join(&b'/')
    }

    /// What could not be read, sorted by path.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Paths of what a killed `vrift apply` has left: no part of the tree.
    pub fn temporaries(&self) -> &[Vec<u8>] {
        &self.temporaries
    }

    /// Has the next scan read every file again whose content is not one of those.
    pub fn doubt_all_but(&mut self, stored: impl Fn(&Digest) -> bool) {
        for entry in &mut self.entries {
            if let Found::Blob(digest) = &entry.found {
                entry.racy |= !stored(digest);
            }
        }
    }

    /// The cache for the next scan of the same directory.
    pub fn stat_cache(&self, tag: u64) -> StatCache {
        let mut cache = StatCacheBuilder::new(self.entries.len());
        for entry in &self.entries {
            let parent = self.entries.get(entry.parent as usize).map_or(0, |above| above.ino);
            cache.count(parent, self.name(entry), entry.dev, entry.ino);
            if entry.link.is_none() {
                cache.add(entry, entry.xattrs != 0);
            }
        }
        cache.finish(tag)
    }

    fn slice(&self, at: u64, length: u32) -> &[u8] {
        let at = at as usize;
        self.bytes.get(at..at + length as usize).unwrap_or(&[])
    }
}
