//! The real directory in which the way to the tree begins, where that is not on the disk: who lists it is to see the
//! name that leads there.

use std::ffi::c_int;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, SeekFrom, Stat};
use rustix::io::Errno;
use vrift_manifest::session::above::number;
use vrift_manifest::tree::ROOT;

use super::descriptor::borrow;
use super::find;
use super::session::{self, Given};
use crate::sys::slot::Slot;

/// The directory, and the name that it lacks.
struct Lacking {
    /// Device and inode; `None`: the whole way is on the disk.
    directory: Option<(u64, u64)>,
    /// Where the name begins in the border's path.
    start: usize,
}

static LACKING: Slot<Lacking> = Slot::empty();

/// Known once: a mount path that comes to the disk later is seen by who begins later.
fn lacking(given: &Given) -> &'static Lacking {
    if let Some(known) = LACKING.get() {
        return known;
    }
    let there = rustix::fs::statat(CWD, &given.border[..], AtFlags::SYMLINK_NOFOLLOW);
    let start = given.border.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let directory = match there {
        Err(Errno::NOENT) => {
            let path = given.border.get(..start).unwrap_or(b"/");
            let stat = rustix::fs::statat(CWD, path, AtFlags::empty());
            stat.ok().map(|stat| inode_of(&stat))
        }
        _ => None,
    };
    LACKING.put(Lacking { directory, start })
}

fn inode_of(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// Whether a descriptor is that directory's.
pub fn is(descriptor: c_int) -> Option<&'static Given> {
    let given = session::given()?;
    let directory = lacking(given).directory?;
    let stat = borrow(descriptor).and_then(rustix::fs::fstat).ok()?;
    (inode_of(&stat) == directory).then_some(given)
}

/// That directory, opened for a listing, if this is a path of it.
pub fn open(directory: c_int, path: &[u8]) -> Option<(&'static Given, OwnedFd)> {
    let given = session::given()?;
    let lacking = lacking(given).directory?;
    let from_cwd = directory == find::CWD || path.first() == Some(&b'/');
    let from = if from_cwd { CWD } else { borrow(directory).ok()? };
    let stat = rustix::fs::statat(from, path, AtFlags::empty()).ok()?;
    if inode_of(&stat) != lacking {
        return None;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Some((given, rustix::fs::openat(from, path, flags, Mode::empty()).ok()?))
}

/// Behind the last entry that the kernel has: the name that is lacking comes next, and behind it nothing.
const BEHIND: u64 = i64::MAX as u64 - 1;

/// Lists the directory from `place` on; where the next part begins. `push` takes name, inode, type and where the entry
/// behind begins, until it has no room.
pub fn list(
    given: &Given,
    descriptor: c_int,
    place: u64,
    mut push: impl FnMut(&[u8], u64, u8, u64) -> bool,
) -> Result<u64, Errno> {
    const ROOM: usize = 8 << 10;
    if place == BEHIND {
        return Ok(BEHIND);
    }
    let name = given.border.get(lacking(given).start..).unwrap_or(b"");
    let file = borrow(descriptor)?;
    rustix::fs::seek(file, SeekFrom::Start(place))?;
    let mut buffer = Vec::with_capacity(ROOM);
    let mut entries = RawDir::new(file, buffer.spare_capacity_mut());
    let mut next = place;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let behind = entry.next_entry_cookie();
        let seen = entry.file_name().to_bytes();
        // Who made it meanwhile, past every library, made what is seen anyway.
        if seen != name && !push(seen, entry.ino(), kind_of(entry.file_type()), behind) {
            return Ok(next);
        }
        next = behind;
    }
    const DIRECTORY: u8 = 4;
    let whole = given.border.len() == given.mount.len();
    let inode = if whole { ROOT } else { number(given.border.len()) };
    Ok(if push(name, inode, DIRECTORY, BEHIND) { BEHIND } else { next })
}

/// As an entry says it: the type bits of a mode, or that it is not known.
fn kind_of(kind: rustix::fs::FileType) -> u8 {
    match kind {
        rustix::fs::FileType::Unknown => 0,
        known => (known.as_raw_mode() >> 12) as u8,
    }
}
