//! Files without a name (O_TMPFILE), and giving them one. Until then such a file is the kernel's, in the store, and the
//! kernel says what is to be said of it.

use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Gid, Mode, OFlags, Timespec, Timestamps, fchown, futimens};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::Change;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::descriptor::Held;
use super::find::{self, At, Place, Work};
use super::magic::Nameless;
use super::rename::Named;
use super::session::{self, Given};
use super::spot::Spot;
use super::{Answer, change, descriptor, magic, make, outside, who};
use crate::sys::fd;

/// open(2) with O_TMPFILE.
pub fn open<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    flags: OFlags,
    mode: u32,
    work: &'w mut Work,
) -> Result<Answer<'w, c_int>, Errno> {
    if flags & OFlags::RWMODE == OFlags::RDONLY || flags.contains(OFlags::CREATE) {
        // The kernel refuses that before it looks at the path.
        return Ok(Answer::Kernel);
    }
    find::node(directory, path, !flags.contains(OFlags::NOFOLLOW), work)?.then(|at| {
        let above = at.attributes()?;
        if Kind::of_mode(above.mode) != Some(Kind::Directory) {
            return Err(Errno::NOTDIR);
        }
        who::credentials().need(&above, 3)?;
        let flags = flags.difference(OFlags::NOFOLLOW);
        let file = session::with(at.given, |session| session.make_nameless(mode, flags))?;
        if above.mode & 0o2000 != 0 {
            // The directory gives its group to all that is made in it.
            let _ = fchown(&file, None, Some(Gid::from_raw(above.gid)));
        }
        let descriptor = file.into_raw_fd();
        descriptor::forget(descriptor);
        Ok(descriptor)
    })
}

/// Opens anew what has no name any more. Who writes a file whose content is a blob gets content of its own; a further
/// descriptor of the file has what it had.
#[cold]
#[inline(never)]
pub fn again<'w>(
    nameless: &Nameless,
    flags: OFlags,
    writes: bool,
) -> Result<Answer<'w, c_int>, Errno> {
    let exclusive = flags.contains(OFlags::CREATE | OFlags::EXCL);
    let Held::Content { node, draft } = nameless.held else { return Ok(Answer::Kernel) };
    if exclusive {
        return Ok(Answer::Kernel);
    }
    let descriptor = if draft || !writes || flags.contains(OFlags::PATH) {
        let kept = flags.difference(OFlags::CREATE | OFlags::EXCL);
        by_descriptor(nameless.descriptor, kept)?.into_raw_fd()
    } else {
        copy(&nameless.at, nameless.descriptor, flags)?
    };
    descriptor::opened(descriptor, node, writes && !flags.contains(OFlags::PATH));
    Ok(Answer::Ours(descriptor))
}

fn copy(at: &At, held: c_int, flags: OFlags) -> Result<c_int, Errno> {
    /// As drafts have it.
    const DRAFT: u32 = 0o1600;
    let attributes = at.attributes()?;
    let made = OFlags::RDWR | OFlags::CLOEXEC;
    let file = session::with(at.given, |session| session.make_nameless(DRAFT, made))?;
    if !flags.contains(OFlags::TRUNC) {
        let content = by_descriptor(held, OFlags::RDONLY | OFlags::CLOEXEC)?;
        outside::copy(&content, &file)?;
        let time = |time: Timestamp| Timespec { tv_sec: time.sec, tv_nsec: time.nsec.into() };
        let (last_access, last_modification) = (time(attributes.atime), time(attributes.mtime));
        futimens(&file, &Timestamps { last_access, last_modification })?;
    }
    let kept = flags.difference(OFlags::CREATE | OFlags::EXCL | OFlags::TRUNC);
    let opened = by_descriptor(file.as_raw_fd(), kept)?;
    // The lowest number that is free is the first one's.
    let descriptor = file.into_raw_fd();
    fd::replace(&opened, descriptor, flags.contains(OFlags::CLOEXEC))?;
    Ok(descriptor)
}

/// What a descriptor has, opened anew.
fn by_descriptor(descriptor: c_int, flags: OFlags) -> Result<OwnedFd, Errno> {
    let path = format!("/proc/self/fd/{descriptor}");
    rustix::fs::open(path, flags, Mode::empty())
}

/// The descriptor that linkat is given a file by, if that has no name and is ours; and whether the call names nothing else.
pub fn named(from: Named<'_>, flags: c_int) -> Option<(c_int, bool)> {
    let path = from.path?;
    let by_itself = path.is_empty() && flags & libc::AT_EMPTY_PATH != 0;
    let descriptor = match by_itself {
        true => from.directory,
        false if flags & libc::AT_SYMLINK_FOLLOW != 0 => magic::descriptor(path)?,
        false => return None,
    };
    let given = session::given()?;
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let length = descriptor::path(descriptor, buffer)?;
    let is_one = session::session(given).ok()?.is_nameless(buffer.get(..length)?);
    // One that has a name by now is known by that.
    (is_one && !descriptor::is_noted(descriptor)).then_some((descriptor, by_itself))
}

/// Gives the file a name.
pub fn link((descriptor, by_itself): (c_int, bool), new: &Place<'_>) -> Result<(), Errno> {
    let spot = make::free(new, false)?;
    let file = descriptor::borrow(descriptor)?;
    let node = session::with(spot.given, |session| {
        session.name_nameless(&who::who(), file.as_fd(), by_itself, (spot.directory, spot.name))
    })?;
    descriptor::opened(descriptor, node, true);
    attributes(&spot, node, file)
}

/// The extended attributes that a program gave the file meanwhile are the node's.
fn attributes(spot: &Spot<'_>, node: u64, file: BorrowedFd<'_>) -> Result<(), Errno> {
    const MOST: usize = 64 << 10;
    let mut names = vec![0; MOST];
    let length = rustix::fs::flistxattr(file, &mut names[..]).unwrap_or(0);
    if length == 0 {
        return Ok(());
    }
    let mut value = vec![0; MOST];
    for name in names.get(..length).unwrap_or_default().split(|&byte| byte == 0) {
        if !name.starts_with(b"user.") && !name.starts_with(b"trusted.") {
            continue;
        }
        let length = rustix::fs::fgetxattr(file, name, &mut value[..])?;
        let value = value.get(..length);
        change::apply(spot.given, &Change::SetXattr { node, name, value })?;
        let _ = rustix::fs::fremovexattr(file, name);
    }
    Ok(())
}

/// Writes what the kernel's name of such a file is to programs, in the place of its path of `length` bytes; its length.
pub fn as_seen(given: &'static Given, buffer: &mut [u8; PATH_MAX], length: usize) -> Option<usize> {
    let path = buffer.get(..length)?;
    if !path.starts_with(given.handover.store.as_os_str().as_bytes()) {
        return None;
    }
    if !session::session(given).ok()?.is_nameless(path) {
        return None;
    }
    let slash = path.iter().rposition(|&byte| byte == b'/')?;
    let end = given.mount.len() + length - slash;
    if end >= PATH_MAX {
        return None;
    }
    buffer.copy_within(slash..length, given.mount.len());
    buffer.get_mut(..given.mount.len())?.copy_from_slice(&given.mount);
    Some(end)
}
