//! A region is a run of 64-bit words that other processes may read and change at any time.
//!
//! It is reserved once at its full capacity and never moves, so that a reference into it stays good while the file
//! behind it grows. Only words that the file is known to hold are handed out.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use memmap2::{MmapMut, MmapOptions};
use rustix::fs::{FallocateFlags, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};
use vrift_cas::within_limit;

use super::reserved::Reserved;

/// A failure to make a region larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grow {
    /// The region has reached its capacity.
    Full,
    /// The file could not grow (ENOSPC, EFBIG ...).
    Refused(Errno),
    /// The file has lost its name, or another one has it now: it can be read and written as before, but not grown.
    Gone,
}

/// What keeps the words mapped.
enum Backing {
    File { map: Reserved, path: CString, inode: Inode },
    Memory { _map: MmapMut },
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inode {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub number: u64,
}

impl Inode {
    /// The inode of an open file.
    pub fn of(file: impl AsFd) -> Result<Inode, Errno> {
        Ok(Inode::in_stat(&rustix::fs::fstat(file)?))
    }

    /// The inode that a `stat` speaks of.
    pub fn in_stat(stat: &rustix::fs::Stat) -> Inode {
        Inode { device: stat.st_dev, number: stat.st_ino }
    }
}

/// Words shared with other processes, or private to this one.
pub struct Region {
    /// The first word. Valid as long as `backing` lives, which is as long as the region does: it is never replaced.
    base: *const AtomicU64,
    backing: Backing,
    /// The file had holes when it was mapped.
    has_holes: bool,
    capacity: usize,
    /// Words known to be backed by the file: beyond them an access would be a SIGBUS.
    backed: AtomicUsize,
    /// The word that says how many words there are, if one does.
    size_word: Option<usize>,
    /// That word said more than the file had when it was mapped.
    is_cut: bool,
    writable: bool,
}

impl Region {
    /// Maps the file at `path`, reserving address space for `capacity` words of growth.
    pub fn of_file(path: &Path, capacity: usize, writable: bool) -> io::Result<Region> {
        let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
        let file =
            retry_on_intr(|| rustix::fs::open(path, access | OFlags::CLOEXEC, Mode::empty()))?;
        Region::of_open(&file, path, capacity, writable)
    }

    /// As [`Region::of_file`], of a file that was opened already, by that path.
    pub fn of_open(
        file: &(impl AsFd + AsRawFd),
        path: &Path,
        capacity: usize,
        writable: bool,
    ) -> io::Result<Region> {
        Region::of_stat(file, &rustix::fs::fstat(file)?, path, capacity, writable)
    }

    /// As [`Region::of_open`], of a file that was looked at already.
    pub fn of_stat(
        file: &(impl AsFd + AsRawFd),
        stat: &Stat,
        path: &Path,
        capacity: usize,
        writable: bool,
    ) -> io::Result<Region> {
        let backed = words_in(u64::try_from(stat.st_size).unwrap_or(0));
        let capacity = capacity.max(backed).max(1);
        let bytes = capacity.checked_mul(8).ok_or(io::ErrorKind::OutOfMemory)?;
        let map = Reserved::of(file, bytes, backed * 8, writable)?;
        let path = CString::new(path.as_os_str().as_bytes())?;
        Ok(Region {
            base: map.base().cast(),
            backing: Backing::File { map, path, inode: Inode::in_stat(stat) },
            has_holes: i128::from(stat.st_blocks) * 512 < i128::from(stat.st_size),
            capacity,
            backed: AtomicUsize::new(backed),
            size_word: None,
            is_cut: false,
            writable,
        })
    }

    /// The word at `at` says how many words there are, and is kept up as they grow. So a reader learns of growth
    /// without asking for a file that may have lost its name.
    pub fn sized_by(mut self, at: usize) -> Region {
        let backed = *self.backed.get_mut();
        if at < backed && matches!(self.backing, Backing::File { .. }) {
            let said = self.word(at).map_or(0, |word| word.load(Ordering::Acquire));
            let said = usize::try_from(said).unwrap_or(usize::MAX);
            *self.backed.get_mut() = backed.min(said.max(at + 1));
            self.is_cut = said > backed;
        }
        self.size_word = Some(at);
        self
    }

