//! rename: inside the tree. What crosses its border is in `into` and `out_of`.

use std::ffi::{CStr, c_int, c_uint};

use rustix::io::Errno;
use vrift_manifest::signals;
use vrift_manifest::tree::{Change, ChangeError, RenameMode};

use super::find::{self, Name, Place, Work};
use super::outside::Outside;
use super::spot::{Spot, is_directory};
use super::{Answer, change, into, known, out_of, root, who};

/// Whose a rename is.
pub enum Renamed<'w> {
    /// The kernel's; where a walk left the tree, the path that is meant is given.
    Kernel(Option<&'w CStr>, Option<&'w CStr>),
    /// Done.
    Done,
}

/// A path as a call gives it.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    /// The directory descriptor.
    pub directory: c_int,
    /// The path.
    pub path: Option<&'a [u8]>,
}

/// Renames `from` to `to`.
pub fn between<'w>(
    from: Named<'w>,
    to: Named<'w>,
    flags: c_uint,
    work: (&'w mut Work, &'w mut Work),
) -> Result<Renamed<'w>, Errno> {
    is_known(flags)?;
    // The one path is looked at before the other, whatever that is.
    if from.path.ok_or(Errno::FAULT)?.is_empty() {
        return Err(Errno::NOENT);
    }
    let old = find::place(from.directory, from.path, work.0)?;
    if let Answer::Ours(old) = &old
        && old.name != Name::Root
    {
        // One path is walked to its end before the other.
        old.searched()?;
    }
    let new = match (find::place(to.directory, to.path, work.1), &old) {
        (Ok(new), _) => new,
        (Err(errno), Answer::Ours(_)) => return Err(errno),
        (Err(errno), Answer::Kernel) => return Err(first(Outside::named(from), errno)),
        (Err(errno), Answer::Elsewhere(old)) => return Err(first(Outside::at(old), errno)),
    };
    let (old, new) = match (old, new) {
        (Answer::Ours(old), Answer::Ours(new)) => {
            if old.name == Name::Root || new.name == Name::Root {
                root::rename(&old, &new, mode_of(flags)?)?;
            } else {
                inside(&old, &new, mode_of(flags)?)?;
            }
            return Ok(Renamed::Done);
        }
        (Answer::Ours(old), Answer::Kernel) => return leave(&old, Outside::named(to), flags),
        (Answer::Ours(old), Answer::Elsewhere(new)) => {
            return leave(&old, Outside::at(new), flags);
        }
        (Answer::Kernel, Answer::Ours(new)) => return enter(Outside::named(from), &new, flags),
        (Answer::Elsewhere(old), Answer::Ours(new)) => {
            return enter(Outside::at(old), &new, flags);
        }
        (Answer::Kernel, Answer::Kernel) => (None, None),
        (Answer::Elsewhere(old), Answer::Kernel) => (Some(old), None),
        (Answer::Kernel, Answer::Elsewhere(new)) => (None, Some(new)),
        (Answer::Elsewhere(old), Answer::Elsewhere(new)) => (Some(old), Some(new)),
    };
    known::forget();
    Ok(Renamed::Kernel(old, new))
}

/// What is wrong with the way to a place outside comes before `errno`, which is about the other.
#[cold]
fn first(old: Option<Outside<'_>>, errno: Errno) -> Errno {
    let way = old.map(|old| old.beside(errno));
    way.and_then(Result::err).unwrap_or(errno)
}

/// On a stack of its own: what crosses the border copies. A rename is not interrupted, and a handler that opened the file
/// would wait for what it has interrupted.
#[cold]
#[inline(never)]
fn leave(
    old: &Place<'_>,
    new: Option<Outside<'_>>,
    flags: c_uint,
) -> Result<Renamed<'static>, Errno> {
    let (new, mode) = (new.ok_or(Errno::FAULT)?, mode_of(flags)?);
    // It may be a symlink that leads back.
    known::forget();
    signals::blocked(|| out_of::rename(old, new, mode)).map(|()| Renamed::Done)
}

#[cold]
#[inline(never)]
fn enter(
    old: Option<Outside<'_>>,
    new: &Place<'_>,
    flags: c_uint,
) -> Result<Renamed<'static>, Errno> {
    let (old, mode) = (old.ok_or(Errno::FAULT)?, mode_of(flags)?);
    known::forget();
    signals::blocked(|| into::rename(old, new, mode)).map(|()| Renamed::Done)
}

/// Flags are looked at before paths.
fn is_known(flags: c_uint) -> Result<(), Errno> {
    let all = libc::RENAME_NOREPLACE | libc::RENAME_EXCHANGE | libc::RENAME_WHITEOUT;
    let other = flags & !libc::RENAME_EXCHANGE != 0;
    let wrong = flags & !all != 0 || flags & libc::RENAME_EXCHANGE != 0 && other;
    if wrong { Err(Errno::INVAL) } else { Ok(()) }
}

