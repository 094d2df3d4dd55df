//! The control page: the few words that all processes of a workspace agree on. It lies in the store, is never
//! replaced and never grows, so whatever becomes of the live index, there is only one lock and one `committed`.
//!
//! | word | |
//! |---|---|
//! | 0, 1 | "VRIFTCTL", version |
//! | 8 | the lock (see the shared-memory module) |
//! | 16 | epoch: even = the index of that number is in force; odd = being replaced; all ones = workspace dropped |
//! | 17 | committed position in the open segment |
//! | 18, 19 | the boot in which the page was last taken over |
//! | 20, 21 | the open segment |
//! | 22 | its first sequence number |
//! | 23 | the highest sequence number known to be on disk |
//! | 24 | last use, nanoseconds since 1970 |

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use crate::journal::{Position, SegmentId};
use crate::shm::{Held, LockError, Region, with_lock};

const MAGIC: u64 = u64::from_le_bytes(*b"VRIFTCTL");
const VERSION: u64 = 1;
const WORDS: usize = 512;

const C_VERSION: usize = 1;
const C_LOCK: usize = 8;
const C_EPOCH: usize = 16;
const C_COMMITTED: usize = 17;
const C_BOOT: usize = 18;
const C_SEGMENT: usize = 20;
const C_FIRST_SEQ: usize = 22;
const C_SYNCED: usize = 23;
const C_LAST_USE: usize = 24;

/// The epoch of a workspace that is gone.
pub const DROPPED: u64 = u64::MAX;

/// A mapped control page.
pub struct Control {
    region: Region,
}

/// The open segment, and how far it is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSegment {
    /// Its name.
    pub id: SegmentId,
    /// The number of its first record.
    pub first_seq: u64,
    /// How far records have happened.
    pub committed: Position,
}

impl OpenSegment {
    /// The number of the last record that happened.
    pub fn last_seq(&self) -> u64 {
        // A page that nobody took over yet is all zeros.
        (self.first_seq + u64::from(self.committed.records)).saturating_sub(1)
    }
}

impl Control {
    /// Writes the page of a new workspace. Its boot is no boot, so that the first to open it looks at everything.
    pub fn create(path: &Path) -> io::Result<()> {
        let mut page = vec![0; WORDS * 8];
        page[..8].copy_from_slice(&MAGIC.to_le_bytes());
        page[8..16].copy_from_slice(&VERSION.to_le_bytes());
        let mut file = File::create_new(path)?;
        file.write_all(&page)
    }

    /// Maps the page.
    pub fn open(path: &Path, writable: bool) -> io::Result<Control> {
        let region = Region::of_file(path, WORDS, writable)?;
        let control = Control { region };
        if control.region.len() < WORDS || control.get(0) != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a control page"));
        }
        if control.get(C_VERSION) != VERSION {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "of another version"));
        }
        Ok(control)
    }

    #[inline]
    fn get(&self, at: usize) -> u64 {
        self.region.word(at).map_or(0, |word| word.load(Ordering::Acquire))
    }

    fn set(&self, at: usize, value: u64) {
        self.region.store(at, value, Ordering::Release);
    }

    /// Runs `work` under the workspace's lock.
    pub fn with_lock<T>(&self, work: impl FnOnce(Held) -> T) -> Result<T, LockError> {
        match self.region.futex(C_LOCK) {
            Some(word) if self.region.is_writable() => with_lock(word, work),
            _ => Err(LockError::ReadOnly),
        }
    }

    /// Forgets a lock that was held when the machine went down. Only under the file lock of a take-over.
    pub fn reset_lock(&self) {
        self.set(C_LOCK, 0);
    }

    /// Which index is in force.
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.get(C_EPOCH)
    }

    /// Replaces the epoch.
    pub fn set_epoch(&self, epoch: u64) {
        self.set(C_EPOCH, epoch);
    }

    /// The boot in which the page was last taken over.
    pub fn boot(&self) -> [u8; 16] {
        self.pair(C_BOOT)
    }

    /// Says that this is the boot now.
    pub fn set_boot(&self, boot: [u8; 16]) {
        self.set_pair(C_BOOT, boot);
    }

    /// The open segment.
    pub fn segment(&self) -> OpenSegment {
        OpenSegment {
            id: SegmentId(self.pair(C_SEGMENT)),
            first_seq: self.get(C_FIRST_SEQ),
            committed: Position::from_word(self.get(C_COMMITTED)),
        }
    }

    /// Replaces the open segment. Several words: only while the epoch is odd.
    pub fn set_segment(&self, segment: &OpenSegment) {
        self.set_pair(C_SEGMENT, segment.id.0);
        self.set(C_FIRST_SEQ, segment.first_seq);
        self.commit(segment.committed);
    }

    /// Says that everything before `position` has happened.
    #[inline]
    pub fn commit(&self, position: Position) {
        self.set(C_COMMITTED, position.to_word());
    }

    /// The highest sequence number known to be on disk.
    pub fn synced(&self) -> u64 {
        self.get(C_SYNCED)
    }

    /// Raises it.
    pub fn set_synced(&self, seq: u64) {
        self.set(C_SYNCED, seq);
    }

    /// When the workspace was last opened to be used, in nanoseconds since 1970; 0: never.
    pub fn last_use(&self) -> i64 {
        self.get(C_LAST_USE) as i64
    }

    /// Notes a use.
    pub fn note_use(&self, nanos: i64) {
        self.set(C_LAST_USE, nanos as u64);
    }

    fn pair(&self, at: usize) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.get(at).to_le_bytes());
        bytes[8..].copy_from_slice(&self.get(at + 1).to_le_bytes());
        bytes
    }

    fn set_pair(&self, at: usize, bytes: [u8; 16]) {
        let (words, _) = bytes.as_chunks::<8>();
        for (place, word) in words.iter().enumerate() {
            self.set(at + place, u64::from_le_bytes(*word));
        }
    }
}
