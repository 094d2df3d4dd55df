//! The tree's own root, where a call names it to move or remove it: a directory of the file system outside, on which the tree
//! is mounted. What is wrong with that in any directory is told as of any directory; what is left would be right there and is
//! not here: EBUSY.

use rustix::fs::{Access, AtFlags, CWD, Stat, accessat};
use rustix::io::Errno;
use vrift_manifest::tree::RenameMode;

use super::find::{Name, Place};
use super::outside::{Beside, is_directory as is_directory_there};
use super::session::Given;

/// Renames the root, or something to it, both in the tree.
#[cold]
pub fn rename(old: &Place<'_>, new: &Place<'_>, mode: RenameMode) -> Result<(), Errno> {
    if new.name == Name::Root && old.name == Name::Root {
        // Two names of one node.
        return if mode == RenameMode::NoReplace { Err(Errno::EXIST) } else { Ok(()) };
    }
    // The root's own name is on the file system that the tree is mounted in.
    if old.name != Name::Root {
        old.searched()?;
    }
    if new.name != Name::Root {
        new.searched()?;
    }
    Err(Errno::XDEV)
}

/// Moves the root to `target`, which is outside: it cannot be.
#[cold]
pub fn leave(given: &Given, target: &Beside<'_>, mode: RenameMode) -> Result<(), Errno> {
    let there = target.there()?;
    match (&there, mode) {
        (Some(_), RenameMode::NoReplace) => return Err(Errno::EXIST),
        (None, RenameMode::Exchange) => return Err(Errno::NOENT),
        _ => {}
    }
    let is_other = there.as_ref().is_some_and(|there| !is_directory_there(there));
    let exchange = mode == RenameMode::Exchange;
    if exchange && is_other && target.slash {
        return Err(Errno::NOTDIR);
    }
    need_change(given)?;
    if exchange {
        return Err(Errno::BUSY);
    }
    target.need_replacement(there.as_ref())?;
    Err(if is_other { Errno::NOTDIR } else { Errno::BUSY })
}

/// Moves `source` from outside to the root: it cannot be.
#[cold]
pub fn enter(
    source: &Beside<'_>,
    stat: &Stat,
    new: &Place<'_>,
    mode: RenameMode,
) -> Result<(), Errno> {
    let is_other = !is_directory_there(stat);
    let exchange = mode == RenameMode::Exchange;
    if mode == RenameMode::NoReplace {
        return Err(Errno::EXIST);
    }
    if is_other && (source.slash || !exchange && new.slash) {
        return Err(Errno::NOTDIR);
    }
    source.need_replacement(Some(stat))?;
    need_change(new.given)?;
    Err(if is_other && !exchange { Errno::ISDIR } else { Errno::BUSY })
}

/// Whether the process may change the directory that the tree is mounted in. Where that is not on the disk, nobody asks.
#[cold]
pub fn need_change(given: &Given) -> Result<(), Errno> {
    let end = given.mount.iter().rposition(|&byte| byte == b'/').unwrap_or(0).max(1);
    let above = given.mount.get(..end).unwrap_or(b"/");
    match accessat(CWD, above, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS) {
        Err(Errno::ACCESS) => Err(Errno::ACCESS),
        _ => Ok(()),
    }
}
