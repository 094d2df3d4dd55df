//! From a directory that was read to an image: every node gets the number that it had in the earlier tree, if its name
//! was there; what could not be read keeps its earlier version.

use std::collections::{HashMap, HashSet};

use vrift_manifest::attributes::{Attributes, Content, Kind};
use vrift_manifest::image::{Builder, Handle, NodeSpec};
use vrift_manifest::tree::{self, Cursor, ROOT};
use vrift_manifest::workspace::WorkspaceError;

use super::tree::{Entry, Found, Tree};

/// A tree ready to be written as an image.
pub struct Built {
    /// The nodes.
    pub builder: Builder,
    /// The first number that was never used.
    pub next_node: u64,
}

/// Puts together the image of what was read. `earlier` is the tree that it comes after.
pub fn build(read: &Tree, earlier: Option<&tree::Tree>) -> Result<Built, WorkspaceError> {
    let root = read.entries().first().ok_or(WorkspaceError::Refused(rustix::io::Errno::NOENT))?;
    let xattrs = borrowed(read, root);
    let spec = NodeSpec {
        node: ROOT,
        attributes: root.attributes,
        content: Content::None,
        xattrs: &xattrs,
    };
    let builder = Builder::new(spec)?;
    let mut building = Building {
        read,
        earlier,
        handles: Vec::with_capacity(read.entries().len()),
        cursors: Vec::with_capacity(read.entries().len()),
        next: earlier.map_or(ROOT + 1, tree::Tree::next_node),
        used: HashSet::from([ROOT]),
        kept: HashMap::new(),
        builder,
    };
    building.handles.push(Some(building.builder.root()));
    building.cursors.push(earlier.map(tree::Tree::root));
    let aliases = building.aliases();
    for (place, entry) in read.entries().iter().enumerate().skip(1) {
        let others = aliases.get(&(place as u32)).map_or(&[][..], Vec::as_slice);
        let (handle, cursor) = building.entry(entry, others)?;
        building.handles.push(handle);
        building.cursors.push(cursor);
    }
    Ok(Built { builder: building.builder, next_node: building.next })
}

struct Building<'b> {
    read: &'b Tree,
    earlier: Option<&'b tree::Tree>,
    builder: Builder,
    /// What became of each entry so far; none if it is left out or kept with all that is below it.
    handles: Vec<Option<Handle>>,
    /// What each entry was in the earlier tree.
    cursors: Vec<Option<Cursor>>,
    next: u64,
    /// Numbers of the earlier tree that are given already.
    used: HashSet<u64>,
    /// Nodes that are kept as they were, by number: they may have several names.
    kept: HashMap<u64, Handle>,
}

impl<'b> Building<'b> {
    /// The further names of files that have several, by their first.
    fn aliases(&self) -> HashMap<u32, Vec<u32>> {
        let mut aliases: HashMap<u32, Vec<u32>> = HashMap::new();
        if self.earlier.is_some() {
            for (place, entry) in self.read.entries().iter().enumerate() {
                if let Some(first) = entry.link {
                    aliases.entry(first).or_default().push(place as u32);
                }
            }
        }
        aliases
    }

    /// Adds an entry; what it became, and what it was.
    fn entry(
        &mut self,
        entry: &Entry,
        others: &[u32],
    ) -> Result<(Option<Handle>, Option<Cursor>), WorkspaceError> {
        let above = entry.parent as usize;
        // Below a directory that is kept whole, or of an entry that is left out, there is nothing to add.
        let Some(parent) = self.handles.get(above).copied().flatten() else {
            return Ok((None, None));
        };
        let name = self.read.name(entry);
        let was = match self.cursors.get(above).copied().flatten() {
            Some(directory) => self.child(directory, name)?,
            None => None,
        };
        if entry.found == Found::Unread {
            return self.unread(entry, parent, name, was);
        }
        let first =
            entry.link.and_then(|first| self.handles.get(first as usize).copied().flatten());
        if let Some(first) = first {
            self.builder.add_link(parent, name, first)?;
            return Ok((Some(first), was));
        }
        let mut number = self.reuse(entry.kind(), was)?;
        for other in others {
            if number.is_some() {
                break;
            }
            let read = self.read;
            if let Some(other) = read.entries().get(*other as usize) {
                let was = self.was(other)?;
                number = self.reuse(entry.kind(), was)?;
            }
        }
        let node = number.unwrap_or_else(|| self.fresh());
        let content = match entry.found {
            Found::Blob(digest) => Content::Blob(digest),
            Found::Target => Content::Target(self.read.target(entry)),
            Found::Nothing | Found::Unread => Content::None,
        };
        let (xattrs, attributes) = (borrowed(self.read, entry), entry.attributes);
        let spec = NodeSpec { node, attributes, content, xattrs: &xattrs };
        Ok((Some(self.builder.add(parent, name, spec)?), was))
    }

