//! Programs outside that this process started before: nothing of them needs to be looked at again but that they are the same.
//!
//! What is remembered is a path together with the inode that the kernel finds there and its times: that this library can be
//! loaded into it, that it says nothing of where its libraries are, and that nothing else is to be heeded. A path that leads
//! elsewhere now, by a link that was changed, finds another inode; one that has several names may be found in the directory
//! that the tree was made of, too, so the way to it is walked again.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;
use vrift_manifest::hash::name_hash;
use vrift_manifest::tree::path::below;

use super::launch::Asked;
use crate::sys::shared::Shared;
use crate::vfs::find::{self, CWD, Work};
use crate::vfs::session::Given;
use crate::vfs::{Answer, environment};

/// Marks of what was seen: by this process, and by those it has forked since it did so first.
static KNOWN: Shared = Shared::new();

/// Before a fork: a shell forks for each program that it starts, and what one child has seen the next is not to look for again.
pub fn share() {
    KNOWN.begin();
}

/// A program as the kernel finds it by itself.
pub struct Outside {
    /// What the kernel says of it, if it was asked.
    pub stat: Option<Result<Stat, Errno>>,
    mark: Option<u64>,
}

impl Outside {
    /// Asks the kernel, if the path is one outside.
    pub fn look(given: &'static Given, asked: &Asked<'_>) -> Outside {
        let path = asked.path.to_bytes();
        let outside = path.first() == Some(&b'/') && below(path, &given.border).is_none();
        if asked.flags != 0 || !outside {
            return Outside { stat: None, mark: None };
        }
        let stat = rustix::fs::statat(rustix::fs::CWD, asked.path, AtFlags::empty());
        let mark = stat.as_ref().ok().and_then(|stat| mark(asked, stat));
        Outside { stat: Some(stat), mark }
    }

    /// Whether it was seen, and is meant.
    pub fn is_known(&self, asked: &Asked<'_>) -> Result<bool, Errno> {
        let Some(mark) = self.mark else { return Ok(false) };
        if place(mark).is_none_or(|place| place.load(Ordering::Relaxed) != mark) {
            return Ok(false);
        }
        if self.stat.is_some_and(|stat| stat.is_ok_and(|stat| stat.st_nlink == 1)) {
            return Ok(true);
        }
        let (path, mut work) = (asked.path.to_bytes(), Work::default());
        Ok(matches!(find::node(CWD, Some(path), true, &mut work)?, Answer::Kernel))
    }

    /// It was seen, and is as the others.
    pub fn note(&self) {
        let Some(mark) = self.mark else { return };
        if let Some(place) = place(mark) {
            place.store(mark, Ordering::Relaxed);
        }
    }
}

fn place(mark: u64) -> Option<&'static AtomicU64> {
    let words = KNOWN.words();
    words.get(mark as usize % words.len())
}

/// What a program is remembered by, if it may be: an ordinary file by which nobody gains rights, and whose libraries the
/// environment does not say to be elsewhere.
fn mark(asked: &Asked<'_>, stat: &Stat) -> Option<u64> {
    let elsewhere = environment::library_path(asked.environment);
    if stat.st_mode & 0o176_000 != 0o100_000 || elsewhere.is_some_and(|list| !list.is_empty()) {
        return None;
    }
    let words = [
        name_hash(asked.path.to_bytes()),
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
