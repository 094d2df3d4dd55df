//! What a path or a descriptor is.

use std::ffi::c_int;

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::session::{SessionError, Shown};

use super::Answer;
use super::descriptor::{self, Held};
use super::find::{self, At, Work};
use super::session::{self, Given};

/// The flags that the calls of this family know.
const FLAGS: c_int = libc::AT_SYMLINK_NOFOLLOW
    | libc::AT_NO_AUTOMOUNT
    | libc::AT_EMPTY_PATH
    | libc::AT_STATX_SYNC_TYPE;

/// A node's attributes and number.
pub struct Seen {
    /// What was handed over.
    pub given: &'static Given,
    /// The node.
    pub number: u64,
    /// What stat shows of it.
    pub shown: Shown,
}

/// Of a path; an empty one stands for the descriptor, where the flags say so. Where the kernel is to be asked, it is to be
/// asked without following a symlink in the last place: [`behind_link`] comes then.
#[inline]
pub fn at<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, Seen>, Errno> {
    if flags & !FLAGS != 0 {
        // The kernel refuses what it does not know before it looks at anything.
        return Ok(Answer::Kernel);
    }
    if flags & libc::AT_EMPTY_PATH != 0 && path.is_none_or(<[u8]>::is_empty) {
        return if directory == find::CWD {
            dot()
        } else {
            of_descriptor(directory).map(|seen| seen.map_or(Answer::Kernel, Answer::Ours))
        };
    }
    let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
    Ok(match find::node_unless_link(directory, path, follow, work)? {
        Answer::Ours(at) => Answer::Ours(of(at)?),
        Answer::Elsewhere(path) => Answer::Elsewhere(path),
        Answer::Kernel => Answer::Kernel,
    })
}

/// Of a path outside, where the kernel says that a symlink has it, which is to be followed.
#[cold]
pub fn behind_link<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, Seen>, Errno> {
    find::node(directory, path, true, work)?.then(of)
}

/// Whether a mode is that of a symlink.
#[inline]
pub fn is_link(mode: u32) -> bool {
    const TYPE: u32 = 0o170_000;
    const SYMLINK: u32 = 0o120_000;
    mode & TYPE == SYMLINK
}

/// Of a node.
pub fn of(at: At) -> Result<Seen, Errno> {
    let At { session, given, cursor } = at;
    let number = at.number()?;
    let shown = match session.attributes(cursor) {
        // By its number, if the workspace was replaced since.
        Err(SessionError::Retired) => {
            session::with(given, |session| session.shown_of_node(number))?
        }
        shown => shown.map_err(session::errno_of)?,
    };
    Ok(Seen { given, number, shown })
}

/// Of the working directory.
fn dot<'w>() -> Result<Answer<'w, Seen>, Errno> {
    let Some(given) = session::given() else { return Ok(Answer::Kernel) };
    match super::cwd::present(given)? {
        super::cwd::Where::Inside(node) => of(find::by_number(given, node)?).map(Answer::Ours),
        _ => Ok(Answer::Kernel),
    }
}

/// Of a descriptor; `None`: it is none of ours. Always inlined: after a call of the kernel each return costs more than what is
/// returned over.
#[inline(always)]
pub fn of_descriptor(descriptor: c_int) -> Result<Option<Seen>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let (held, stat) = descriptor::look(given, descriptor)?;
    let (number, stored) = match held {
        Held::Foreign | Held::Lost(None) => return Ok(None),
        Held::Directory(node) => return of_directory(given, node).map(Some),
        Held::Content { node, draft } => (node, !draft),
        Held::Lost(Some(node)) => (node, true),
    };
    let at = descriptor::node(given, descriptor, number)?;
    let shown = at.session.attributes_of_open(at.cursor, &stat).map_err(session::errno_of)?;
    if stored && is_changed(&at, shown.attributes.size) && is_path_only(descriptor) {
        return of(at).map(Some);
    }
    Ok(Some(Seen { given, number, shown }))
}

#[inline(never)]
fn of_directory(given: &'static Given, node: u64) -> Result<Seen, Errno> {
    of(find::by_number(given, node)?)
}

/// Whether the file has another content than the one, of this size, that is open.
fn is_changed(at: &At, size: u64) -> bool {
    let tree = at.session.tree();
    tree.draft(at.cursor).is_some()
        || tree.attributes(at.cursor).is_ok_and(|attributes| attributes.size != size)
}

/// Whether a descriptor only stands for a file, whatever that has in it by now. Others have the content of when they were opened.
#[cold]
fn is_path_only(descriptor: c_int) -> bool {
    let flags = descriptor::borrow(descriptor).and_then(rustix::fs::fcntl_getfl);
    // Neither to read nor to write is no more than that.
    let is_one = |flags: OFlags| flags.intersects(OFlags::PATH) || flags.contains(OFlags::RWMODE);
    flags.is_ok_and(is_one)
}
