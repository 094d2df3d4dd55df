//! unlink, rmdir, remove.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::session::{Removal, Version};
use vrift_manifest::tree::Change;

use super::find::{self, Name, Place, Work};
use super::spot::{Spot, is_directory};
use super::{Answer, change, root, session, who};

/// Removes a name; with `AT_REMOVEDIR` an empty directory.
pub fn at<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    match flags {
        0 => find::place(directory, path, work)?.then(|place| name(&place)),
        libc::AT_REMOVEDIR => find::place(directory, path, work)?.then(|place| empty(&place)),
        _ => Err(Errno::INVAL),
    }
}

/// Removes whatever it is, as remove(3) does: a directory is tried when it turns out to be one.
pub fn any<'w>(path: Option<&'w [u8]>, work: &'w mut Work) -> Result<Answer<'w, ()>, Errno> {
    find::place(find::CWD, path, work)?.then(|place| match name(&place) {
        Err(Errno::ISDIR) => empty(&place),
        other => other,
    })
}

/// A name that is no directory's.
fn name(place: &Place<'_>) -> Result<(), Errno> {
    if place.name == Name::Root {
        if !place.slash {
            root::need_change(place.given)?;
        }
        return Err(Errno::ISDIR);
    }
    let above = place.searched()?;
    let Name::Ordinary(name) = place.name else { return Err(Errno::ISDIR) };
    let spot = place.spot(above, name)?;
    let victim = spot.attributes()?;
    if spot.slash {
        return Err(if is_directory(&victim) { Errno::ISDIR } else { Errno::NOTDIR });
    }
    who::credentials().need_removal(&spot.above, &victim)?;
    unlink(&spot)
}

/// Removes the name, where all is checked.
pub fn unlink(spot: &Spot<'_>) -> Result<(), Errno> {
    let (victim, node) = (spot.attributes()?, spot.number()?);
    let removed = Change::Unlink { parent: spot.directory, name: spot.name };
    change::apply(spot.given, &removed)?;
    change::name_removed(spot.given, node, &victim);
    Ok(())
}

/// Removes the name, where all is checked, from what was moved away under that name and from nothing else.
pub fn unlink_version(spot: &Spot<'_>, version: &Version) -> Result<Removal, Errno> {
    let (victim, node) = (spot.attributes()?, spot.number()?);
    let place = (spot.directory, spot.name);
    let removal =
        session::with(spot.given, |session| session.unlink_version(&who::who(), place, version))?;
    if removal == Removal::Done {
        change::name_removed(spot.given, node, &victim);
    }
    Ok(removal)
}

fn empty(place: &Place<'_>) -> Result<(), Errno> {
    if place.name == Name::Root {
        root::need_change(place.given)?;
        return Err(Errno::BUSY);
    }
    let above = place.searched()?;
    let name = match place.name {
        Name::Ordinary(name) => name,
        Name::Dot => return Err(Errno::INVAL),
        Name::DotDot => return Err(Errno::NOTEMPTY),
        Name::Root => return Err(Errno::BUSY),
    };
    let spot = place.spot(above, name)?;
    let victim = spot.attributes()?;
    who::credentials().need_removal(&spot.above, &victim)?;
    let number = spot.number()?;
    change::apply(spot.given, &Change::RemoveDirectory { parent: spot.directory, name })?;
    change::directory_removed(spot.given, number);
    Ok(())
}
