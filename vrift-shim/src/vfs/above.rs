//! The directories above the mount path that are not on the disk: a tree of their own, at whose end the workspace's
//! begins. To whoever asks they belong to root, and nothing can be made, removed or changed in them.
//!
//! The first of them is the **border**: what is above it is the kernel's. Mostly nothing is missing, and the border is the
//! mount path.

use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;
use vrift_manifest::session::above::length_of;
use vrift_manifest::session::{Session, SessionError};
use vrift_manifest::tree::Change;
use vrift_manifest::tree::path::{below, is_end, split_first};

use super::find::Start;
use super::session::{self, Given};
use crate::sys::gate;
use crate::sys::slot::Slot;

/// Their tree.
struct Above {
    given: Given,
    session: Session,
}

static ABOVE: Slot<Above> = Slot::empty();

/// How many bytes of the mount path lead to the border, as it is now.
pub fn border(mount: &[u8]) -> usize {
    let last = mount.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    if last == 0 || is_there(mount.get(..last)) {
        return mount.len();
    }
    let ends = mount.iter().enumerate().skip(1).filter(|&(_, &byte)| byte == b'/');
    ends.map(|(end, _)| end).find(|&end| !is_there(mount.get(..end))).unwrap_or(mount.len())
}

fn is_there(path: Option<&[u8]>) -> bool {
    // On doubt it is: then it is the kernel that says what is wrong with it.
    let found = path.map(|path| rustix::fs::statat(CWD, path, AtFlags::empty()));
    !matches!(found, Some(Err(Errno::NOENT)))
}

/// Where a walk begins that is to go along `rest` from the directory above the tree whose path has `length` bytes: in the
/// tree, if the names lead there; else among these directories, with `path` to walk.
#[cold]
pub(super) fn begin<'a>(
    given: &'static Given,
    length: usize,
    rest: &'a [u8],
    path: &'a [u8],
) -> Result<Start<'a>, Errno> {
    let (mut at, mut left) = (length, rest);
    while let Some((name, behind)) = split_first(left) {
        match step(given, at, name) {
            Some(next) if next == given.mount.len() => return into_tree(given, behind),
            Some(next) => at = next,
            None => break,
        }
        left = behind;
    }
    let Above { given, session } = ours(given)?;
    let tree = session.tree();
    let number = vrift_manifest::session::above::number(length);
    let at = tree.node(number).map_err(|_| Errno::IO)?.unwrap_or(tree.root());
    Ok(Start::Tree { given, session, at, path })
}

fn into_tree<'a>(given: &'static Given, behind: &'a [u8]) -> Result<Start<'a>, Errno> {
    let session = session::session(given)?;
    let path = match split_first(behind) {
        // The path of the root itself says that it is that.
        None => &given.mount[..],
        Some((name, rest)) => behind.get(behind.len() - rest.len() - name.len()..).unwrap_or(b"."),
    };
    Ok(Start::Tree { given, session, at: session.tree().root(), path })
}

/// Where a name leads from such a directory, if to another or to the tree.
fn step(given: &Given, at: usize, name: &[u8]) -> Option<usize> {
    match name {
        b"." => Some(at),
        b".." if at <= given.border.len() => None,
        b".." => given.mount.get(..at)?.iter().rposition(|&byte| byte == b'/'),
        name => {
            let (next, _) = split_first(given.mount.get(at..)?)?;
            (name == next).then_some(at + 1 + name.len())
        }
    }
}

/// Whether a path without symlinks or dots is that of such a directory.
pub fn is_one(given: &Given, path: &[u8]) -> bool {
    below(path, &given.border).is_some()
        && below(&given.mount, path).is_some_and(|rest| !is_end(rest))
}

/// The directory with this number: what was handed over for it, and its tree.
#[inline]
pub fn by_number(
    given: &'static Given,
    node: u64,
) -> Result<Option<(&'static Given, &'static Session)>, Errno> {
    if length_of(node).is_none() {
        return Ok(None);
    }
    let Above { given, session } = ours(given)?;
    Ok(Some((given, session)))
}

/// Their tree as it is known to who has found a node in it.
pub fn session() -> Result<&'static Session, Errno> {
    ABOVE.get().map(|above| &above.session).ok_or(Errno::IO)
}

#[cold]
fn ours(given: &'static Given) -> Result<&'static Above, Errno> {
    if let Some(above) = ABOVE.get() {
        return Ok(above);
    }
    gate::inside(|| {
        let border = given.border.len();
        let end = given.border.iter().rposition(|&byte| byte == b'/').unwrap_or(0).max(1);
        let outside = given.border.get(..end).unwrap_or(b"/");
        let stat = rustix::fs::statat(CWD, outside, AtFlags::empty())?;
        let session = Session::above(&given.handover, &given.mount, border, &stat);
        let session = session.map_err(|error| match error {
            SessionError::Errno(errno) => errno,
            SessionError::Retired => Errno::IO,
        })?;
        let mut handover = given.handover.clone();
        handover.mount = std::ffi::OsStr::from_bytes(&given.border).into();
        let given = Given {
            handover,
            mount: given.border.clone(),
            border: given.border.clone(),
            is_above: true,
            device: given.device,
            text: given.text.clone(),
            library: given.library.clone(),
        };
        Ok(ABOVE.put(Above { given, session }))
    })
}

/// What a change in such a directory comes to, once all is checked that depends on who asks: so only the privileged get
/// here. The way to the tree is in use, and beside it there is no place for anything.
pub fn refusal(change: &Change<'_>) -> Errno {
    match change {
        Change::Unlink { .. } | Change::RemoveDirectory { .. } | Change::Rename { .. } => {
            Errno::BUSY
        }
        _ => Errno::PERM,
    }
}
