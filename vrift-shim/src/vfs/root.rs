//! The tree's own root, where a call names it to move or remove it: a directory of the file system outside, on which the tree
//! is mounted. What is wrong with that in any directory is told as of any directory; what is left would be right there and is
//! not here: EBUSY.

use rustix::fs::Stat;
use rustix::io::Errno;
use vrift_manifest::tree::RenameMode;

use super::find::{Name, Place};
use super::outside::{Beside, is_directory as is_directory_there};

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
pub fn leave(target: &Beside<'_>, mode: RenameMode) -> Result<(), Errno> {
    let there = target.there()?;
    match (&there, mode) {
        (Some(_), RenameMode::NoReplace) => return Err(Errno::EXIST),
        (None, RenameMode::Exchange) => return Err(Errno::NOENT),
        _ => {}
    }
    let is_other = there.as_ref().is_some_and(|there| !is_directory_there(there));
    if mode == RenameMode::Exchange {
        return Err(if is_other && target.slash { Errno::NOTDIR } else { Errno::BUSY });
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
    Err(if is_other && !exchange { Errno::ISDIR } else { Errno::BUSY })
}
