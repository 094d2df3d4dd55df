//! The tree's own root, where a call names it to move or remove it. What is wrong with that in any directory is told as of
//! any directory; what is left would be right there and is not here, where a tree is mounted: EBUSY.

use rustix::fs::Stat;
use rustix::io::Errno;
use vrift_manifest::tree::RenameMode;

use super::find::{Name, Place};
use super::outside::{Beside, is_directory as is_directory_there};
use super::spot::is_directory;

/// Renames the root, or something to it, both in the tree.
#[cold]
pub fn rename(old: &Place<'_>, new: &Place<'_>, mode: RenameMode) -> Result<(), Errno> {
    let exchange = mode == RenameMode::Exchange;
    if new.name == Name::Root && old.name == Name::Root {
        // Two names of one node.
        return if mode == RenameMode::NoReplace { Err(Errno::EXIST) } else { Ok(()) };
    }
    if new.name == Name::Root {
        // Over a directory that it is in.
        let above = old.searched()?;
        let Name::Ordinary(name) = old.name else { return Err(Errno::BUSY) };
        let is_other = !is_directory(&old.spot(above, name)?.attributes()?);
        return Err(match mode {
            RenameMode::NoReplace => Errno::EXIST,
            _ if is_other && (old.slash || !exchange && new.slash) => Errno::NOTDIR,
            RenameMode::Exchange => Errno::INVAL,
            _ => Errno::NOTEMPTY,
        });
    }
    // Into itself.
    let above = new.searched()?;
    let there = match new.name {
        Name::Ordinary(name) => match new.spot(above, name)?.attributes() {
            Err(Errno::NOENT) => None,
            seen => Some(seen?),
        },
        _ if mode == RenameMode::NoReplace => return Err(Errno::EXIST),
        _ => return Err(Errno::BUSY),
    };
    Err(match (there, mode) {
        (Some(_), RenameMode::NoReplace) => Errno::EXIST,
        (None, RenameMode::Exchange) => Errno::NOENT,
        (Some(seen), RenameMode::Exchange) if new.slash && !is_directory(&seen) => Errno::NOTDIR,
        _ => Errno::INVAL,
    })
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
    Err(match exchange {
        true => Errno::BUSY,
        false if is_other => Errno::ISDIR,
        false => remove(new),
    })
}

/// Why the root cannot be removed.
#[cold]
pub fn remove(place: &Place<'_>) -> Errno {
    let tree = place.session.tree();
    match tree.is_empty_directory(tree.root()) {
        Ok(true) => Errno::BUSY,
        Ok(false) => Errno::NOTEMPTY,
        Err(_) => Errno::IO,
    }
}
