//! What of a tree could not be written.

use std::fmt;
use std::io;

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;

use crate::output::names;

/// What of an entry is not as it is in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The tree or the content cannot be read; the text says why.
    Unreadable(String),
    /// The content in the store has another length than the tree says.
    Length {
        /// What the tree says.
        expected: u64,
        /// What the store has.
        found: u64,
    },
    /// No entry can have this name.
    Name,
    /// The entry cannot be made.
    Create(Kind, Errno),
    /// Something is at its place that is not replaced: a directory with entries.
    InTheWay(Errno),
    /// The owner cannot be set.
    Owner(Errno),
    /// The set-uid or set-gid bit is left out, because the file belongs to someone else than in the tree.
    SetId,
    /// The permissions cannot be set.
    Mode(Errno),
    /// The times cannot be set.
    Times(Errno),
    /// An extended attribute cannot be set.
    Xattr(Vec<u8>, Errno),
    /// The names of one file became separate files.
    HardLink(Errno),
}

/// An entry that is not as it is in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Its path relative to what is exported; empty for that itself.
    pub path: Vec<u8>,
    /// What is missing.
    pub what: What,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = |errno: &Errno| io::Error::from(*errno);
        match self {
            What::Unreadable(why) => write!(f, "not written: {why}"),
            What::Length { expected, found } => {
                write!(f, "not written: the store has {found} bytes of {expected}")
            }
            What::Name => write!(f, "not written: no entry can have this name"),
            What::Create(kind, errno) => {
                write!(f, "the {} cannot be made: {}", describe(*kind), reason(errno))
            }
            What::InTheWay(errno) => {
                write!(f, "what is there cannot be replaced: {}", reason(errno))
            }
            What::Owner(errno) => write!(f, "the owner is not kept: {}", reason(errno)),
            What::SetId => write!(f, "set-id bits are left out, as the owner is not kept"),
            What::Mode(errno) => write!(f, "permissions are not kept: {}", reason(errno)),
            What::Times(errno) => write!(f, "times are not kept: {}", reason(errno)),
            What::Xattr(name, errno) => {
                let name = names::shown(name);
                write!(f, "the attribute {name} is not kept: {}", reason(errno))
            }
            What::HardLink(errno) => {
                write!(f, "became a file of its own: {}", reason(errno))
            }
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = names::shown(if self.path.is_empty() { b"." } else { &self.path });
        write!(f, "{path}: {}", self.what)
    }
}

/// A kind in words.
fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "directory",
        Kind::Symlink => "symlink",
        Kind::Fifo => "pipe",
        Kind::Socket => "socket",
        Kind::CharDevice | Kind::BlockDevice => "device",
    }
}
