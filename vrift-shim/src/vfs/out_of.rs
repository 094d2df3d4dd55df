//! A rename that leaves the tree: what the node holds becomes a real file beside the target, which it then replaces in one
//! step; only then does the node lose its name, if it has it still and was not changed meanwhile.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid};
use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::session::{Removal, Seal, Version};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::RenameMode;
use vrift_manifest::tree::path::Scratch;

use super::crossing::{another, may_replace};
use super::find::{Name, Place};
use super::outside::{Beside, Outside, Temporary, copy, is_directory as is_directory_there};
use super::spot::{Spot, is_directory};
use super::{open, remove, root, session, who, xattr};

/// Moves what is at `old` to `new`, which is outside. What cannot be made there as it was is another file system's: EXDEV.
pub fn rename(old: &Place<'_>, new: Outside<'_>, mode: RenameMode) -> Result<(), Errno> {
    let above = if old.name == Name::Root { None } else { Some(old.searched()?) };
    // Both ways are walked before either name is looked at.
    let target = new.beside(match (&above, mode) {
        // Another file system, which is said before what is wrong with either name.
        (Some(_), _) => Errno::XDEV,
        (None, RenameMode::NoReplace) => Errno::EXIST,
        (None, _) => Errno::BUSY,
    })?;
    let (above, name) = match (above, old.name) {
        (Some(above), Name::Ordinary(name)) => (above, name),
        (None, _) => return root::leave(old.given, &target, mode),
        _ => return Err(Errno::XDEV),
    };
    let spot = old.spot(above, name).map_err(another)?;
    let moved = spot.attributes().map_err(another)?;
    may_give(&spot, &moved, &target, mode).map_err(another)?;
    let mut flags = match mode {
        RenameMode::NoReplace => RenameFlags::NOREPLACE,
        _ => RenameFlags::empty(),
    };
    for _ in 0..TRIES {
        let version = place(&spot, &target, flags)?;
        match remove::unlink_version(&spot, &version) {
            // What has the name by now came after what was moved.
            Ok(Removal::Done | Removal::Replaced) | Err(Errno::NOENT) => return Ok(()),
            // What was placed there is not the last of it.
            Ok(Removal::Changed) => flags = RenameFlags::empty(),
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::XDEV)
}

/// How often a file may be changed while it is moved, before it is another file system's.
const TRIES: usize = 4;

/// Makes at the target what is at the spot; which version of it that is.
fn place(spot: &Spot<'_>, target: &Beside<'_>, flags: RenameFlags) -> Result<Version, Errno> {
    let kind = Kind::of_mode(spot.attributes()?.mode);
    let node = spot.number()?;
    if kind == Some(Kind::File) {
        let sealed =
            session::with(spot.given, |session| session.seal_draft(&who::who(), node, true))?;
        if matches!(sealed, Seal::Busy) {
            // What somebody still writes would go to a file that has no name any more.
            return Err(Errno::XDEV);
        }
    }
    let version = session::with(spot.given, |session| session.version(node))?;
    let version = version.filter(|version| !version.is_written()).ok_or(Errno::XDEV)?;
    let temporary = match kind {
        Some(Kind::File) => file(spot, target)?,
        Some(Kind::Symlink) => symlink(spot, target)?,
        Some(Kind::Fifo) => fifo(target)?,
        _ => return Err(Errno::XDEV),
    };
    let placed = same_attributes(spot, target, &temporary).and_then(|()| {
        let (parent, from) = (&target.parent, temporary.name());
        rustix::fs::renameat_with(parent, from, parent, target.name, flags)
    });
    if placed.is_err() {
        discard(target, &temporary);
    }
    placed.map(|()| version)
}

/// What cannot be moved is another file system's, whatever is wrong.
fn may_give(
    spot: &Spot<'_>,
    moved: &Attributes,
    target: &Beside<'_>,
    mode: RenameMode,
) -> Result<(), Errno> {
    let there = target.there()?;
    let over_directory = there.as_ref().is_some_and(is_directory_there);
    let slash = spot.slash || target.slash;
    if is_directory(moved) || over_directory || slash || !may_replace(mode, there.is_some()) {
        return Err(Errno::XDEV);
    }
    who::credentials().need_removal(&spot.above, moved)?;
    target.need_replacement(there.as_ref())
}

fn discard(target: &Beside<'_>, temporary: &Temporary) {
    // What failed before is what the program is told.
    let _ = rustix::fs::unlinkat(&target.parent, temporary.name(), AtFlags::empty());
}

fn file(spot: &Spot<'_>, target: &Beside<'_>) -> Result<Temporary, Errno> {
    let node = spot.number()?;
    let content =
        session::with(spot.given, |session| session.open_for_reading(node, OFlags::CLOEXEC))
            .map_err(open::nameless)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let private = Mode::from_raw_mode(0o600);
    let (temporary, real) =
        Temporary::make(|name| rustix::fs::openat(&target.parent, name, flags, private))?;
    let filled = copy(&content, &real).and_then(|()| xattr::hand_out(spot.given, node, &real));
    if filled.is_err() {
        discard(target, &temporary);
    }
    filled.map(|()| temporary)
}

fn symlink(spot: &Spot<'_>, target: &Beside<'_>) -> Result<Temporary, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let there = spot.there.ok_or(Errno::NOENT)?;
    let length = spot.session.tree().read_target(there, buffer).map_err(|_| Errno::IO)?;
    let text = buffer.get(..length).unwrap_or(b"");
    let make = |name: &[u8]| rustix::fs::symlinkat(text, &target.parent, name);
    Temporary::make(make).map(|(temporary, ())| temporary)
}

fn fifo(target: &Beside<'_>) -> Result<Temporary, Errno> {
    let private = Mode::from_raw_mode(0o600);
    let make = |name: &[u8]| rustix::fs::mknodat(&target.parent, name, FileType::Fifo, private, 0);
    Temporary::make(make).map(|(temporary, ())| temporary)
}

/// Owner, permission and times, as they are in the tree.
fn same_attributes(
    spot: &Spot<'_>,
    target: &Beside<'_>,
    temporary: &Temporary,
) -> Result<(), Errno> {
    let there = spot.there.ok_or(Errno::NOENT)?;
    let moved = spot.session.attributes(there).map_err(session::errno_of)?.attributes;
    let (parent, name) = (target.parent.as_fd(), temporary.name());
    let nofollow = AtFlags::SYMLINK_NOFOLLOW;
    let stat = rustix::fs::statat(parent, name, nofollow)?;
    // The owner first: the kernel takes set-user-id away with it.
    if (stat.st_uid, stat.st_gid) != (moved.uid, moved.gid) {
        let (uid, gid) = (Uid::from_raw(moved.uid), Gid::from_raw(moved.gid));
        rustix::fs::chownat(parent, name, Some(uid), Some(gid), nofollow)
            .map_err(|_| Errno::XDEV)?;
    }
    if Kind::of_mode(moved.mode) != Some(Kind::Symlink) {
        let mode = Mode::from_raw_mode(moved.mode & 0o7777);
        rustix::fs::chmodat(parent, name, mode, AtFlags::empty())?;
    }
    let times = Timestamps { last_access: time(moved.atime), last_modification: time(moved.mtime) };
    rustix::fs::utimensat(parent, name, &times, nofollow)
}

fn time(time: Timestamp) -> Timespec {
    Timespec { tv_sec: time.sec, tv_nsec: time.nsec.into() }
}
