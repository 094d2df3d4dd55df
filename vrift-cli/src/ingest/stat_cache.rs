//! What the last ingest of a directory saw, so that the next one reads only what changed.
//!
//! A file of fixed-size records in the workspace's directory, little-endian:
//! ```text
//! header, 96 bytes:  0 magic "VRIFTORG"   8 version u32   12 record length u32   16 records u64   24 entries u64
//!                   32 shape u64   40 tag u64   48 zero, 16 bytes   64 BLAKE3 of the file with this field zero
//! record, 96 bytes:  0 device u64   8 inode u64   16 size u64   24 mtime i64   32 ctime i64   40 mtime nsec u32
//!                   44 ctime nsec u32   48 mode u32   52 flags u32 (1 racy, 2 has extended attributes)
//!                   56 zero u64   64 digest (zero for what is no file)
//! ```
//! One record for each inode. A damaged file is as good as none: everything is read again.
//!
//! Whatever changes an inode changes its ctime, which no program can set: so an inode whose size, mtime and ctime
//! are as recorded is as it was, unless it was *racy*: changed so shortly before it was read that a later change
//! could have left the same times behind. *Shape* is a sum over (directory, name, inode) of all entries.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use vrift_cas::{Digest, Hasher};
use vrift_manifest::attributes::Attributes;
use vrift_manifest::hash::{name_hash, number_hash};
use vrift_manifest::time::Timestamp;

use super::tree::{Entry, Found};

const MAGIC: &[u8; 8] = b"VRIFTORG";
const VERSION: u32 = 1;
const HEADER: usize = 96;
const RECORD: usize = 96;
const CHECKSUM: std::ops::Range<usize> = 64..96;
const RACY: u32 = 1;
const XATTRS: u32 = 2;

/// What was recorded of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The content of a file.
    pub digest: Digest,
    /// Whether it had extended attributes.
    pub has_xattrs: bool,
}

/// The records of one ingest.
#[derive(Debug, Default)]
pub struct StatCache {
    bytes: Vec<u8>,
    slots: Vec<u32>,
}

impl StatCache {
    /// A cache that knows nothing.
    pub fn empty() -> StatCache {
        StatCache::default()
    }

