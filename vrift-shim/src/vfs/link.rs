//! link: a further name for a node. Names on both sides of the tree's border are on two file systems: EXDEV.

use std::ffi::{CStr, c_int};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::tree::Change;
use vrift_manifest::tree::path::PATH_MAX;

use super::find::{self, At, CWD, Place, Work};
use super::outside::Outside;
use super::rename::{Named, Renamed};
use super::{Answer, change, descriptor, known, make, nameless_file, subject, who};

/// Gives `from` the further name `to`.
pub fn between<'w>(
    from: Named<'w>,
    to: Named<'w>,
    flags: c_int,
    work: (&'w mut Work, &'w mut Work),
) -> Result<Renamed<'w>, Errno> {
    if flags & !(libc::AT_SYMLINK_FOLLOW | libc::AT_EMPTY_PATH) != 0 {
        return Err(Errno::INVAL);
    }
    let may_be_empty = flags & libc::AT_EMPTY_PATH != 0;
    if from.path.ok_or(Errno::FAULT)?.is_empty() && !may_be_empty {
        return Err(Errno::NOENT);
    }
    if may_be_empty {
        is_held(&from)?;
    }
    let old = subject::at(from.directory, from.path, seen_as(flags), work.0)?;
    let new = match (find::place(to.directory, to.path, work.1), &old) {
        (Ok(new), _) => new,
        (Err(errno), Answer::Ours(_)) => return Err(errno),
        // The kernel finds the one before it looks for the other.
        (Err(errno), Answer::Kernel) => {
            Outside::named(from).map_or(Ok(()), |old| old.exists(seen_as(flags)))?;
            return Err(errno);
        }
        (Err(errno), Answer::Elsewhere(old)) => {
            Outside::at(old).map_or(Ok(()), |old| old.exists(seen_as(flags)))?;
            return Err(errno);
        }
    };
    let (old, new) = match (old, new) {
        (Answer::Ours(old), Answer::Ours(new)) => {
            inside(&old, &new)?;
            return Ok(Renamed::Done);
        }
        (Answer::Ours(_), Answer::Kernel) => return Err(leaving(Outside::named(to))),
        (Answer::Ours(_), Answer::Elsewhere(new)) => {
            return Err(leaving(Outside::at(new)));
        }
        (Answer::Kernel, Answer::Ours(new)) => {
            if let Some(file) = nameless_file::named(from, flags) {
                nameless_file::link(file, &new)?;
                return Ok(Renamed::Done);
            }
            return Err(entering(Outside::named(from), &new, flags));
        }
        (Answer::Elsewhere(old), Answer::Ours(new)) => {
            return Err(entering(Outside::at(old), &new, flags));
        }
        (Answer::Kernel, Answer::Kernel) => (None, None),
        (Answer::Elsewhere(old), Answer::Kernel) => (Some(old), None),
        (Answer::Kernel, Answer::Elsewhere(new)) => (None, Some(new)),
        (Answer::Elsewhere(old), Answer::Elsewhere(new)) => (Some(old), Some(new)),
    };
    known::forget();
    Ok(Renamed::Kernel(old, new))
}

/// A descriptor that somebody else has opened may not be linked by, nor from: ENOENT. Who has opened it only the kernel knows, and
/// says before it finds that nothing can be made where this would make it.
#[cold]
fn is_held(from: &Named<'_>) -> Result<(), Errno> {
    const NOWHERE: &CStr = c"/dev/null/x";
    let begins = match from.path {
        Some(path) if path.len() < PATH_MAX && path.first() != Some(&b'/') => from.directory,
        _ => CWD,
    };
    let held = match begins {
        CWD => rustix::fs::CWD,
        other => descriptor::borrow(other)?,
    };
    match rustix::fs::linkat(held, c"", rustix::fs::CWD, NOWHERE, AtFlags::EMPTY_PATH) {
        Err(Errno::NOENT) => Err(Errno::NOENT),
        _ => Ok(()),
    }
}

/// This call alone follows a symlink only when it is told to.
fn seen_as(flags: c_int) -> c_int {
    let follow = flags & libc::AT_SYMLINK_FOLLOW != 0;
    flags & libc::AT_EMPTY_PATH | if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW }
}

fn inside(old: &At, new: &Place<'_>) -> Result<(), Errno> {
    let seen = old.attributes()?;
    // The name is looked at before the node, and the node before the directory's permission.
    let spot = make::unused(new)?;
    if old.given.is_above != spot.given.is_above {
        return Err(Errno::XDEV);
    }
    may_link(&seen)?;
    spot.need_free(false)?;
    let linked = Change::Link { node: old.number()?, parent: spot.directory, name: spot.name };
    change::apply(spot.given, &linked).map(|_| ())
}

/// Where the system protects hard links, who neither owns a file nor may read and write it gives it no further name.
fn may_link(seen: &Attributes) -> Result<(), Errno> {
    const RUN_AS_GROUP: u32 = 0o2010;
    let who = who::credentials();
    if who.need_owner(seen).is_ok() {
        return Ok(());
    }
    let harmless = Kind::of_mode(seen.mode) == Some(Kind::File)
        && seen.mode & 0o4000 == 0
        && seen.mode & RUN_AS_GROUP != RUN_AS_GROUP
        && who.need(seen, 6).is_ok();
    if harmless || !are_protected() { Ok(()) } else { Err(Errno::PERM) }
}

#[cold]
fn are_protected() -> bool {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let mut text = [0; 2];
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(CWD, c"/proc/sys/fs/protected_hardlinks", flags, Mode::empty());
    let read = file.and_then(|file| rustix::io::read(&file, &mut text[..]));
    read.is_err() || text.first() != Some(&b'0')
}

/// What is wrong with a name outside comes before what is wrong with the pair.
fn leaving(new: Option<Outside<'_>>) -> Errno {
    let Some(new) = new else { return Errno::FAULT };
    let beside = match new.beside(Errno::EXIST) {
        Ok(beside) => beside,
        Err(errno) => return errno,
    };
    match beside.stat() {
        Ok(_) => Errno::EXIST,
        Err(Errno::NOENT) if beside.slash || beside.is_removed() => Errno::NOENT,
        Err(Errno::NOENT) => Errno::XDEV,
        Err(errno) => errno,
    }
}

fn entering(old: Option<Outside<'_>>, new: &Place<'_>, flags: c_int) -> Errno {
    let seen = match old {
        Some(old) => old.stat(seen_as(flags)),
        None => Err(Errno::FAULT),
    };
    match seen.and_then(|_| make::unused(new)) {
        Ok(_) => Errno::XDEV,
        Err(errno) => errno,
    }
}
