//! Putting together an image of parts of the three trees.

use std::collections::{HashMap, HashSet};

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::{Attributes, Content};
use vrift_manifest::image::{Builder, Handle, NodeSpec};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::ROOT;
use vrift_manifest::workspace::{WorkspaceError, write_image};

use super::sides::{Facts, Holds, Sides, Triple};
use crate::error::Result;

/// Names of one file, by where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A node of the base.
    Base(u64),
    /// A node of the workspace.
    Ours(u64),
    /// An inode of the real directory, by its first entry.
    Real(usize),
}

/// What is put at a path.
pub struct Put<'f> {
    /// What it is.
    pub facts: &'f Facts,
    /// Its modification time.
    pub mtime: Timestamp,
    /// The number that it had.
    pub number: Option<u64>,
    /// By what its further names know it.
    pub keys: Vec<Key>,
}

/// An image in the making.
pub struct Building {
    builder: Builder,
    next: u64,
    used: HashSet<u64>,
    links: HashMap<Key, Handle>,
    /// The contents that it names.
    contents: HashSet<Digest>,
}

impl Building {
    /// Begins with the root.
    pub fn new(root: &Put<'_>, next: u64) -> Result<Building> {
        let xattrs = borrowed(root.facts);
        let spec = spec(root, ROOT, &xattrs);
        let builder = Builder::new(spec).map_err(WorkspaceError::from)?;
        let (used, links, contents) = (HashSet::from([ROOT]), HashMap::new(), HashSet::new());
        Ok(Building { builder, next, used, links, contents })
    }

    /// The root.
    pub fn root(&self) -> Handle {
        self.builder.root()
    }

    /// Adds an entry; a further name of what is there already becomes one.
    pub fn add(&mut self, parent: Handle, name: &[u8], put: &Put<'_>) -> Result<Handle> {
        let first = put.keys.iter().find_map(|key| self.links.get(key).copied());
        let handle = match first {
            Some(first) => {
                self.builder.add_link(parent, name, first).map_err(WorkspaceError::from)?;
                first
            }
            None => {
                let kept = put.number.filter(|number| self.used.insert(*number));
                let number = kept.unwrap_or_else(|| {
                    self.next = self.next.saturating_add(1);
                    self.next - 1
                });
                if let Holds::Blob(digest) = put.facts.holds {
                    self.contents.insert(digest);
                }
                let xattrs = borrowed(put.facts);
                let spec = spec(put, number, &xattrs);
                self.builder.add(parent, name, spec).map_err(WorkspaceError::from)?
            }
        };
        for key in &put.keys {
            self.links.entry(*key).or_insert(handle);
        }
        Ok(handle)
    }

    /// Writes the image into the store; its name, and the contents that it names.
    pub fn write(self, store: &Store) -> Result<(Digest, HashSet<Digest>)> {
        let summary = write_image(store, self.builder, self.next)?;
        Ok((summary.image_id, self.contents))
    }
}

impl Sides<'_> {
    /// By what further names of what is at a path know it, in each of the trees.
    pub fn keys(&self, at: &Triple) -> Result<[Option<Key>; 3]> {
        let base = at.base.map(|at| self.base.number(at)).transpose()?.map(Key::Base);
        let ours = at.ours.map(|at| self.ours.number(at)).transpose()?.map(Key::Ours);
        let real = at.real.map(|index| {
            let link = self.real.entries().get(index).and_then(|entry| entry.link);
            Key::Real(link.map_or(index, |first| first as usize))
        });
        Ok([base, ours, real])
    }
}

fn spec<'a>(put: &'a Put<'_>, node: u64, xattrs: &'a [(&'a [u8], &'a [u8])]) -> NodeSpec<'a> {
    let attributes = Attributes { mtime: put.mtime, ..put.facts.attributes };
    let content = match &put.facts.holds {
        Holds::Nothing => Content::None,
        Holds::Blob(digest) => Content::Blob(*digest),
        Holds::Target(target) => Content::Target(target),
    };
    NodeSpec { node, attributes, content, xattrs }
}

fn borrowed(facts: &Facts) -> Vec<(&[u8], &[u8])> {
    facts.xattrs.iter().map(|xattr| (&xattr.name[..], &xattr.value[..])).collect()
}
