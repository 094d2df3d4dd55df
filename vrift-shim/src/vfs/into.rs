//! A rename that comes into the tree from outside: what the source holds is taken in under a hidden name, moved to its
//! place in one step, and only then does the source go, if it is still what was taken in. A lease on the source says
//! whether anybody has come to write it.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, Stat};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::session::Watch;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Change, RenameMode};

use super::crossing::{another, may_replace};
use super::find::{Name, Place};
use super::outside::{Beside, Outside, Temporary, copy, is_directory as is_directory_there};
use super::spot::{Spot, is_directory};
use super::{change, root, session, who, xattr};

/// Moves `old`, which is outside, to `new`. What cannot be taken in (a directory, a device, a file that somebody is still
/// writing) is another file system's: EXDEV.
pub fn rename(old: Outside<'_>, new: &Place<'_>, mode: RenameMode) -> Result<(), Errno> {
    // Both ways are walked before either name is looked at.
    let way = if new.name == Name::Root { Ok(None) } else { new.searched().map(Some) };
    let busy = if new.name == Name::Root { Errno::BUSY } else { Errno::XDEV };
    let source = old.beside(way.as_ref().err().copied().unwrap_or(busy))?;
    let (above, name) = match (way?, new.name) {
        (Some(above), Name::Ordinary(name)) => (above, name),
        (None, _) => return root::enter(&source, &source.stat()?, new, mode),
        _ => return Err(Errno::XDEV),
    };
    let stat = source.stat().map_err(another)?;
    let spot = new.spot(above, name).map_err(another)?;
    may_take(&source, &stat, &spot, mode).map_err(another)?;
    let (temporary, watch) = match Kind::of_mode(stat.st_mode) {
        Some(Kind::File) => {
            let (temporary, watch) = file(&source, &stat, &spot)?;
            (temporary, Some(watch))
        }
        Some(Kind::Symlink) => (symlink(&source, &stat, &spot)?, None),
        Some(Kind::Fifo) => (without_content(stat.st_mode, &stat, &spot, b"")?, None),
        _ => return Err(Errno::XDEV),
    };
    let is_still = || watch.as_ref().is_none_or(Watch::is_quiet);
    if !is_still() {
        discard(&spot, &temporary);
        return Err(Errno::XDEV);
    }
    let placed = Change::Rename {
        from_parent: spot.directory,
        from: temporary.name(),
        to_parent: spot.directory,
        to: name,
        mode,
    };
    match change::apply(spot.given, &placed) {
        Ok(_) => source.remove(&stat, is_still),
        Err(errno) => {
            discard(&spot, &temporary);
            Err(errno)
        }
    }
}

/// What cannot be taken in is another file system's, whatever is wrong.
fn may_take(
    source: &Beside<'_>,
    stat: &Stat,
    spot: &Spot<'_>,
    mode: RenameMode,
) -> Result<(), Errno> {
    let replaced = match spot.there {
        None => None,
        Some(_) => Some(spot.attributes()?),
    };
    let over_directory = replaced.as_ref().is_some_and(is_directory);
    let slash = source.slash || spot.slash;
    if is_directory_there(stat) || over_directory || slash || !may_replace(mode, replaced.is_some())
    {
        return Err(Errno::XDEV);
    }
    source.need_replacement(Some(stat))?;
    match &replaced {
        None => spot.need_free(false),
        Some(replaced) => who::credentials().need_removal(&spot.above, replaced),
    }
}

fn discard(spot: &Spot<'_>, temporary: &Temporary) {
    // What failed before is what the program is told.
    let gone = Change::Unlink { parent: spot.directory, name: temporary.name() };
    let _ = change::apply(spot.given, &gone);
}

fn file(source: &Beside<'_>, stat: &Stat, spot: &Spot<'_>) -> Result<(Temporary, Watch), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let real = match rustix::fs::openat(&source.parent, source.name, flags, Mode::empty()) {
        // A rename needs no right to read. Who has none is told that it cannot be moved.
        Err(Errno::ACCESS | Errno::PERM) => return Err(Errno::XDEV),
        other => other?,
    };
    let seen = rustix::fs::fstat(&real)?;
    if (seen.st_dev, seen.st_ino) != (stat.st_dev, stat.st_ino) {
        return Err(Errno::NOENT);
    }
    // What is written later would go to a file that has no name any more.
    let watch = Watch::begin(real).ok_or(Errno::XDEV)?;
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = stat.st_mode & 0o7777;
    let (temporary, (node, draft)) = Temporary::make(|name| {
        session::with(spot.given, |session| {
            let parent = spot.directory;
            session.create_file(&who::who(), parent, name, mode, stat.st_uid, stat.st_gid, flags)
        })
    })?;
    let filled = fill(watch.file(), draft, stat, spot, node);
    if filled.is_err() {
        discard(spot, &temporary);
    }
    filled.map(|()| (temporary, watch))
}

fn fill(
    real: &OwnedFd,
    draft: OwnedFd,
    stat: &Stat,
    spot: &Spot<'_>,
    node: u64,
) -> Result<(), Errno> {
    copy(real, &draft)?;
    drop(draft);
    // Who cannot seal it now leaves it to the end of the run.
    session::with(spot.given, |session| session.seal(&who::who(), node).map(|_| ()))?;
    xattr::take_in(spot.given, node, real)?;
    same_attributes(spot, node, stat)
}

/// Owner, permission and times of what came in, as they were.
fn same_attributes(spot: &Spot<'_>, node: u64, stat: &Stat) -> Result<(), Errno> {
    if spot.above.mode & 0o2000 != 0 && stat.st_gid != spot.above.gid {
        let owner = Change::SetOwner { node, uid: None, gid: Some(stat.st_gid) };
        change::apply(spot.given, &owner)?;
        if Kind::of_mode(stat.st_mode) != Some(Kind::Symlink) {
            let mode = Change::SetMode { node, mode: stat.st_mode & 0o7777 };
            change::apply(spot.given, &mode)?;
        }
    }
    let time = |sec, nsec| Timestamp::new(sec, u32::try_from(nsec).ok()?);
    let atime = time(stat.st_atime, stat.st_atime_nsec);
    let mtime = time(stat.st_mtime, stat.st_mtime_nsec);
    session::with(spot.given, |session| {
        session.set_times(&who::who(), node, atime, mtime).map(|_| ())
    })
}

fn symlink(source: &Beside<'_>, stat: &Stat, spot: &Spot<'_>) -> Result<Temporary, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let length = rustix::fs::readlinkat_raw(&source.parent, source.name, &mut buffer[..])?;
    let target = buffer.get(..length).unwrap_or(b"");
    without_content(Kind::Symlink as u32 | 0o777, stat, spot, target)
}

fn without_content(
    mode: u32,
    stat: &Stat,
    spot: &Spot<'_>,
    target: &[u8],
) -> Result<Temporary, Errno> {
    let (parent, rdev) = (spot.directory, 0);
    let (uid, gid) = (stat.st_uid, stat.st_gid);
    let (temporary, node) = Temporary::make(|name| {
        let made = Change::Create { parent, name, mode, uid, gid, rdev, target };
        change::apply(spot.given, &made).map(|done| done.node)
    })?;
    let same = same_attributes(spot, node, stat);
    match same {
        Ok(()) => Ok(temporary),
        Err(errno) => {
            discard(spot, &temporary);
            Err(errno)
        }
    }
}