    /// Reads a cache file. A missing or damaged one is an empty cache.
    pub fn load(path: &Path) -> io::Result<StatCache> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(mut file) => {
                let length = file.metadata()?.len();
                bytes.reserve_exact(usize::try_from(length).unwrap_or(0).saturating_add(1));
                file.read_to_end(&mut bytes)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(StatCache::empty()),
            Err(error) => return Err(error),
        }
        Ok(StatCache::from_bytes(bytes).unwrap_or_default())
    }

    /// A cache from the bytes of its file; `None` if they are damaged.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<StatCache> {
        let header = bytes.get(..HEADER)?;
        let records = (bytes.len() - HEADER) / RECORD;
        let sound = header.starts_with(MAGIC)
            && word32(header, 8) == VERSION
            && word32(header, 12) as usize == RECORD
            && (bytes.len() - HEADER).is_multiple_of(RECORD)
            && word64(header, 16) == records as u64
            && u32::try_from(records).is_ok_and(|records| records < u32::MAX / 2)
            && header.get(CHECKSUM)? == checksum(&bytes).as_bytes();
        if !sound {
            return None;
        }
        let mut slots = vec![0; (records * 2).next_power_of_two().max(2)];
        let mask = slots.len() - 1;
        for place in 0..records {
            let record = bytes.get(HEADER + place * RECORD..)?;
            let mut slot = slot_of(word64(record, 0), word64(record, 8)) as usize & mask;
            while *slots.get(slot)? != 0 {
                slot = (slot + 1) & mask;
            }
            *slots.get_mut(slot)? = place as u32 + 1;
        }
        Some(StatCache { bytes, slots })
    }

    /// Writes it to `path`, replacing what is there in one step. It need not be durable: what is lost is read again.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&self.bytes)?;
        drop(file);
        std::fs::rename(beside, path)
    }

    /// The bytes of its file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the caller noted with it, e.g. the sequence number that the ingest ended with.
    pub fn tag(&self) -> u64 {
        word64(&self.bytes, 40)
    }

    /// Entries and shape of the tree.
    pub(super) fn shape(&self) -> Shape {
        Shape { entries: word64(&self.bytes, 24), sum: word64(&self.bytes, 32) }
    }

    /// What is known of an inode, if it is as it was and was not racy.
    pub fn get(&self, dev: u64, ino: u64, now: &Attributes) -> Option<Known> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = slot_of(dev, ino) as usize & mask;
        loop {
            let place = *self.slots.get(slot)?;
            if place == 0 {
                return None;
            }
            let at = HEADER + (place as usize - 1) * RECORD;
            let record: &[u8; RECORD] = self.bytes.get(at..at + RECORD)?.try_into().ok()?;
            if word64(record, 0) == dev && word64(record, 8) == ino {
                let flags = word32(record, 52);
                let same = word64(record, 16) == now.size
                    && word64(record, 24) == now.mtime.sec as u64
                    && word64(record, 32) == now.ctime.sec as u64
                    && word32(record, 40) == now.mtime.nsec
                    && word32(record, 44) == now.ctime.nsec
                    && word32(record, 48) == now.mode
                    && flags & RACY == 0;
                let digest: [u8; 32] = record[64..96].try_into().ok()?;
                let known =
                    Known { digest: Digest::from_bytes(digest), has_xattrs: flags & XATTRS != 0 };
                return same.then_some(known);
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// How many entries a tree has, and a sum of what is where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    entries: u64,
    sum: u64,
}

impl Shape {
    /// Counts one entry of the directory (`dev`, `parent`); sums may be added up in any order.
    pub fn add(&mut self, parent: u64, name: &[u8], dev: u64, ino: u64) {
        let place = name_hash(name) ^ number_hash(parent.rotate_left(17));
        self.entries += 1;
        self.sum = self.sum.wrapping_add(number_hash(place ^ slot_of(dev, ino)));
    }

    /// Adds what another thread counted.
    pub fn join(&mut self, other: Shape) {
        self.entries += other.entries;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// Makes a cache.
#[derive(Debug)]
pub struct StatCacheBuilder {
    bytes: Vec<u8>,
    records: u64,
    shape: Shape,
}

impl StatCacheBuilder {
    /// Room for `records`.
    pub fn new(records: usize) -> StatCacheBuilder {
        let mut bytes = Vec::with_capacity(HEADER + records * RECORD);
        bytes.resize(HEADER, 0);
        StatCacheBuilder { bytes, records: 0, shape: Shape::default() }
    }

    /// Counts an entry of the directory with the inode `parent`.
    pub fn count(&mut self, parent: u64, name: &[u8], dev: u64, ino: u64) {
        self.shape.add(parent, name, dev, ino);
    }

    /// Records the inode of an entry.
    pub fn add(&mut self, entry: &Entry, has_xattrs: bool) {
        let attributes = &entry.attributes;
        let (digest, unread) = match entry.found {
            Found::Blob(digest) => (*digest.as_bytes(), false),
            Found::Unread => ([0; 32], true),
            Found::Nothing | Found::Target => ([0; 32], false),
        };
        let mut flags = if entry.racy || unread { RACY } else { 0 };
        if has_xattrs {
            flags |= XATTRS;
        }
        for word in [
            entry.dev,
            entry.ino,
            attributes.size,
            attributes.mtime.sec as u64,
            attributes.ctime.sec as u64,
        ] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        for word in [attributes.mtime.nsec, attributes.ctime.nsec, attributes.mode, flags] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(&digest);
        self.records += 1;
    }

    /// The finished cache, with a number of the caller's.
    pub fn finish(mut self, tag: u64) -> StatCache {
        self.bytes[..8].copy_from_slice(MAGIC);
        self.bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        self.bytes[12..16].copy_from_slice(&(RECORD as u32).to_le_bytes());
        for (at, word) in
            [(16, self.records), (24, self.shape.entries), (32, self.shape.sum), (40, tag)]
        {
            self.bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        let digest = checksum(&self.bytes);
        self.bytes[CHECKSUM].copy_from_slice(digest.as_bytes());
        StatCache { bytes: self.bytes, slots: Vec::new() }
    }
}

/// How close to the moment of reading a change may be for a later one to leave the same times: the kernel's clock
/// tick, with a margin. File systems that keep whole seconds only need two of those.
const TICK: i128 = 20_000_000;
const COARSE: i128 = 2_000_000_000;

/// Whether something with these times, looked at from `moment` on, could change without that showing.
pub fn is_racy(mtime: Timestamp, ctime: Timestamp, moment: Timestamp) -> bool {
    let nanoseconds =
        |time: Timestamp| i128::from(time.sec) * 1_000_000_000 + i128::from(time.nsec);
    let margin = if mtime.nsec == 0 && ctime.nsec == 0 { COARSE } else { TICK };
    nanoseconds(mtime.max(ctime)) > nanoseconds(moment) - margin
}

fn slot_of(dev: u64, ino: u64) -> u64 {
    number_hash(ino ^ dev.rotate_left(32))
}

fn checksum(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(bytes.get(..CHECKSUM.start).unwrap_or(&[]));
    hasher.update(&[0; 32]);
    hasher.update(bytes.get(CHECKSUM.end..).unwrap_or(&[]));
    hasher.finish()
}

/// A word of the file; 0 where there is none.
fn word64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn word32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}
