//! Holes: what of a file has no room on the disk and reads as zeros.

use std::os::fd::AsFd;

use rustix::fs::{SeekFrom, Stat, seek};
use rustix::io::Errno;

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Where it ends.
    pub end: u64,
    /// Whether it is a hole.
    pub is_hole: bool,
}

/// Whether a file can have holes: it has less room on the disk than bytes. Asked first, because most have none.
#[allow(clippy::useless_conversion, reason = "the type differs between targets")]
pub fn may_have_holes(stat: &Stat) -> bool {
    i64::from(stat.st_blocks).saturating_mul(512) < stat.st_size
}

/// What of a file of `size` bytes begins at `at`. The file's position is moved.
pub fn stretch(file: impl AsFd, at: u64, size: u64) -> Stretch {
    let data = |end| Stretch { end, is_hole: false };
    match seek(&file, SeekFrom::Data(at)) {
        Ok(start) if start > at => Stretch { end: start.min(size), is_hole: true },
        Ok(_) => match seek(&file, SeekFrom::Hole(at)) {
            Ok(end) if end > at => data(end.min(size)),
            _ => data(size),
        },
        Err(Errno::NXIO) => Stretch { end: size, is_hole: true },
        // Where the file system does not say: all that there is can be read.
        Err(_) => data(size),
    }
}
