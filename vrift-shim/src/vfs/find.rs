//! From a path to a node, or to a place for one.

use std::ffi::{CStr, c_int};

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::session::Session;
use vrift_manifest::session::above::length_of;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below};
use vrift_manifest::tree::{Cursor, Found, WalkError};

use super::Answer;
use super::lead::{self, Last};
pub use super::place::{Name, Place, ends_in_dots, place, place_followed, place_from};
use super::session::{self, Given};
use super::who::Identity;
use super::{above, cwd, descriptor, magic, who};

/// The directory descriptor that stands for the working directory.
pub const CWD: c_int = libc::AT_FDCWD;

/// How often a path may leave the tree, as symlinks are followed at most.
const LINKS_MAX: usize = 40;

/// Working space of a search: on the stack of the hook, taken when it is needed.
#[derive(Default)]
pub struct Work {
    pub(super) normal: Scratch,
    pub(super) walk: Scratch,
}

/// A node that was found.
#[derive(Clone, Copy)]
pub struct At {
    /// The workspace.
    pub session: &'static Session,
    /// What was handed over.
    pub given: &'static Given,
    /// The node in its tree.
    pub cursor: Cursor,
}

/// Where a walk begins.
pub(super) enum Start<'a> {
    Kernel,
    Tree { given: &'static Given, session: &'static Session, at: Cursor, path: &'a [u8] },
}

/// Finds the node that `path` means. `follow`: a symlink in the last place is followed.
pub fn node<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    follow: bool,
    work: &'w mut Work,
) -> Result<Answer<'w, At>, Errno> {
    node_for(who::credentials, directory, path, follow, work)
}

/// The same on behalf of somebody else than the process is to the file system.
#[inline]
pub fn node_for<'w>(
    who: fn() -> &'static Identity,
    directory: c_int,
    path: Option<&[u8]>,
    follow: bool,
    work: &'w mut Work,
) -> Result<Answer<'w, At>, Errno> {
    let last = if follow { Last::Followed } else { Last::Itself };
    node_over(who, directory, path, (follow, last), work)
}

/// The node that `path` means if what it names is no symlink outside: for who asks the kernel in a way that tells whether
/// it is one, and then asks here again.
#[inline]
pub fn node_unless_link<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    follow: bool,
    work: &'w mut Work,
) -> Result<Answer<'w, At>, Errno> {
    node_over(who::credentials, directory, path, (follow, Last::Itself), work)
}

#[inline]
fn node_over<'w>(
    who: fn() -> &'static Identity,
    directory: c_int,
    path: Option<&[u8]>,
    (follow, last): (bool, Last),
    work: &'w mut Work,
) -> Result<Answer<'w, At>, Errno> {
    let Some(path) = path else { return Ok(Answer::Kernel) };
    let Work { normal, walk } = work;
    // What nearly all paths are that lead into the tree: the mount path, and what is below it.
    let (given, session, found) = if let Some((given, rest)) = inside(path) {
        let session = session::session(given)?;
        let (tree, who) = (session.tree(), who());
        let root = tree.root();
        let found = tree.walk_from(root, rest, &given.mount, follow, Some(&who.as_tree()), walk);
        (given, session, found)
    } else {
        let Start::Tree { given, session, at, path } = start(directory, path, last, normal)? else {
            return Ok(match follow.then(|| magic::node(path)).transpose()?.flatten() {
                Some(at) => Answer::Ours(at),
                None => Answer::Kernel,
            });
        };
        let (tree, who) = (session.tree(), who());
        let found = tree.walk(at, path, &given.mount, follow, Some(&who.as_tree()), walk);
        (given, session, found)
    };
    match found.map_err(errno_of)? {
        Found::Node(cursor) => Ok(Answer::Ours(At { session, given, cursor })),
        Found::Outside(length) => match after_leaving(who(), follow, walk, length)? {
            Left::Inside(at) => Ok(Answer::Ours(at)),
            Left::Outside(length) => outside(walk, length),
        },
    }
}

