//! A node's state as a latch: two copies and a version that says which one is whole.
//!
//! The writer fills the copy that is not in use and then raises the version. A writer that is stopped or dead halfway
//! leaves the other copy whole, so readers go on; a reader tries again only when a writer finished in between, so
//! somebody always makes progress.

use super::layout::COPY;
use crate::attributes::Attributes;
use crate::time::Timestamp;

#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering, fence};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering, fence};

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
    /// Where the extended attributes are; 0 = none.
    pub xattrs: u64,
}

impl NodeState {
    pub(super) fn to_words(self) -> [u64; COPY] {
        let a = self.attributes;
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
            self.parent,
            self.xattrs,
            a.rdev,
        ]
    }

    pub(super) fn from_words(w: [u64; COPY]) -> NodeState {
        let time = |sec: u64, nsec: u32| Timestamp { sec: sec as i64, nsec };
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
            parent: w[13],
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

/// Reads a whole state; never waits for a writer.
#[inline]
pub fn load(version: &AtomicU64, copies: [&[AtomicU64; COPY]; 2]) -> NodeState {
    let mut words = [0; COPY];
    loop {
        let seen = version.load(Ordering::Acquire);
        let copy = copies[(seen & 1) as usize];
        for (word, shared) in words.iter_mut().zip(copy) {
            *word = shared.load(Ordering::Relaxed);
        }
        // Pairs with the fence in `store`: had one of the words above come from the next writer of this copy, the
        // load below would see that this copy went out of use before.
        fence(Ordering::Acquire);
        if version.load(Ordering::Relaxed) == seen {
            return NodeState::from_words(words);
        }
    }
}

/// Writes a whole state. One writer at a time: the holder of the lock.
pub fn store(version: &AtomicU64, copies: [&[AtomicU64; COPY]; 2], state: &NodeState) {
    let next = version.load(Ordering::Relaxed).wrapping_add(1);
    // The copy to be written went out of use with the present version: no reader that sees a word written below may
    // still see an older version.
    fence(Ordering::Release);
    for (shared, word) in copies[(next & 1) as usize].iter().zip(state.to_words()) {
        shared.store(word, Ordering::Relaxed);
    }
    version.store(next, Ordering::Release);
}
