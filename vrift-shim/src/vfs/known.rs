//! What is known of paths outside, for as long as a tick of the clock: so that whoever looks at a place again and again pays
//! for a hash. A link that another process puts somewhere is so overlooked for 17 ms at most, and one that this process or
//! its children put there never.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};
use vrift_manifest::hash::name_hash;

use crate::sys::errno;

/// What can be known of a path: a number that is mixed into its hash.
#[derive(Clone, Copy)]
pub struct Fact(u64);

/// It stays outside, however it gets there.
pub const APART: Fact = Fact(0);
/// The same of a path that begins in the working directory.
pub const APART_FROM_CWD: Fact = Fact(0xa076_1d64_78bd_642f);
/// Of an absolute path that is nothing but names of directories and a last one: none of them is a symlink, and none the way
/// into the tree. So it stays outside, too, and so does what lies in it by one name more.
pub const PLAIN: Fact = Fact(0xe703_7ed1_a0b4_28db);
/// Of such a path: the last of them is not there, or cannot be looked at.
pub const MISSING: Fact = Fact(0x8ebc_6af0_9c88_c6e3);
/// Of a path: there is a directory.
pub const DIRECTORY: Fact = Fact(0x5896_36a7_5c4b_2d19);

/// Hashes of what is known.
static KNOWN: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];
const PLACES: usize = 512;

/// How often all was forgotten, from 1 on; 0: nobody has asked for the time yet.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Forgets all: this process changes a link or its directory, or starts others that may.
pub fn forget() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// What is mixed into all hashes of a moment.
#[derive(Clone, Copy)]
pub struct Moment(u64);

impl Moment {
    /// This one.
    #[inline]
    pub fn now() -> Moment {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        if GENERATION.load(Ordering::Relaxed) == 0 {
            find_clock();
        }
        let time = clock_gettime(ClockId::MonotonicCoarse);
        let moment = (time.tv_sec as u64) << 6 | (time.tv_nsec as u64) >> 24;
        let generation = GENERATION.load(Ordering::Relaxed);
        Moment((moment ^ generation << 40).wrapping_mul(SPREAD))
    }
}

/// Where the kernel has given the process no clock of its own, as under qemu, whoever asks for the time first changes errno.
#[cold]
fn find_clock() {
    errno::kept(|| clock_gettime(ClockId::MonotonicCoarse));
    forget();
}

#[inline]
fn is_there(hash: u64, fact: Fact, moment: Moment) -> bool {
    let entry = entry(hash, fact, moment);
    place(entry).is_some_and(|place| place.load(Ordering::Relaxed) == entry)
}

#[inline]
fn entry(hash: u64, Fact(fact): Fact, Moment(moment): Moment) -> u64 {
    // 0 is an empty place.
    (hash ^ fact ^ moment).max(1)
}

#[inline]
fn place(entry: u64) -> Option<&'static AtomicU64> {
    KNOWN.get(entry as usize % PLACES)
}

/// Whether this is known of a path.
#[inline]
pub fn is(path: &[u8], fact: Fact, moment: Moment) -> bool {
    is_there(name_hash(path), fact, moment)
}

/// Whether an absolute path is known to stay outside.
#[inline]
pub fn is_apart(path: &[u8], moment: Moment) -> bool {
    let hash = name_hash(path);
    is_there(hash, PLAIN, moment) || is_there(hash, APART, moment)
}

/// From now on this is known.
pub fn note(path: &[u8], fact: Fact, moment: Moment) {
    let entry = entry(name_hash(path), fact, moment);
    if let Some(place) = place(entry) {
        place.store(entry, Ordering::Relaxed);
    }
}
