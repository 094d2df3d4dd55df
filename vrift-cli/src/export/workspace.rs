//! A workspace's tree as the source of an export.

use std::fs::File;

use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::Attributes;
use vrift_manifest::tree::{Cursor, Tree};
use vrift_manifest::workspace::WorkspaceError;

use super::source::{Child, Source};
use crate::ingest::Xattr;

/// A tree and the store that has its contents.
pub struct OfTree<'t> {
    /// The tree.
    pub tree: &'t Tree,
    /// The store.
    pub store: &'t Store,
}

impl Source for OfTree<'_> {
    type Node = Cursor;
    type Error = WorkspaceError;

    fn children(&self, directory: Cursor) -> Result<Vec<Child<Cursor>>, WorkspaceError> {
        let mut children = Vec::new();
        for child in self.tree.children(directory)? {
            let (name, node) = child?;
            children.push(Child { name: name.to_vec(), node });
        }
        Ok(children)
    }

    fn attributes(&self, node: Cursor) -> Result<Attributes, WorkspaceError> {
        Ok(self.tree.attributes(node)?)
    }

    fn number(&self, node: Cursor) -> u64 {
        // Asked of nodes only whose attributes were read; what lies about its number is nobody's link.
        self.tree.number(node).unwrap_or(u64::MAX)
    }

    fn digest(&self, file: Cursor) -> Result<Digest, WorkspaceError> {
        let none = WorkspaceError::Refused(rustix::io::Errno::INVAL);
        self.tree.digest(file)?.ok_or(none)
    }

    fn open(&self, content: &Digest) -> Result<File, WorkspaceError> {
        Ok(self.store.open_blob(content)?)
    }

    fn target(&self, symlink: Cursor) -> Result<Vec<u8>, WorkspaceError> {
        Ok(self.tree.target(symlink)?.unwrap_or_default())
    }

    fn xattrs(&self, node: Cursor) -> Result<Vec<Xattr>, WorkspaceError> {
        let list = self.tree.xattrs(node)?;
        Ok(list.into_iter().map(|(name, value)| Xattr { name, value }).collect())
    }
}