    /// Whether the file ends before the words do that it is said to have: to read on would be a SIGBUS. It can seem so of one
    /// that was growing at that moment.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Zeroed words of this process alone; pages are taken as they are touched.
    pub fn in_memory(capacity: usize) -> io::Result<Region> {
        let bytes = capacity.max(1).checked_mul(8).ok_or(io::ErrorKind::OutOfMemory)?;
        let map = MmapOptions::new().len(bytes).no_reserve_swap().map_anon()?;
        Ok(Region {
            base: map.as_ptr().cast(),
            backing: Backing::Memory { _map: map },
            has_holes: false,
            capacity,
            backed: AtomicUsize::new(capacity),
            size_word: None,
            is_cut: false,
            writable: true,
        })
    }

    /// The word at `at`, if the region holds it.
    #[inline]
    pub fn word(&self, at: usize) -> Option<&AtomicU64> {
        if at >= self.backed.load(Ordering::Relaxed) && !self.grown_to(at) {
            return None;
        }
        // SAFETY: `at` is below `backed`, which never exceeds the mapped length nor the file's size, nor what of a writable
        // mapping is open; the base of a mapping is page-aligned, so the word is aligned; the memory is only ever accessed through atomics. Where the
        // mapping is read-only, callers only load (all stores go through `store`), and loads of at most pointer size
        // are defined on read-only memory on the supported targets.
        Some(unsafe { &*self.base.add(at) })
    }

    /// The words `[at, at + N)`, if the region holds them all.
    #[inline]
    pub fn words<const N: usize>(&self, at: usize) -> Option<&[AtomicU64; N]> {
        let last = at.checked_add(N)?.checked_sub(1)?;
        if last >= self.backed.load(Ordering::Relaxed) && !self.grown_to(last) {
            return None;
        }
        // SAFETY: as in `word`, for all N words: the last of them is backed, hence all are.
        Some(unsafe { &*self.base.add(at).cast::<[AtomicU64; N]>() })
    }

    /// The low half of the word at `at` as a futex.
    #[inline]
    pub fn futex(&self, at: usize) -> Option<&AtomicU32> {
        let word: *const AtomicU64 = self.word(at)?;
        // SAFETY: a u32 at the start of an aligned, live u64 (see `word`). No code accesses this word as a u64: futex
        // words have a word of their own.
        Some(unsafe { &*word.cast::<AtomicU32>() })
    }

    /// Stores into the word at `at`. A region mapped read-only, or too small, ignores it and says so.
    #[inline]
    pub fn store(&self, at: usize, value: u64, order: Ordering) -> bool {
        if !self.writable {
            return false;
        }
        self.word(at).map(|word| word.store(value, order)).is_some()
    }

    /// Raises the word at `at`, taken as a signed number, to `value`, whoever else does the same. A region mapped
    /// read-only, or too small, ignores it and says so.
    pub fn raise(&self, at: usize, value: i64) -> bool {
        let Some(word) = self.word(at).filter(|_| self.writable) else { return false };
        let higher = |now: u64| (value > now as i64).then_some(value as u64);
        // Refused: it is that high already.
        let _ = word.fetch_update(Ordering::Release, Ordering::Relaxed, higher);
        true
    }

    /// Whether this mapping may be written through.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Words known to be there.
    pub fn len(&self) -> usize {
        self.backed.load(Ordering::Relaxed)
    }