/// What the flags ask for. A whiteout is a device node of overlay file systems, whose upper layer a tree cannot be.
fn mode_of(flags: c_uint) -> Result<RenameMode, Errno> {
    match flags {
        0 => Ok(RenameMode::Replace),
        libc::RENAME_NOREPLACE => Ok(RenameMode::NoReplace),
        libc::RENAME_EXCHANGE => Ok(RenameMode::Exchange),
        _ => Err(Errno::INVAL),
    }
}

fn inside(old: &Place<'_>, new: &Place<'_>, mode: RenameMode) -> Result<(), Errno> {
    let (from, to) = spots(old, new, mode)?;
    let moved = from.attributes()?;
    let node = from.number()?;
    let replaced = match (to.there, mode) {
        (Some(_), RenameMode::NoReplace) => return Err(Errno::EXIST),
        (None, RenameMode::Exchange) => return Err(Errno::NOENT),
        (None, _) => None,
        (Some(_), _) => Some((to.number()?, to.attributes()?)),
    };
    let exchange = mode == RenameMode::Exchange;
    slashes(&from, &to, exchange)?;
    let tree = from.session.tree();
    let holds = |node, below| tree.is_at_or_above(node, below).map_err(errno_of);
    if is_directory(&moved) && holds(node, to.directory)? {
        return Err(Errno::INVAL);
    }
    let mut over_directory = None;
    if let Some((number, attributes)) = replaced {
        if is_directory(&attributes) {
            if holds(number, from.directory)? {
                return Err(if exchange { Errno::INVAL } else { Errno::NOTEMPTY });
            }
            over_directory = (!exchange).then_some(number);
        }
        if number == node {
            return Ok(());
        }
    }
    permission(&from, &to, exchange)?;
    let renamed = Change::Rename {
        from_parent: from.directory,
        from: from.name,
        to_parent: to.directory,
        to: to.name,
        mode,
    };
    change::apply(from.given, &renamed)?;
    match (over_directory, replaced) {
        (Some(node), _) => change::directory_replaced(from.given, node),
        (None, Some((node, old))) if !exchange => change::name_removed(from.given, node, &old),
        _ => {}
    }
    Ok(())
}

fn spots<'a>(
    old: &Place<'a>,
    new: &Place<'a>,
    mode: RenameMode,
) -> Result<(Spot<'a>, Spot<'a>), Errno> {
    if old.given.is_above != new.given.is_above {
        return Err(Errno::XDEV);
    }
    let (from_above, to_above) = (old.searched()?, new.searched()?);
    let Name::Ordinary(from) = old.name else { return Err(Errno::BUSY) };
    let Name::Ordinary(to) = new.name else {
        return Err(if mode == RenameMode::NoReplace { Errno::EXIST } else { Errno::BUSY });
    };
    let from = old.spot(from_above, from)?;
    if from.there.is_none() {
        return Err(Errno::NOENT);
    }
    let to = new.spot(to_above, to)?;
    // In a directory that was removed no name is looked for.
    if to.above.nlink == 0 { Err(Errno::NOENT) } else { Ok((from, to)) }
}

/// A slash behind a name promises a directory.
pub fn slashes(from: &Spot<'_>, to: &Spot<'_>, exchange: bool) -> Result<(), Errno> {
    let is_other = |spot: &Spot<'_>| spot.attributes().is_ok_and(|seen| !is_directory(&seen));
    let wrong_end = exchange && to.slash && is_other(to);
    let wrong = is_other(from) && (from.slash || !exchange && to.slash);
    if wrong_end || wrong { Err(Errno::NOTDIR) } else { Ok(()) }
}

/// Whether both directories may be changed, as the kernel asks it.
fn permission(from: &Spot<'_>, to: &Spot<'_>, exchange: bool) -> Result<(), Errno> {
    let who = who::credentials();
    let moved = from.attributes()?;
    who.need_removal(&from.above, &moved)?;
    let replaced = match to.there {
        Some(_) => Some(to.attributes()?),
        None => None,
    };
    match &replaced {
        None => who.need(&to.above, 3)?,
        Some(replaced) => {
            who.need_removal(&to.above, replaced)?;
            match (is_directory(&moved), is_directory(replaced)) {
                (true, false) if !exchange => return Err(Errno::NOTDIR),
                (false, true) if !exchange => return Err(Errno::ISDIR),
                _ => {}
            }
        }
    }
    if from.directory != to.directory {
        // Its entry `..` changes.
        if is_directory(&moved) {
            who.need(&moved, 2)?;
        }
        if let Some(replaced) = replaced.filter(|replaced| exchange && is_directory(replaced)) {
            who.need(&replaced, 2)?;
        }
    }
    Ok(())
}

fn errno_of(error: ChangeError) -> Errno {
    match error {
        ChangeError::Errno(errno) => errno,
        ChangeError::Damaged(_) => Errno::IO,
    }
}
