//! chmod.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::Change;

use super::find::{At, Work};
use super::{Answer, change, descriptor, magic, session, subject, who};

/// Of a path. A symlink that is not followed has no permission to change: EOPNOTSUPP.
pub fn at<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    mode: u32,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    if flags & !libc::AT_SYMLINK_NOFOLLOW != 0 {
        return Err(Errno::INVAL);
    }
    let follows = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
    if let Some(path) = path.filter(|_| follows && mode & SET_ID != 0)
        && let Some(nameless) = magic::nameless(path, false)?
    {
        guard_held(&nameless.at, nameless.descriptor, mode)?;
    }
    subject::at(directory, path, flags, work)?.then(|at| set(&at, mode))
}

/// Of a descriptor; `None`: it is none of ours.
pub fn of_descriptor(descriptor: c_int, mode: u32) -> Result<Option<()>, Errno> {
    let Some(at) = subject::of_descriptor(descriptor)? else { return Ok(None) };
    if mode & SET_ID != 0 && at.attributes()?.nlink == 0 {
        guard_held(&at, descriptor, mode)?;
    }
    set(&at, mode).map(Some)
}

/// The bits by which a program gains rights.
const SET_ID: u32 = 0o6000;

/// What is being written and has no name any more is reached by the descriptor alone.
fn guard_held(at: &At, descriptor: c_int, mode: u32) -> Result<(), Errno> {
    at.session.guard_held(descriptor::borrow(descriptor)?, mode).map_err(session::errno_of)
}

fn set(at: &At, mode: u32) -> Result<(), Errno> {
    let old = at.attributes()?;
    if Kind::of_mode(old.mode) == Some(Kind::Symlink) {
        return Err(Errno::OPNOTSUPP);
    }
    let who = who::credentials();
    who.need_owner(&old)?;
    // Only members of its group make a file run as the group.
    let member = who.is_in(old.gid) || who.is_privileged();
    let mode = if member { mode & 0o7777 } else { mode & 0o5777 };
    change::apply(at.given, &Change::SetMode { node: at.number()?, mode }).map(|_| ())
}
