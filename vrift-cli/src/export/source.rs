//! Where the tree comes from.

use std::error::Error;
use std::fs::File;

use vrift_cas::Digest;
use vrift_manifest::attributes::Attributes;

use crate::ingest::Xattr;

/// An entry of a directory.
#[derive(Debug, Clone)]
pub struct Child<N> {
    /// Its name. One that no directory can hold is reported, not written.
    pub name: Vec<u8>,
    /// What it names.
    pub node: N,
}

/// A tree that can be written. Several threads ask it at a time.
pub trait Source: Sync {
    /// Names a node of the tree.
    type Node: Copy + Send + Sync;
    /// Why the tree or a content could not be read.
    type Error: Error + Send + Sync + 'static;

    /// The entries of a directory.
    fn children(&self, directory: Self::Node) -> Result<Vec<Child<Self::Node>>, Self::Error>;

    /// The attributes of a node.
    fn attributes(&self, node: Self::Node) -> Result<Attributes, Self::Error>;

    /// A number that two names have in common only if they are links to one node.
    fn number(&self, node: Self::Node) -> u64;

    /// The content of a file.
    fn digest(&self, file: Self::Node) -> Result<Digest, Self::Error>;

    /// A content, opened for reading.
    fn open(&self, content: &Digest) -> Result<File, Self::Error>;

    /// Where a symlink points.
    fn target(&self, symlink: Self::Node) -> Result<Vec<u8>, Self::Error>;

    /// The extended attributes of a node.
    fn xattrs(&self, node: Self::Node) -> Result<Vec<Xattr>, Self::Error>;
}
