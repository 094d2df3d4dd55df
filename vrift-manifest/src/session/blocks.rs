//! The room that a file has on the disk.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Session;
use crate::attributes::{Attributes, Kind};
use crate::tree::{Cursor, DIRECTORY_SIZE, words_digest};

/// Smaller files are taken to have no holes: to look at the store would cost more than all else that `stat` does, and most files
/// are smaller. What asks whether a file system has holes at all makes a file of 128 KiB.
const LARGE: u64 = 64 << 10;

/// How many contents are remembered.
const REMEMBERED: usize = 64;

/// The low bits of a word are the blocks, the high ones are of the digest.
const BLOCKS: u64 = (1 << 40) - 1;

/// The room of large contents, which does not change. A word each: none is ever half written.
pub(super) struct Rooms([AtomicU64; REMEMBERED]);

impl Default for Rooms {
    fn default() -> Rooms {
        Rooms([const { AtomicU64::new(0) }; REMEMBERED])
    }
}

impl Session {
    /// The room of a node whose content is in the store, in units of 512 bytes.
    #[inline]
    pub(super) fn blocks(&self, at: Cursor, attributes: &Attributes) -> u64 {
        match Kind::of_mode(attributes.mode) {
            Some(Kind::File) if attributes.size >= LARGE => self.room(at, attributes.size),
            Some(Kind::File) => dense(attributes.size),
            // Also one that was removed.
            Some(Kind::Directory) => dense(DIRECTORY_SIZE),
            _ => 0,
        }
    }

    /// As the store's file system says: a large file may have holes.
    #[cold]
    fn room(&self, at: Cursor, size: u64) -> u64 {
        let Ok(content) = self.tree.content(self.tree.again(at)) else { return dense(size) };
        let key = content.content[0];
        let rooms = self.rooms.get().unwrap_or_else(|| self.rooms.set(Rooms::default()));
        let Some(slot) = rooms.0.get(key as usize % REMEMBERED) else { return dense(size) };
        // Never 0, which is an empty slot.
        let tag = (content.content[1] | 1 << 40) & !BLOCKS;
        let known = slot.load(Ordering::Relaxed);
        if known & !BLOCKS == tag {
            return known & BLOCKS;
        }
        let digest = words_digest(content.content);
        match self.sealer.with_blob(&digest, |path| rustix::fs::stat(path)) {
            Ok(stat) if stat.st_blocks >= 0 && stat.st_size.unsigned_abs() == size => {
                let blocks = stat.st_blocks.unsigned_abs();
                slot.store(tag | blocks & BLOCKS, Ordering::Relaxed);
                blocks
            }
            _ => dense(size),
        }
    }
}

/// What a file system with blocks of 4096 bytes needs where there are no holes.
fn dense(size: u64) -> u64 {
    size.div_ceil(4096) * 8
}
