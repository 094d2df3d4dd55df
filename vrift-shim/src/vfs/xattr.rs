//! Extended attributes, by the rules of a file system that keeps `user.`, `trusted.` and `security.` and was mounted
//! without access control lists.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, XattrFlags};
use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::tree::Change;
use vrift_manifest::tree::xattrs::XattrList;

use super::find::At;
use super::session::Given;
use super::{change, find, who};

/// The longest name.
const NAME_MAX: usize = 255;
/// The longest value.
const VALUE_MAX: usize = 65_536;
/// The longest list of names.
const LIST_MAX: usize = 65_536;

const USER: &[u8] = b"user.";
const TRUSTED: &[u8] = b"trusted.";
const SECURITY: &[u8] = b"security.";
const SYSTEM: &[u8] = b"system.";
const CAPABILITY: &[u8] = b"security.capability";

/// What is wrong with a name, before anything else is looked at.
pub fn name(name: Option<&[u8]>) -> Result<&[u8], Errno> {
    match name {
        None => Err(Errno::FAULT),
        Some(name) if name.is_empty() || name.len() > NAME_MAX => Err(Errno::RANGE),
        Some(name) => Ok(name),
    }
}

/// The same for all that setxattr is given but its value.
pub fn asked(named: Option<&[u8]>, size: usize, flags: i32) -> Result<&[u8], Errno> {
    if flags & !(libc::XATTR_CREATE | libc::XATTR_REPLACE) != 0 {
        return Err(Errno::INVAL);
    }
    let name = name(named)?;
    if size > VALUE_MAX { Err(Errno::TOOBIG) } else { Ok(name) }
}

/// Whether this kernel takes the working directory for a descriptor, where it reads or sets an attribute of one.
#[cold]
pub fn is_dot_taken() -> bool {
    rustix::fs::fgetxattr(CWD, c"user.vrift", &mut [0u8; 0][..]) != Err(Errno::BADF)
}

/// The value of an attribute.
pub fn get(at: &At, name: &[u8]) -> Result<Vec<u8>, Errno> {
    may(&at.attributes()?, name, false)?;
    is_kept(name)?;
    let list = all(at)?;
    list.into_iter().find(|(known, _)| known == name).map(|(_, value)| value).ok_or(Errno::NODATA)
}

/// The names of all attributes, each with its NUL.
pub fn list(at: &At) -> Result<Vec<u8>, Errno> {
    let privileged = who::credentials().is_privileged();
    let mut names = Vec::new();
    for (name, _) in all(at)? {
        if !name.starts_with(SYSTEM) && (privileged || !name.starts_with(TRUSTED)) {
            names.extend_from_slice(&name);
            names.push(0);
        }
    }
    Ok(names)
}

/// Sets an attribute. `flags`: whether it must be new, or there already.
pub fn set(at: &At, name: &[u8], value: &[u8], flags: i32) -> Result<(), Errno> {
    may(&at.attributes()?, name, true)?;
    may_secure(name, Some(value))?;
    is_kept(name)?;
    let list = all(at)?;
    let is_there = list.iter().any(|(known, _)| known == name);
    if is_there && flags & libc::XATTR_CREATE != 0 {
        return Err(Errno::EXIST);
    }
    if !is_there && flags & libc::XATTR_REPLACE != 0 {
        return Err(Errno::NODATA);
    }
    has_room(&list, name, value)?;
    let node = at.number()?;
    change::apply(at.given, &Change::SetXattr { node, name, value: Some(value) }).map(|_| ())
}

/// Removes an attribute.
pub fn remove(at: &At, name: &[u8]) -> Result<(), Errno> {
    may(&at.attributes()?, name, true)?;
    may_secure(name, None)?;
    is_kept(name)?;
    let node = at.number()?;
    change::apply(at.given, &Change::SetXattr { node, name, value: None }).map(|_| ())
}

