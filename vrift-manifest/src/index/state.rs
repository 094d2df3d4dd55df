//! A node's state as words: what a latch (see [`super::latch`]) keeps of it.

use super::layout::COPY;
use crate::attributes::{Attributes, Kind};
use crate::time::Timestamp;

/// Everything that changes about a node, as sixteen words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeState {
    /// The journal record that changed the node last. A record is applied to a node only if it is newer, which makes
    /// applying it twice the same as once.
    pub seq: u64,
    /// What `stat` shows.
    pub attributes: Attributes,
    /// File: the digest's words. Symlink: where the target is and its length.
    pub content: [u64; 4],
    /// Directory: the number of the directory that holds it.
    pub parent: u64,
    /// File: the number of the draft that holds its content while it is being written; 0 = none.
    pub draft: u64,
    /// Where the extended attributes are; 0 = none.
    pub xattrs: u64,
}

impl NodeState {
    pub(super) fn to_words(self) -> [u64; COPY] {
        let a = self.attributes;
        let directory = a.mode & Kind::MASK == Kind::Directory as u32;
        [
            self.seq,
            pair(a.mode, a.nlink),
            pair(a.uid, a.gid),
            a.size,
            a.mtime.sec as u64,
            a.ctime.sec as u64,
            a.atime.sec as u64,
            pair(a.mtime.nsec, a.ctime.nsec),
            u64::from(a.atime.nsec),
            self.content[0],
            self.content[1],
            self.content[2],
            self.content[3],
            if directory { self.parent } else { self.draft },
            self.xattrs,
            a.rdev,
        ]
    }

    pub(super) fn from_words(w: [u64; COPY]) -> NodeState {
        let time = |sec: u64, nsec: u32| Timestamp { sec: sec as i64, nsec };
        let directory = w[1] as u32 & Kind::MASK == Kind::Directory as u32;
        let (parent, draft) = if directory { (w[13], 0) } else { (0, w[13]) };
        NodeState {
            seq: w[0],
            attributes: Attributes {
                mode: w[1] as u32,
                nlink: high(w[1]),
                uid: w[2] as u32,
                gid: high(w[2]),
                size: w[3],
                mtime: time(w[4], w[7] as u32),
                ctime: time(w[5], high(w[7])),
                atime: time(w[6], w[8] as u32),
                rdev: w[15],
            },
            content: [w[9], w[10], w[11], w[12]],
            parent,
            draft,
            xattrs: w[14],
        }
    }
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn high(word: u64) -> u32 {
    (word >> 32) as u32
}
