//! Programs outside that this process started before: nothing of them needs to be looked at again but that they are the same.
//!
//! What is remembered is a path together with the inode that the kernel finds there and its times: that this library can be
//! loaded into it, and that nothing else is to be heeded. A path that leads elsewhere now, by a link that was changed, finds
//! another inode; one that has several names may be found in the directory that the tree was made of, too, so the way to it
//! is walked again.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Stat};
use rustix::io::Errno;
use vrift_manifest::hash::name_hash;
use vrift_manifest::tree::path::below;

use super::launch::Asked;
use crate::vfs::session::Given;

/// Marks of what was seen.
static KNOWN: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];
const PLACES: usize = 64;

/// What the kernel says of a program that it can find by itself; `None`: it is not asked.
pub fn asked(given: &'static Given, asked: &Asked<'_>) -> Option<Result<Stat, Errno>> {
    let path = asked.path.to_bytes();
    if asked.flags != 0 || path.first() != Some(&b'/') || below(path, &given.border).is_some() {
        return None;
    }
    Some(rustix::fs::statat(CWD, asked.path, AtFlags::empty()))
}

/// Whether what the path names can be at that one place only.
pub fn has_one_name(stat: Option<&Result<Stat, Errno>>) -> bool {
    stat.is_some_and(|stat| stat.as_ref().is_ok_and(|stat| stat.st_nlink == 1))
}

/// What a program is remembered by, if it may be: an ordinary file by which nobody gains rights.
pub fn mark(path: &[u8], stat: Option<&Result<Stat, Errno>>) -> Option<u64> {
    let stat = stat?.as_ref().ok()?;
    if stat.st_mode & 0o176_000 != 0o100_000 {
        return None;
    }
    let words = [
        name_hash(path),
        stat.st_dev,
        stat.st_ino,
        stat.st_size as u64,
        stat.st_mode.into(),
        stat.st_mtime as u64,
        stat.st_mtime_nsec,
        stat.st_ctime as u64,
        stat.st_ctime_nsec,
    ];
    let mut bytes = [0; 72];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *chunk = word.to_ne_bytes();
    }
    Some(name_hash(&bytes).max(1))
}

fn place(mark: u64) -> Option<&'static AtomicU64> {
    KNOWN.get(mark as usize % PLACES)
}

/// Whether it was seen.
pub fn is_known(mark: u64) -> bool {
    place(mark).is_some_and(|place| place.load(Ordering::Relaxed) == mark)
}

/// It was.
pub fn note(mark: u64) {
    if let Some(place) = place(mark) {
        place.store(mark, Ordering::Relaxed);
    }
}
