//! mkdir, mknod, symlink.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::tree::Change;
use vrift_manifest::tree::path::PATH_MAX;

use super::find::{self, Name, Place, Work};
use super::spot::Spot;
use super::{Answer, change, known, who};

/// A directory.
pub fn directory<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    mode: u32,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    find::place(directory, path, work)?.then(|place| {
        let spot = free(&place, true)?;
        let mode = who::masked(spot.given, mode & 0o1777);
        make(&spot, Kind::Directory as u32 | mode, 0, b"")
    })
}

/// A file, named pipe, socket or device.
pub fn node<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    mode: u32,
    rdev: u64,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    // What is asked for is looked at before the path, by the kernel too.
    let kind = match mode & Kind::MASK {
        0 => Kind::File,
        _ => Kind::of_mode(mode).ok_or(Errno::INVAL)?,
    };
    let device = match kind {
        Kind::Directory => return Err(Errno::PERM),
        Kind::Symlink => return Err(Errno::INVAL),
        kind => matches!(kind, Kind::CharDevice | Kind::BlockDevice),
    };
    find::place(directory, path, work)?.then(|place| {
        let spot = free(&place, false)?;
        if device && !who::credentials().is_privileged() {
            return Err(Errno::PERM);
        }
        let mode = without_foreign_group(who::masked(spot.given, mode), &spot.above);
        make(&spot, kind as u32 | mode, rdev, b"")
    })
}

/// A symlink to `target`.
pub fn symlink<'w>(
    target: Option<&[u8]>,
    directory: c_int,
    path: Option<&'w [u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    let found = match target {
        // The target is looked at first, and what is wrong with it is the same for all file systems.
        None => return Err(Errno::FAULT),
        Some(b"") => return Err(Errno::NOENT),
        Some(target) if target.len() >= PATH_MAX => return Err(Errno::NAMETOOLONG),
        Some(_) => find::place(directory, path, work),
    };
    let found = found?;
    if !matches!(found, Answer::Ours(_)) {
        known::forget();
    }
    found.then(|place| {
        let spot = free(&place, false)?;
        make(&spot, Kind::Symlink as u32 | 0o777, 0, target.unwrap_or(b""))
    })
}

/// The place, if nothing has its name; whether anything may be made there is another question.
pub fn unused<'a>(place: &Place<'a>) -> Result<Spot<'a>, Errno> {
    if place.name == Name::Root {
        return Err(Errno::EXIST);
    }
    let above = place.searched()?;
    let Name::Ordinary(name) = place.name else { return Err(Errno::EXIST) };
    let spot = place.spot(above, name)?;
    if spot.there.is_some() {
        return Err(Errno::EXIST);
    }
    if spot.slash || spot.above.nlink == 0 {
        return Err(Errno::NOENT);
    }
    Ok(spot)
}

/// The place, if something may be made there.
pub fn free<'a>(place: &Place<'a>, directory: bool) -> Result<Spot<'a>, Errno> {
    if place.name == Name::Root {
        return Err(Errno::EXIST);
    }
    let above = place.searched()?;
    let Name::Ordinary(name) = place.name else { return Err(Errno::EXIST) };
    let spot = place.spot(above, name)?;
    spot.need_free(directory)?;
    Ok(spot)
}

fn make(spot: &Spot<'_>, mode: u32, rdev: u64, target: &[u8]) -> Result<(), Errno> {
    let who = who::credentials();
    let (parent, name) = (spot.directory, spot.name);
    let made = Change::Create { parent, name, mode, uid: who.uid, gid: who.gid, rdev, target };
    change::apply(spot.given, &made).map(|_| ())
}

/// A file that is executed as its group gets that bit only from a member of the group, where the directory gives it
/// its own.
pub fn without_foreign_group(mode: u32, above: &Attributes) -> u32 {
    const RUN_AS_GROUP: u32 = 0o2010;
    let who = who::credentials();
    let inherits = above.mode & 0o2000 != 0;
    let foreign = inherits && !who.is_in(above.gid) && !who.is_privileged();
    if foreign && mode & RUN_AS_GROUP == RUN_AS_GROUP { mode & !0o2000 } else { mode }
}