/// Whether all attributes fit where ext4 keeps them, in the inode and one block: what is more could not be put back there.
fn has_room(list: &XattrList, name: &[u8], value: &[u8]) -> Result<(), Errno> {
    /// A block without its header and the end of its list.
    const BLOCK: usize = 4096 - 32 - 4;
    /// What an inode of 256 bytes has left for them.
    const INODE: usize = 96 - 4 - 4;
    let size = |name: &[u8], value: &[u8]| {
        let dot = name.iter().position(|&byte| byte == b'.').map_or(0, |at| at + 1);
        16 + (name.len() - dot).next_multiple_of(4) + value.len().next_multiple_of(4)
    };
    let new = size(name, value);
    let others = list.iter().filter(|(known, _)| known != name);
    let all = others.fold(new, |sum, (name, value)| sum + size(name, value));
    if new > BLOCK || all > BLOCK + INODE { Err(Errno::NOSPC) } else { Ok(()) }
}

fn all(at: &At) -> Result<XattrList, Errno> {
    at.session.tree().xattrs(at.cursor).map_err(|_| Errno::IO)
}

/// Who may read or write an attribute is a matter of its first word.
fn may(node: &Attributes, name: &[u8], write: bool) -> Result<(), Errno> {
    let who = who::credentials();
    let no = if write { Errno::PERM } else { Errno::NODATA };
    if name.starts_with(SECURITY) || name.starts_with(SYSTEM) {
        return Ok(());
    }
    if name.starts_with(TRUSTED) {
        return if who.is_privileged() { Ok(()) } else { Err(no) };
    }
    if name.starts_with(USER) {
        match Kind::of_mode(node.mode) {
            Some(Kind::File) => {}
            // In a directory where all may write, only its owner may say something about it.
            Some(Kind::Directory) if write && node.mode & 0o1000 != 0 => who.need_owner(node)?,
            Some(Kind::Directory) => {}
            _ => return Err(no),
        }
    }
    who.need(node, if write { 2 } else { 4 })
}

/// What the kernel's own security asks for who changes its attributes.
fn may_secure(name: &[u8], value: Option<&[u8]>) -> Result<(), Errno> {
    if !name.starts_with(SECURITY) {
        return Ok(());
    }
    if name == CAPABILITY && value.is_some_and(|value| !is_capability(value)) {
        return Err(Errno::INVAL);
    }
    if who::credentials().is_privileged() { Ok(()) } else { Err(Errno::PERM) }
}

/// Whether a value has the form of a file's capabilities: second or third version, each with its length.
fn is_capability(value: &[u8]) -> bool {
    let version = value.get(3).copied().unwrap_or(0);
    matches!((version, value.len()), (2, 20) | (3, 24))
}

/// Whether attributes of this name are kept at all.
fn is_kept(name: &[u8]) -> Result<(), Errno> {
    for prefix in [USER, TRUSTED, SECURITY] {
        match name.strip_prefix(prefix) {
            Some(b"") => return Err(Errno::INVAL),
            Some(_) => return Ok(()),
            None => {}
        }
    }
    Err(Errno::OPNOTSUPP)
}

/// Gives a node the attributes of a real file.
pub fn take_in(given: &'static Given, node: u64, real: &OwnedFd) -> Result<(), Errno> {
    let mut names = vec![0u8; LIST_MAX];
    let size = match rustix::fs::flistxattr(real, &mut names[..]) {
        Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(()),
        other => other?,
    };
    let mut value = vec![0u8; VALUE_MAX];
    for name in names.get(..size).unwrap_or(b"").split(|&byte| byte == 0) {
        if name.is_empty() || name.starts_with(SYSTEM) {
            continue;
        }
        let length = match rustix::fs::fgetxattr(real, name, &mut value[..]) {
            Err(Errno::NODATA | Errno::ACCESS | Errno::PERM) => continue,
            other => other?,
        };
        let value = value.get(..length);
        change::apply(given, &Change::SetXattr { node, name, value })?;
    }
    Ok(())
}

/// Gives a real file the attributes of a node; a file system that cannot take them is another: EXDEV.
pub fn hand_out(given: &'static Given, node: u64, real: &OwnedFd) -> Result<(), Errno> {
    let at = find::by_number(given, node)?;
    for (name, value) in all(&at)? {
        if !name.starts_with(SYSTEM) {
            rustix::fs::fsetxattr(real, &name[..], &value, XattrFlags::empty())
                .map_err(|_| Errno::XDEV)?;
        }
    }
    Ok(())
}