    /// Makes sure that the first `words` words exist, by fallocate: never a hole that a full disk would turn into a
    /// SIGBUS. Only one process at a time may call this (the lock's holder).
    pub fn ensure(&self, words: usize) -> Result<(), Grow> {
        if words <= self.backed.load(Ordering::Relaxed) {
            return Ok(());
        }
        if words > self.capacity {
            return Err(Grow::Full);
        }
        let Backing::File { map, path, inode } = &self.backing else { return Err(Grow::Full) };
        let file = match rustix::fs::open(
            path.as_c_str(),
            OFlags::RDWR | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Err(Errno::NOENT) => return Err(Grow::Gone),
            other => other.map_err(Grow::Refused)?,
        };
        if Inode::of(&file).map_err(Grow::Refused)? != *inode {
            return Err(Grow::Gone);
        }
        grow_file(&file, words as u64 * 8).map_err(Grow::Refused)?;
        map.open_up(words * 8).map_err(Grow::Refused)?;
        let before = self.backed.fetch_max(words, Ordering::Relaxed);
        if self.is_looked_up() {
            map.gather(before * 8, words * 8);
        }
        if let Some(at) = self.size_word {
            self.store(at, words as u64, Ordering::Release);
        }
        Ok(())
    }

    /// Whether processes look for words here and there in it, and do not only add to its end.
    fn is_looked_up(&self) -> bool {
        self.size_word.is_some()
    }

    /// Makes sure that what there is has real blocks: a copy made by a thrifty tool has holes where there were zeros.
    pub fn fill_holes(&self) -> Result<(), Errno> {
        let Backing::File { path, .. } = &self.backing else { return Ok(()) };
        if !self.has_holes {
            return Ok(());
        }
        let file =
            rustix::fs::open(path.as_c_str(), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let length = self.len() as u64 * 8;
        match retry_on_intr(|| rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, length)) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            other => other,
        }
    }

    /// Which file this is; none for memory.
    pub fn inode(&self) -> Option<Inode> {
        match &self.backing {
            Backing::File { inode, .. } => Some(*inode),
            Backing::Memory { .. } => None,
        }
    }

    /// Looks how large the file is by now: another process may have grown it.
    #[cold]
    fn grown_to(&self, at: usize) -> bool {
        let Backing::File { map, path, .. } = &self.backing else { return false };
        if at >= self.capacity {
            return false;
        }
        let words = match self.size_word {
            // The word lies below what is backed, else the file is no region yet.
            Some(size) if size >= self.backed.load(Ordering::Relaxed) => return false,
            Some(size) => self.word(size).map_or(0, |word| word.load(Ordering::Acquire)),
            None => match rustix::fs::stat(path.as_c_str()) {
                Ok(stat) => u64::try_from(stat.st_size).unwrap_or(0) / 8,
                Err(_) => return false,
            },
        };
        let words = usize::try_from(words).unwrap_or(usize::MAX).min(self.capacity);
        if at >= words || self.writable && map.open_up(words * 8).is_err() {
            return false;
        }
        // A word says what somebody has written there, be it a flipped bit.
        if !map.has(words * 8) {
            return false;
        }
        self.backed.fetch_max(words, Ordering::Relaxed);
        true
    }
}

// SAFETY: the pointer is to a mapping that the region owns and that every thread may reach; all access to it is atomic.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

/// Extends `file` to `length` bytes with real blocks.
pub fn grow_file(file: impl AsFd, length: u64) -> Result<(), Errno> {
    within_limit(length)?;
    let old = rustix::fs::fstat(&file)?.st_size as u64;
    if length <= old {
        return Ok(());
    }
    let grown =
        retry_on_intr(|| rustix::fs::fallocate(&file, FallocateFlags::empty(), old, length - old));
    match grown {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, old, length),
        other => other,
    }
}

/// Not on the stack: threads may have stacks no larger than this.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// What a file system does that cannot allocate.
fn write_zeros(file: impl AsFd, mut from: u64, to: u64) -> Result<(), Errno> {
    while from < to {
        let length = ZEROS.len().min(usize::try_from(to - from).unwrap_or(usize::MAX));
        match retry_on_intr(|| rustix::io::pwrite(&file, &ZEROS[..length], from))? {
            0 => return Err(Errno::IO),
            written => from += written as u64,
        }
    }
    Ok(())
}

fn words_in(bytes: u64) -> usize {
    usize::try_from(bytes / 8).unwrap_or(usize::MAX)
}

/// Bytes as words, little-endian, the last one padded with zeros.
pub fn words_of(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}
