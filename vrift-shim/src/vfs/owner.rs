//! chown.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::tree::Change;

use super::find::{At, Work};
use super::{Answer, change, subject, who};

/// A new owner; `u32::MAX` leaves an id as it is.
#[derive(Clone, Copy)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// Of a path.
pub fn at<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    owner: Owner,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    if flags & !(libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH) != 0 {
        return Err(Errno::INVAL);
    }
    subject::at(directory, path, flags, work)?.then(|at| set(&at, owner))
}

/// Of a descriptor; `None`: it is none of ours.
pub fn of_descriptor(descriptor: c_int, owner: Owner) -> Result<Option<()>, Errno> {
    subject::of_descriptor(descriptor)?.map(|at| set(&at, owner)).transpose()
}

fn set(at: &At, owner: Owner) -> Result<(), Errno> {
    let old = at.attributes()?;
    let uid = (owner.uid != u32::MAX).then_some(owner.uid);
    let gid = (owner.gid != u32::MAX).then_some(owner.gid);
    let kept = mode_after(&old);
    permitted(&old, uid, gid, kept)?;
    let node = at.number()?;
    change::apply(at.given, &Change::SetOwner { node, uid, gid })?;
    // The change itself keeps set-group-id where the group may not execute; only members keep that.
    if old.mode & 0o2010 == 0o2000 && kept & 0o2000 == 0 {
        change::apply(at.given, &Change::SetMode { node, mode: kept })?;
    }
    capabilities_go(at, node)
}

/// The permission bits that are left, whoever the new owner is.
fn mode_after(old: &Attributes) -> u32 {
    let mode = old.mode & 0o7777;
    if Kind::of_mode(old.mode) == Some(Kind::Directory) {
        return mode;
    }
    let who = who::credentials();
    let member = who.is_in(old.gid) || who.is_privileged();
    let keeps = mode & 0o010 == 0 && member;
    mode & !(0o4000 | if keeps { 0 } else { 0o2000 })
}

/// The owner may give a file to a group of their own; all else needs privilege: EPERM. To take bits away is chmod.
fn permitted(old: &Attributes, uid: Option<u32>, gid: Option<u32>, kept: u32) -> Result<(), Errno> {
    let who = who::credentials();
    if who.is_privileged() {
        return Ok(());
    }
    let owns = old.uid == who.uid;
    let user = uid.is_none_or(|uid| owns && uid == old.uid);
    let group = gid.is_none_or(|gid| owns && (gid == old.gid || who.is_in(gid)));
    let bits = owns || kept == old.mode & 0o7777;
    if user && group && bits { Ok(()) } else { Err(Errno::PERM) }
}

/// What the file itself could do beyond its user goes with the owner.
fn capabilities_go(at: &At, node: u64) -> Result<(), Errno> {
    let tree = at.session.tree();
    let block = tree.xattr_block(at.cursor).map_err(|_| Errno::IO)?;
    if block.is_empty() || Kind::of_mode(at.attributes()?.mode) == Some(Kind::Directory) {
        return Ok(());
    }
    let gone = Change::SetXattr { node, name: b"security.capability", value: None };
    match change::apply(at.given, &gone) {
        Ok(_) | Err(Errno::NODATA) => Ok(()),
        Err(errno) => Err(errno),
    }
}
