//! Places in a directory, as ext4 tells them: entries are found by a hash of 63 bits, so the end is behind the highest, and all
//! before it is data.

use std::ffi::c_int;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::descriptor::{self, Held};
use super::{find, session};

/// Behind the highest hash.
const END: i64 = i64::MAX;

/// The place that is meant in a directory of the tree; `None`: it is none.
#[cold]
pub fn in_directory(descriptor: c_int, offset: i64, whence: c_int) -> Option<Result<i64, Errno>> {
    const TYPE: u32 = 0o170_000;
    const DIRECTORY: u32 = 0o040_000;
    let given = session::given()?;
    let (held, stat) = descriptor::look(given, descriptor).ok()?;
    let Held::Directory(node) = held else { return None };
    if stat.st_mode & TYPE != DIRECTORY {
        return None;
    }
    let flags = descriptor::borrow(descriptor).and_then(rustix::fs::fcntl_getfl).ok()?;
    if flags.contains(OFlags::PATH) {
        return None;
    }
    // One that was removed has no length left, and is looked at as a file is.
    let length = find::by_number(given, node).and_then(|at| at.attributes()).ok()?.size;
    let end = if length == 0 { 0 } else { END };
    let is_before = (0..end).contains(&offset);
    match whence {
        libc::SEEK_END => {
            let place = end.checked_add(offset).filter(|place| *place >= 0);
            Some(place.ok_or(Errno::INVAL))
        }
        libc::SEEK_DATA => Some(if is_before { Ok(offset) } else { Err(Errno::NXIO) }),
        libc::SEEK_HOLE => Some(if is_before { Ok(end) } else { Err(Errno::NXIO) }),
        _ => None,
    }
}
