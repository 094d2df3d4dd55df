//! Collecting a tree, in any order in which parents come before their children.
//!
//! Everything is kept in a few large vectors (about 150 bytes a node and its name), because a tree may have ten
//! million nodes. Names are sorted and numbered only in [`Builder::finish`].

use std::io;

use super::layout::MAX_RECORDS;
use super::read::is_target;
use super::xattr;
use crate::attributes::{Attributes, Content, Kind};
use crate::name;
use crate::time::Timestamp;

/// Collects nodes and names, and writes them as an image.
#[derive(Debug)]
pub struct Builder {
    pub(super) nodes: Vec<Node>,
    /// One per name; the root has none.
    pub(super) entries: Vec<Entry>,
    /// The bytes of all names.
    pub(super) names: Vec<u8>,
    /// Symlink targets and blocks of extended attributes.
    pub(super) payload: Vec<u8>,
}

/// A node that was given to a builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(u32);

/// What a node is.
#[derive(Debug, Clone, Copy)]
pub struct NodeSpec<'a> {
    /// Its number: not 0, not another node's, and below the next number.
    pub node: u64,
    /// Its attributes. `nlink` is counted by the builder and ignored here, and so is `size` of all but files.
    pub attributes: Attributes,
    /// A blob for a file, a target for a symlink, nothing for others.
    pub content: Content<'a>,
    /// Extended attributes as (name, value), in any order.
    pub xattrs: &'a [(&'a [u8], &'a [u8])],
}

/// A tree that cannot be an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The name is empty, too long, `.` or `..`, or holds a slash or a zero byte.
    #[error("'{path}' does not end in a valid name")]
    InvalidName {
        /// Parent and name.
        path: String,
    },
    /// Two entries of one directory have the same name.
    #[error("'{path}' was added twice")]
    DuplicateName {
        /// Parent and name.
        path: String,
    },
    /// The parent of an entry is something else than a directory.
    #[error("'{path}' is not a directory, so nothing can be in it")]
    NotADirectory {
        /// The parent.
        path: String,
    },
    /// A directory was to get a second name.
    #[error("'{path}' would be a second name of a directory")]
    LinkToDirectory {
        /// Parent and name.
        path: String,
    },
    /// The handle is another builder's.
    #[error("a node was named that this builder does not have")]
    UnknownHandle,
    /// The node number is 0, or not below the next number.
    #[error("node number {node} is not between 1 and the next number")]
    NodeNumber {
        /// The number.
        node: u64,
    },
    /// Two nodes have one number.
    #[error("two nodes have the number {node}")]
    DuplicateNode {
        /// The number.
        node: u64,
    },
    /// The values of a node do not belong together.
    #[error("node {node}: {what}")]
    Node {
        /// Its number.
        node: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// There are too many names, or too many bytes, for an image.
    #[error("the tree is too large for an image: {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// The image could not be written.
    #[error("the image could not be written")]
    Write(#[from] io::Error),
}

/// A node while it is collected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub number: u64,
    pub size: u64,
    pub mtime: Timestamp,
    pub ctime: Timestamp,
    pub atime: Timestamp,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub nlink: u32,
    /// Entries of a directory.
    pub children: u32,
    /// Length of a symlink's target.
    pub target_len: u32,
    /// Length of the block of extended attributes.
    pub xattr_len: u32,
    /// Where target and block are in the payload.
    pub payload_at: u64,
    /// Digest, or the device number.
    pub content: [u8; 32],
}

impl Node {
    pub fn is(&self, kind: Kind) -> bool {
        self.mode & Kind::MASK == kind as u32
    }
}

/// A name while it is collected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub name_at: u64,
    pub parent: u32,
    pub node: u32,
    pub name_len: u8,
}

impl Builder {
    /// A tree that is only a root, which must be a directory.
    pub fn new(root: NodeSpec<'_>) -> Result<Builder, BuildError> {
        let mut builder =
            Builder { nodes: vec![], entries: vec![], names: vec![], payload: vec![] };
        if root.attributes.mode & Kind::MASK != Kind::Directory as u32 {
            return Err(BuildError::NotADirectory { path: "/".into() });
        }
        builder.add_node(root)?;
        Ok(builder)
    }

    /// The root.
    pub fn root(&self) -> Handle {
        Handle(0)
    }

    /// Adds a node under its first name.
    pub fn add(
        &mut self,
        parent: Handle,
        name: &[u8],
        spec: NodeSpec<'_>,
    ) -> Result<Handle, BuildError> {
        self.check_entry(parent, name)?;
        let handle = self.add_node(spec)?;
        if spec.attributes.mode & Kind::MASK == Kind::Directory as u32 {
            self.nodes[parent.0 as usize].nlink += 1;
        }
        self.add_entry(parent, name, handle);
        Ok(handle)
    }

    /// Adds a further name of a node that is not a directory.
    pub fn add_link(
        &mut self,
        parent: Handle,
        name: &[u8],
        node: Handle,
    ) -> Result<(), BuildError> {
        self.check_entry(parent, name)?;
        let target = self.nodes.get_mut(node.0 as usize).ok_or(BuildError::UnknownHandle)?;
        if target.is(Kind::Directory) {
            return Err(BuildError::LinkToDirectory { path: self.path(parent.0, name) });
        }
        target.nlink += 1;
        self.add_entry(parent, name, node);
        Ok(())
    }