/// What of a path is below the mount path, if it says so itself.
#[inline]
fn inside(path: &[u8]) -> Option<(&'static Given, &[u8])> {
    let given = session::given()?;
    let rest = below(path, &given.mount)?;
    // Of a path that is too long not even the beginning counts.
    (path.len() < PATH_MAX).then_some((given, rest))
}

/// Where a walk that left the tree ends.
pub(super) enum Left {
    /// In the tree again, or in a directory above it.
    Inside(At),
    /// Outside: the walk's space holds a path of this length.
    Outside(usize),
}

/// The walk left the tree. What is left of the path may lead back, by `..` or to what a descriptor holds. Else it is in the
/// walk's space.
#[cold]
pub(super) fn after_leaving(
    who: &Identity,
    follow: bool,
    walk: &mut Scratch,
    mut length: usize,
) -> Result<Left, Errno> {
    let Some(given) = session::given() else { return Ok(Left::Outside(length)) };
    let mut normal = Scratch::default();
    let last = if follow { Last::Followed } else { Last::Itself };
    for _ in 0..LINKS_MAX {
        let left = walk.bytes().get(..length).unwrap_or(b"");
        if let Some(at) = follow.then(|| magic::node(left)).transpose()?.flatten() {
            return Ok(Left::Inside(at));
        }
        let path = match lead::again(left, last, given, &mut normal)? {
            Some(path) => path,
            None => return Ok(Left::Outside(length)),
        };
        match again(from_border(given, path)?, who, follow, walk)? {
            Left::Outside(again) => length = again,
            inside => return Ok(inside),
        }
    }
    Err(Errno::LOOP)
}

/// Walks once more, from where that begins.
pub(super) fn again(
    start: Start<'_>,
    who: &Identity,
    follow: bool,
    walk: &mut Scratch,
) -> Result<Left, Errno> {
    let Start::Tree { given, session, at, path } = start else { return Err(Errno::NOENT) };
    let found = session.tree().walk(at, path, &given.mount, follow, Some(&who.as_tree()), walk);
    Ok(match found.map_err(errno_of)? {
        Found::Node(cursor) => Left::Inside(At { session, given, cursor }),
        Found::Outside(length) => Left::Outside(length),
    })
}

/// Decides whether a path begins in the tree.
#[inline]
pub(super) fn start<'a>(
    directory: c_int,
    path: &'a [u8],
    last: Last,
    normal: &'a mut Scratch,
) -> Result<Start<'a>, Errno> {
    let Some(given) = session::given() else { return Ok(Start::Kernel) };
    match path.first() {
        None => Ok(Start::Kernel),
        Some(b'/') if below(path, &given.border).is_some() => from_border(given, path),
        Some(b'/') => match lead::absolute(path, last, given, normal)? {
            Some(path) => from_border(given, path),
            None => Ok(Start::Kernel),
        },
        _ if directory == CWD => from_cwd(given, path, last, normal),
        // A path is taken in before anything is asked of the descriptor.
        _ if path.len() >= PATH_MAX => Err(Errno::NAMETOOLONG),
        _ => match descriptor::directory(given, directory)? {
            Some(node) => from_directory(from_node(given, node, path)?),
            None => match lead::below_descriptor(directory, path, last, given, normal)? {
                Some(path) => from_border(given, path),
                None => Ok(Start::Kernel),
            },
        },
    }
}

#[inline]
fn from_cwd<'a>(
    given: &'static Given,
    path: &'a [u8],
    last: Last,
    normal: &'a mut Scratch,
) -> Result<Start<'a>, Errno> {
    let above = match cwd::present(given)? {
        cwd::Where::Inside(node) => return from_node(given, node, path),
        cwd::Where::Above => true,
        cwd::Where::Apart => false,
    };
    match lead::below_cwd(path, last, above, given, normal)? {
        Some(path) => from_border(given, path),
        None => Ok(Start::Kernel),
    }
}

