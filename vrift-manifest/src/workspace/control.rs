//! The control page: the few words that all processes of a workspace agree on. It lies in the store, is never
//! replaced and never grows, so whatever becomes of the live index, there is only one lock and one `committed`.
//!
//! | word | |
//! |---|---|
//! | 0, 1 | "VRIFTCTL", version |
//! | 8 | the lock (see the shared-memory module) |
//! | 10, 11 | whose lock that is: a *machine* |
//! | 16 | epoch: even = the index of that number is in force; odd = being replaced; all ones = workspace dropped |
//! | 17 | committed position in the open segment |
//! | 18, 19 | the machine that has looked at the end of the journal |
//! | 20, 21 | the open segment |
//! | 22 | its first sequence number |
//! | 23 | the highest sequence number known to be on disk |
//! | 24 | last use, nanoseconds since 1970 |
//! | 25 | no later stamp is older, nanoseconds since 1970 |
//! | 26 | no later node has a smaller number |
//! | 27 | the record, if any, that says that everything before it is on disk |
//! | 28 | the number that the store gives to this boot; 0: not known |
//! | 29 | drafts opened by records up to this one are of an earlier boot |
//! | 64..128 | length and bytes of the directory in which the index lies; empty: the store's own |
//! | 128..256 | of which nodes somebody may have locked the file: a bit for each remainder |
//!
//! A **machine** is one boot of one kernel and one inode: after a restart, and in a copy of a store, the lock and the
//! index are nobody's, whatever the words say.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{Ordering, fence};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{Errno, retry_on_intr};

use super::runtime;
use crate::journal::{Position, SegmentId};
use crate::shm::{Held, Inode, LockError, OWNER_DIED, Region, with_lock};
use crate::time::Timestamp;

const MAGIC: u64 = u64::from_le_bytes(*b"VRIFTCTL");
const VERSION: u64 = 1;
const WORDS: usize = 512;

const C_VERSION: usize = 1;
const C_LOCK: usize = 8;
const C_LOCK_OF: usize = 10;
const C_EPOCH: usize = 16;
const C_COMMITTED: usize = 17;
const C_TAKEN_BY: usize = 18;
const C_SEGMENT: usize = 20;
const C_FIRST_SEQ: usize = 22;
const C_SYNCED: usize = 23;
const C_LAST_USE: usize = 24;
const C_FLOOR: usize = 25;
const C_NEXT_NODE: usize = 26;
const C_SYNC_RECORD: usize = 27;
const C_BOOT: usize = 28;
const C_DRAFTS_AFTER: usize = 29;
const C_PLACE: usize = 64;
const PLACE_WORDS: usize = 63;
const C_LOCKED: usize = 128;
const LOCKED_WORDS: usize = 128;

/// Where in the page the lock is, in bytes.
pub const LOCK_AT: u64 = C_LOCK as u64 * 8;

/// The machine that a process writes who cannot know the boot. Others believe that it is theirs if the workspace was used
/// since their boot: that process may have the lock, and drafts.
const UNKNOWN: [u8; 16] = [0xff; 16];

/// The epoch of a workspace that is gone.
pub const DROPPED: u64 = u64::MAX;

/// A mapped control page.
pub struct Control {
    region: Region,
    path: PathBuf,
    inode: Inode,
    /// This boot and inode. `None`: the boot cannot be known here (no `/proc`); then what was taken over counts as ours,
    /// because to take the lock away from a living process would be worse than to wait for a dead one.
    machine: Option<[u8; 16]>,
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
        (self.first_seq + u64::from(self.committed.records)).saturating_sub(1)
    }
}

/// The word and the bit in it that say whether a node's file may be locked.
fn locked_bit(node: u64) -> (usize, u64) {
    let bit = node as usize % (LOCKED_WORDS * 64);
    (C_LOCKED + bit / 64, 1 << (bit % 64))
}

impl Control {
    /// The page of a new workspace. Nobody has taken it over, so that the first to open it looks at everything.
    pub fn fresh() -> Vec<u8> {
        let mut page = vec![0; WORDS * 8];
        page[..8].copy_from_slice(&MAGIC.to_le_bytes());
        page[8..16].copy_from_slice(&VERSION.to_le_bytes());
        page
    }