    fn check_entry(&self, parent: Handle, name: &[u8]) -> Result<(), BuildError> {
        let directory = self.nodes.get(parent.0 as usize).ok_or(BuildError::UnknownHandle)?;
        if !directory.is(Kind::Directory) {
            return Err(BuildError::NotADirectory { path: self.path_of_node(parent.0) });
        }
        if !name::is_valid(name) {
            return Err(BuildError::InvalidName { path: self.path(parent.0, name) });
        }
        if self.entries.len() as u64 + 1 >= u64::from(MAX_RECORDS) {
            return Err(BuildError::TooLarge { what: "too many names" });
        }
        Ok(())
    }

    fn add_entry(&mut self, parent: Handle, name: &[u8], node: Handle) {
        self.nodes[parent.0 as usize].children += 1;
        let (name_at, name_len) = (self.names.len() as u64, name.len() as u8);
        self.names.extend_from_slice(name);
        self.entries.push(Entry { name_at, parent: parent.0, node: node.0, name_len });
    }

    fn add_node(&mut self, spec: NodeSpec<'_>) -> Result<Handle, BuildError> {
        let attributes = &spec.attributes;
        let wrong = |what| BuildError::Node { node: spec.node, what };
        if spec.node == 0 {
            return Err(BuildError::NodeNumber { node: 0 });
        }
        let kind = Kind::of_mode(attributes.mode).ok_or(wrong("its mode has no type"))?;
        if attributes.mode & !(Kind::MASK | 0o7777) != 0 {
            return Err(wrong("its mode has unknown bits"));
        }
        for time in [attributes.mtime, attributes.ctime, attributes.atime] {
            Timestamp::new(time.sec, time.nsec).ok_or(wrong("a time has too many nanoseconds"))?;
        }
        let payload_at = self.payload.len() as u64;
        let mut content = [0; 32];
        let mut target_len = 0;
        match (kind, spec.content) {
            (Kind::File, Content::Blob(digest)) => content = *digest.as_bytes(),
            (Kind::Symlink, Content::Target(target)) if is_target(target) => {
                target_len = target.len() as u32;
                self.payload.extend_from_slice(target);
            }
            (Kind::Symlink, Content::Target(_)) => return Err(wrong("its target is not valid")),
            (Kind::File | Kind::Symlink, _) | (_, Content::Blob(_) | Content::Target(_)) => {
                return Err(wrong("its content is not that of its type"));
            }
            (Kind::CharDevice | Kind::BlockDevice, Content::None) => {
                content[..8].copy_from_slice(&attributes.rdev.to_le_bytes());
            }
            (_, Content::None) => {}
        }
        let xattr_len = self.add_xattrs(spec.xattrs).map_err(wrong)?;
        let size = size_of(kind, attributes.size, target_len);
        if i64::try_from(size).is_err() {
            return Err(wrong("its size is not below 2^63"));
        }
        let handle = Handle(self.nodes.len() as u32);
        self.nodes.push(Node {
            number: spec.node,
            size,
            mtime: attributes.mtime,
            ctime: attributes.ctime,
            atime: attributes.atime,
            mode: attributes.mode,
            uid: attributes.uid,
            gid: attributes.gid,
            nlink: if kind == Kind::Directory { 2 } else { 1 },
            children: 0,
            target_len,
            xattr_len,
            payload_at,
            content,
        });
        Ok(handle)
    }

    fn add_xattrs(&mut self, xattrs: &[(&[u8], &[u8])]) -> Result<u32, &'static str> {
        if xattrs.is_empty() {
            return Ok(0);
        }
        let mut sorted = xattrs.to_vec();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        if !sorted.iter().all(|(name, _)| xattr::is_name(name)) {
            return Err("the name of an extended attribute is not valid");
        }
        if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err("it has an extended attribute twice");
        }
        xattr::append_block(&mut self.payload, &sorted)
            .ok_or("its extended attributes are too long")
    }

    pub(super) fn name(&self, entry: &Entry) -> &[u8] {
        &self.names[entry.name_at as usize..][..usize::from(entry.name_len)]
    }

    /// For messages only: it searches for the name of each directory on the way.
    pub(super) fn path(&self, parent: u32, name: &[u8]) -> String {
        let directory = self.path_of_node(parent);
        let slash = if directory == "/" { "" } else { "/" };
        format!("{directory}{slash}{}", name.escape_ascii())
    }

    fn path_of_node(&self, node: u32) -> String {
        match self.entries.iter().find(|entry| entry.node == node) {
            Some(entry) => self.path(entry.parent, self.name(entry)),
            None => "/".into(),
        }
    }
}

/// The size that a node has, whatever was said.
pub(super) fn size_of(kind: Kind, stated: u64, target_len: u32) -> u64 {
    match kind {
        Kind::File => stated,
        Kind::Directory => 4096,
        Kind::Symlink => u64::from(target_len),
        _ => 0,
    }
}