/// From an absolute path that leads to the border, or beyond.
#[inline]
pub(super) fn from_border<'a>(given: &'static Given, path: &'a [u8]) -> Result<Start<'a>, Errno> {
    if given.border.len() != given.mount.len() && below(path, &given.mount).is_none() {
        let rest = path.get(given.border.len()..).unwrap_or(b"");
        return above::begin(given, given.border.len(), rest, path);
    }
    let session = session::session(given)?;
    Ok(Start::Tree { given, session, at: session.tree().root(), path })
}

#[inline]
fn from_node<'a>(given: &'static Given, node: u64, path: &'a [u8]) -> Result<Start<'a>, Errno> {
    if let Some(length) = length_of(node) {
        return above::begin(given, length, path, path);
    }
    let session = session::session(given)?;
    let at = session.tree().node(node).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    Ok(Start::Tree { given, session, at, path })
}

/// What a descriptor stands for may be a pipe, or a symlink that was opened with O_PATH.
#[inline]
fn from_directory(start: Start<'_>) -> Result<Start<'_>, Errno> {
    match &start {
        Start::Tree { session, at, .. } => match session.tree().kind(*at) {
            Ok(Kind::Directory) => Ok(start),
            Ok(_) => Err(Errno::NOTDIR),
            Err(_) => Err(Errno::IO),
        },
        Start::Kernel => Ok(start),
    }
}

/// A node of the tree by its number.
pub fn by_number(given: &'static Given, node: u64) -> Result<At, Errno> {
    by_number_near(given, node, 0)
}

/// The same, where it may be known where to search first.
#[inline]
pub fn by_number_near(given: &'static Given, node: u64, hint: u32) -> Result<At, Errno> {
    let (given, session) = match above::by_number(given, node)? {
        Some(above) => above,
        None => (given, session::session(given)?),
    };
    let cursor = session.tree().node_near(node, hint).map_err(|_| Errno::IO)?;
    Ok(At { session, given, cursor: cursor.ok_or(Errno::STALE)? })
}

impl At {
    /// Its number.
    pub fn number(&self) -> Result<u64, Errno> {
        self.session.tree().number(self.cursor).map_err(|_| Errno::IO)
    }
}

/// The walk's space holds an absolute path of this length that is the kernel's.
pub(super) fn outside<T>(walk: &mut Scratch, length: usize) -> Result<Answer<'_, T>, Errno> {
    let bytes = walk.bytes();
    *bytes.get_mut(length).ok_or(Errno::NAMETOOLONG)? = 0;
    let path = bytes.get(..=length).ok_or(Errno::NAMETOOLONG)?;
    CStr::from_bytes_with_nul(path).map(Answer::Elsewhere).map_err(|_| Errno::NOENT)
}

/// What a walk that failed is to the program.
pub fn errno_of(error: WalkError) -> Errno {
    match error {
        WalkError::NotFound => Errno::NOENT,
        WalkError::NotDirectory => Errno::NOTDIR,
        WalkError::Loop => Errno::LOOP,
        WalkError::TooLong => Errno::NAMETOOLONG,
        WalkError::Denied => Errno::ACCESS,
        WalkError::Damaged(_) => Errno::IO,
    }
}

/// Whether a walk of `path` begins in the tree.
pub fn begins_inside(directory: c_int, path: &[u8]) -> Result<bool, Errno> {
    begins_inside_by(directory, path, Last::Followed)
}

/// The same where a symlink in the last place may be meant itself.
pub fn begins_inside_by(directory: c_int, path: &[u8], last: Last) -> Result<bool, Errno> {
    let mut normal = Scratch::default();
    Ok(matches!(start(directory, path, last, &mut normal)?, Start::Tree { .. }))
}