    /// An entry that could not be read keeps its earlier version. One that has none is left out; of a directory at
    /// least the attributes are known.
    fn unread(
        &mut self,
        entry: &Entry,
        parent: Handle,
        name: &[u8],
        was: Option<Cursor>,
    ) -> Result<(Option<Handle>, Option<Cursor>), WorkspaceError> {
        if let (Some(tree), Some(was)) = (self.earlier, was)
            && tree.kind(was)? == entry.kind()
        {
            self.keep(tree, parent, name, was)?;
            return Ok((None, None));
        }
        if entry.kind() != Kind::Directory {
            return Ok((None, None));
        }
        let (node, xattrs) = (self.fresh(), borrowed(self.read, entry));
        let attributes = entry.attributes;
        let spec = NodeSpec { node, attributes, content: Content::None, xattrs: &xattrs };
        Ok((Some(self.builder.add(parent, name, spec)?), None))
    }

    /// Copies a node of the earlier tree with everything below it.
    fn keep(
        &mut self,
        tree: &tree::Tree,
        parent: Handle,
        name: &[u8],
        at: Cursor,
    ) -> Result<(), WorkspaceError> {
        let mut pending = vec![(parent, name.to_vec(), at)];
        while let Some((parent, name, at)) = pending.pop() {
            let was = tree.number(at)?;
            if let Some(handle) = self.kept.get(&was) {
                self.builder.add_link(parent, &name, *handle)?;
                continue;
            }
            let (kind, attributes) = (tree.kind(at)?, tree.attributes(at)?);
            // One of its names may have been read: that is another content by now.
            let node = if self.used.insert(was) { was } else { self.fresh() };
            let handle = self.copy(tree, parent, &name, at, node, attributes)?;
            if kind == Kind::Directory {
                for child in tree.children(at)? {
                    let (name, child) = child?;
                    pending.push((handle, name.to_vec(), child));
                }
            } else if attributes.nlink > 1 {
                self.kept.insert(was, handle);
            }
        }
        Ok(())
    }

    fn copy(
        &mut self,
        tree: &tree::Tree,
        parent: Handle,
        name: &[u8],
        at: Cursor,
        node: u64,
        attributes: Attributes,
    ) -> Result<Handle, WorkspaceError> {
        let (digest, target, xattrs) = (tree.digest(at)?, tree.target(at)?, tree.xattrs(at)?);
        let xattrs: Vec<_> = xattrs.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let content = match (&digest, &target) {
            (Some(digest), _) => Content::Blob(*digest),
            (None, Some(target)) => Content::Target(target),
            (None, None) => Content::None,
        };
        let spec = NodeSpec { node, attributes, content, xattrs: &xattrs };
        Ok(self.builder.add(parent, name, spec)?)
    }

    /// The number of what the entry was, if it was of this kind and the number is not given yet.
    fn reuse(&mut self, kind: Kind, was: Option<Cursor>) -> Result<Option<u64>, WorkspaceError> {
        let (Some(tree), Some(was)) = (self.earlier, was) else { return Ok(None) };
        if tree.kind(was)? != kind {
            return Ok(None);
        }
        let number = tree.number(was)?;
        Ok(self.used.insert(number).then_some(number))
    }

    fn fresh(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    fn child(&self, directory: Cursor, name: &[u8]) -> Result<Option<Cursor>, WorkspaceError> {
        let Some(tree) = self.earlier else { return Ok(None) };
        if tree.kind(directory)? != Kind::Directory {
            return Ok(None);
        }
        Ok(tree.child(directory, name)?)
    }

    /// What an entry was whose turn has not come yet.
    fn was(&self, mut entry: &'b Entry) -> Result<Option<Cursor>, WorkspaceError> {
        let (read, mut names) = (self.read, Vec::new());
        while !read.name(entry).is_empty() {
            names.push(read.name(entry));
            match read.entries().get(entry.parent as usize) {
                Some(above) => entry = above,
                None => return Ok(None),
            }
        }
        let mut at = self.earlier.map(tree::Tree::root);
        for name in names.into_iter().rev() {
            let Some(directory) = at else { return Ok(None) };
            at = self.child(directory, name)?;
        }
        Ok(at)
    }
}

fn borrowed<'t>(tree: &'t Tree, entry: &Entry) -> Vec<(&'t [u8], &'t [u8])> {
    tree.xattrs(entry).iter().map(|xattr| (&xattr.name[..], &xattr.value[..])).collect()
}
