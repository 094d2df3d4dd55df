//! What `stat` tells of a node, and where its content is.

use vrift_cas::Digest;

use crate::time::Timestamp;

/// What sort of thing a node is. The discriminants are the type bits of `st_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Kind {
    /// A named pipe.
    Fifo = 0o010000,
    /// A character device.
    CharDevice = 0o020000,
    /// A directory.
    Directory = 0o040000,
    /// A block device.
    BlockDevice = 0o060000,
    /// A regular file.
    File = 0o100000,
    /// A symbolic link.
    Symlink = 0o120000,
    /// A socket.
    Socket = 0o140000,
}

impl Kind {
    /// The type bits of `st_mode`.
    pub const MASK: u32 = 0o170000;

    /// The kind that `mode` (a full `st_mode`) says, if it says one.
    pub fn of_mode(mode: u32) -> Option<Kind> {
        Some(match mode & Kind::MASK {
            0o010000 => Kind::Fifo,
            0o020000 => Kind::CharDevice,
            0o040000 => Kind::Directory,
            0o060000 => Kind::BlockDevice,
            0o100000 => Kind::File,
            0o120000 => Kind::Symlink,
            0o140000 => Kind::Socket,
            _ => return None,
        })
    }
}

/// The attributes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Type and permission, as `st_mode`.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names (for a directory: 2 + its subdirectories).
    pub nlink: u32,
    /// Bytes of content; a symlink's target length; 4096 for a directory.
    pub size: u64,
    /// Last access as set by `utimes` or at creation.
    pub atime: Timestamp,
    /// Last change of content.
    pub mtime: Timestamp,
    /// Last change of anything.
    pub ctime: Timestamp,
    /// Device number of a device node, else 0.
    pub rdev: u64,
}

/// Where a node's content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// Directories, pipes, sockets and devices have none.
    None,
    /// A regular file's blob.
    Blob(Digest),
    /// A symlink's target.
    Target(&'a [u8]),
}