    /// Maps the page.
    pub fn open(path: &Path, writable: bool) -> io::Result<Control> {
        let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
        let file =
            retry_on_intr(|| rustix::fs::open(path, access | OFlags::CLOEXEC, Mode::empty()))?;
        let stat = rustix::fs::fstat(&file)?;
        let inode = Inode::in_stat(&stat);
        let region = Region::of_stat(&file, &stat, path, WORDS, writable)?;
        // Read, and not concluded from an index in memory: that is in force a while before all of this boot was looked at.
        let machine = runtime::boot_id().map(|boot| machine(boot, inode));
        let control = Control { region, path: path.to_owned(), inode, machine };
        if control.region.len() < WORDS || control.get(0) != MAGIC {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a control page"));
        }
        if control.get(C_VERSION) != VERSION {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "of another version"));
        }
        Ok(control)
    }

    /// Which file the page is.
    pub fn inode(&self) -> Inode {
        self.inode
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
        let Some(word) = self.region.futex(C_LOCK).filter(|_| self.region.is_writable()) else {
            return Err(LockError::ReadOnly);
        };
        if !self.is_ours(C_LOCK_OF) {
            self.reset_lock().map_err(LockError::TakeOver)?;
        }
        with_lock(word, work)
    }

    /// Forgets a lock that was held when the machine went down, or when this copy was made. Once per machine and
    /// before anybody there takes it: never while it is held.
    fn reset_lock(&self) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::open(&self.path, flags, Mode::empty())?;
        if Inode::of(&file)? != self.inode {
            return Err(Errno::STALE);
        }
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
        if !self.is_ours(C_LOCK_OF) {
            if let Some(word) = self.region.futex(C_LOCK) {
                word.store(0, Ordering::Release);
            }
            self.set_ours(C_LOCK_OF);
        }
        // A process forked meanwhile has the descriptor too.
        flock(&file, FlockOperation::Unlock)
    }

    /// Whether the last holder of the lock died, and nobody has taken it since.
    pub fn owner_died(&self) -> bool {
        self.region.futex(C_LOCK).is_some_and(|word| word.load(Ordering::Relaxed) & OWNER_DIED != 0)
    }

    fn is_ours(&self, at: usize) -> bool {
        match (self.pair(at), self.machine) {
            (owner, None) => owner != [0; 16],
            (UNKNOWN, Some(_)) => self.last_use() >= runtime::boot_time().to_nanos(),
            (owner, Some(machine)) => owner == machine,
        }
    }

    fn set_ours(&self, at: usize) {
        self.set_pair(at, self.machine.unwrap_or(UNKNOWN));
    }

    /// Whether somebody on this machine has looked at the end of the journal.
    pub fn is_taken_over(&self) -> bool {
        self.is_ours(C_TAKEN_BY)
    }

    /// Says that this has happened.
    pub fn set_taken_over(&self) {
        self.set_ours(C_TAKEN_BY);
    }

    /// The directory in which the index in force lies; `None`: the store's own. Good if the epoch is the same and
    /// even before and after.
    pub fn place(&self) -> Option<PathBuf> {
        let length = usize::try_from(self.get(C_PLACE)).ok()?.min(PLACE_WORDS * 8);
        let mut bytes = Vec::with_capacity(PLACE_WORDS * 8);
        for place in 0..length.div_ceil(8) {
            bytes.extend_from_slice(&self.get(C_PLACE + 1 + place).to_le_bytes());
        }
        bytes.truncate(length);
        (length > 0).then(|| PathBuf::from(OsStr::from_bytes(&bytes)))
    }

    /// Whether [`Control::set_place`] can keep this path.
    pub fn can_keep(place: &Path) -> bool {
        place.as_os_str().len() <= PLACE_WORDS * 8
    }

    /// Replaces it. Only while the epoch is odd.
    pub fn set_place(&self, place: Option<&Path>) {
        let bytes = place.map_or(&[][..], |place| place.as_os_str().as_bytes());
        self.set(C_PLACE, bytes.len() as u64);
        for (place, word) in crate::shm::words_of(bytes).take(PLACE_WORDS).enumerate() {
            self.set(C_PLACE + 1 + place, word);
        }
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

    /// The record that says that everything before it is on disk; itself it need not be.
    pub fn sync_record(&self) -> u64 {
        self.get(C_SYNC_RECORD)
    }

    /// Notes it.
    pub fn set_sync_record(&self, seq: u64) {
        self.set(C_SYNC_RECORD, seq);
    }

    /// The number that the store gives to this boot; 0: it is not known, or this is another boot.
    pub fn boot(&self) -> u32 {
        if !self.is_taken_over() {
            return 0;
        }
        u32::try_from(self.get(C_BOOT)).unwrap_or(0)
    }

    /// Notes it.
    pub fn set_boot(&self, boot: u32) {
        if self.get(C_BOOT) != u64::from(boot) {
            self.set(C_BOOT, u64::from(boot));
        }
    }

    /// The last record of earlier boots: drafts that were opened by then are put aside.
    pub fn drafts_after(&self) -> u64 {
        self.get(C_DRAFTS_AFTER)
    }

    /// Notes it.
    pub fn set_drafts_after(&self, seq: u64) {
        self.set(C_DRAFTS_AFTER, seq);
    }

    /// Notes that somebody is about to lock a node's file. Whoever looks at the file behind this, and finds it a draft still,
    /// and whoever makes it a blob and asks behind that, see each other.
    pub fn note_lock(&self, node: u64) {
        let (at, bit) = locked_bit(node);
        if let Some(word) = self.region.word(at).filter(|_| self.region.is_writable())
            && word.load(Ordering::Relaxed) & bit == 0
        {
            word.fetch_or(bit, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
    }

    /// Whether somebody may have locked a node's file who cannot write it.
    pub fn may_be_locked(&self, node: u64) -> bool {
        let (at, bit) = locked_bit(node);
        fence(Ordering::SeqCst);
        self.get(at) & bit != 0
    }

    /// The locks of an earlier boot are gone.
    pub fn forget_locks(&self) {
        (C_LOCKED..C_LOCKED + LOCKED_WORDS).for_each(|at| self.set(at, 0));
    }

    /// No stamp given from now on is older.
    pub fn floor(&self) -> Timestamp {
        Timestamp::from_nanos(self.get(C_FLOOR) as i64)
    }

    /// The smallest number that a new node can have.
    pub fn next_node(&self) -> u64 {
        self.get(C_NEXT_NODE)
    }

    /// Raises both: what a tree that is replaced has given out is not given out again.
    pub fn raise(&self, floor: Timestamp, next_node: u64) {
        if floor > self.floor() {
            self.set(C_FLOOR, floor.to_nanos() as u64);
        }
        if next_node > self.next_node() {
            self.set(C_NEXT_NODE, next_node);
        }
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

/// The name of this boot and this inode together: the boot's random number, to which device and number of the inode are
/// added bit by bit. No digest: to find out how to compute one takes a process longer than all else here.
fn machine(boot: [u8; 16], inode: Inode) -> [u8; 16] {
    let file = u128::from(inode.device) << 64 | u128::from(inode.number);
    (u128::from_le_bytes(boot) ^ file).to_le_bytes()
}
