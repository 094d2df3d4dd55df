//! The node that a call on attributes is about: that of a path, or of a descriptor.

use std::ffi::c_int;

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::attributes::Attributes;

use super::Answer;
use super::cwd;
use super::descriptor::{self, Held};
use super::find::{self, At, Work};
use super::session;

/// Of a path; an empty one stands for the descriptor, where the flags say so.
#[inline]
pub fn at<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, At>, Errno> {
    if flags & libc::AT_EMPTY_PATH != 0 && path.is_some_and(<[u8]>::is_empty) {
        let found = if directory == find::CWD { dot() } else { of_any_descriptor(directory) };
        return found.map(|at| at.map_or(Answer::Kernel, Answer::Ours));
    }
    find::node(directory, path, flags & libc::AT_SYMLINK_NOFOLLOW == 0, work)
}

/// Of a descriptor that was opened to be worked with; `None`: it is none of ours. One that only stands for a path
/// (O_PATH) is EBADF.
#[inline]
pub fn of_descriptor(descriptor: c_int) -> Result<Option<At>, Errno> {
    let at = of_any_descriptor(descriptor);
    if !matches!(at, Ok(None) | Err(Errno::BADF)) {
        let flags = rustix::fs::fcntl_getfl(descriptor::borrow(descriptor)?)?;
        if flags.contains(OFlags::PATH) {
            return Err(Errno::BADF);
        }
    }
    at
}

/// The same where O_PATH is enough.
pub fn of_any_descriptor(descriptor: c_int) -> Result<Option<At>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    match descriptor::look(given, descriptor)?.0 {
        Held::Foreign => Ok(None),
        Held::Lost(_) => Err(Errno::IO),
        Held::Directory(node) | Held::Content { node, .. } => {
            find::by_number(given, node).map(Some)
        }
    }
}

/// The working directory.
pub fn dot() -> Result<Option<At>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    match cwd::present(given)? {
        cwd::Where::Inside(node) => find::by_number(given, node).map(Some),
        _ => Ok(None),
    }
}

impl At {
    /// What the tree says of it: all that permission needs, without a look at a file that is being written.
    pub fn attributes(&self) -> Result<Attributes, Errno> {
        self.session.tree().attributes(self.cursor).map_err(|_| Errno::IO)
    }
}
