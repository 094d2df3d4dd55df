//! From a path to a node, or to a place for one.

use std::ffi::{CStr, c_int};

use rustix::io::Errno;
use vrift_manifest::session::Session;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below, is_end};
use vrift_manifest::tree::{Cursor, Found, WalkError};

use super::Answer;
use super::session::{self, Given};
use super::who::Identity;
use super::{cwd, descriptor, lexical, magic, who};

/// The directory descriptor that stands for the working directory.
pub const CWD: c_int = libc::AT_FDCWD;

/// How often a path may leave the tree, as symlinks are followed at most.
const LINKS_MAX: usize = 40;

/// Working space of a search: on the stack of the hook, taken when it is needed.
#[derive(Default)]
pub struct Work {
    normal: Scratch,
    walk: Scratch,
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
    let Some(path) = path else { return Ok(Answer::Kernel) };
    let Work { normal, walk } = work;
    let Start::Tree { given, session, at, path } = start(directory, path, normal)? else {
        return Ok(match follow.then(|| magic::node(path)).transpose()?.flatten() {
            Some(at) => Answer::Ours(at),
            None => Answer::Kernel,
        });
    };
    let who = who();
    let found = session.tree().walk(at, path, &given.mount, follow, Some(&who.as_tree()), walk);
    match found.map_err(errno_of)? {
        Found::Node(cursor) => Ok(Answer::Ours(At { session, given, cursor })),
        Found::Outside(length) => {
            match after_leaving((given, session), who, follow, walk, length)? {
                Found::Node(cursor) => Ok(Answer::Ours(At { session, given, cursor })),
                Found::Outside(length) => outside(walk, length),
            }
        }
    }
}

/// The walk left the tree. What is left of the path may lead back, by `..` or to what a descriptor holds. Else it is in the
/// walk's space.
#[cold]
fn after_leaving(
    (given, session): (&'static Given, &'static Session),
    who: &Identity,
    follow: bool,
    walk: &mut Scratch,
    mut length: usize,
) -> Result<Found, Errno> {
    let mut normal = Scratch::default();
    let tree = session.tree();
    for _ in 0..LINKS_MAX {
        let left = walk.bytes().get(..length).unwrap_or(b"");
        if let Some(at) = follow.then(|| magic::node(left)).transpose()?.flatten() {
            return Ok(Found::Node(at.cursor));
        }
        if below(left, &given.mount).is_none() {
            let Some(up) = lexical::one_up(left, &mut normal)? else {
                return Ok(Found::Outside(length));
            };
            let (from, to) = (normal.bytes().get(..up), walk.bytes().get_mut(..up));
            if let (Some(from), Some(to)) = (from, to) {
                to.copy_from_slice(from);
            }
            length = up;
            continue;
        }
        let path = normal.bytes().get_mut(..length).ok_or(Errno::NAMETOOLONG)?;
        path.copy_from_slice(left);
        let who = Some(&who.as_tree());
        match tree.walk(tree.root(), path, &given.mount, follow, who, walk).map_err(errno_of)? {
            Found::Outside(again) => length = again,
            found => return Ok(found),
        }
    }
    Err(Errno::LOOP)
}

/// A name in a directory of the tree, whether anything has it or not.
pub struct Place<'a> {
    /// The workspace.
    pub session: &'static Session,
    /// What was handed over.
    pub given: &'static Given,
    /// The directory.
    pub parent: Cursor,
    /// The name.
    pub name: Name<'a>,
    /// Slashes stood behind it.
    pub slash: bool,
}

/// The last component of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// A name.
    Ordinary(&'a [u8]),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// There is none: the path is that of the tree itself.
    Root,
}

/// Finds the place that `path` means: its directory is walked to, its last name is not looked at.
pub fn place<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, Place<'w>>, Errno> {
    let Some(path) = path else { return Ok(Answer::Kernel) };
    let Work { normal, walk } = work;
    match start(directory, path, normal)? {
        Start::Kernel => Ok(Answer::Kernel),
        Start::Tree { given, session, at, path } => {
            place_from(At { session, given, cursor: at }, path, walk)
        }
    }
}

/// As [`place`], for a path that begins in a directory of the tree, or is absolute and leads into it.
pub fn place_from<'w>(
    from: At,
    path: &'w [u8],
    walk: &'w mut Scratch,
) -> Result<Answer<'w, Place<'w>>, Errno> {
    let At { session, given, cursor: at } = from;
    let trimmed = without_slashes(path);
    let slash = trimmed.len() < path.len();
    let (head, last) = split_last(trimmed);
    let is_root = path.first() == Some(&b'/') && below(path, &given.mount).is_some_and(is_end);
    let name = match last {
        _ if is_root => Name::Root,
        b"." => Name::Dot,
        b".." => Name::DotDot,
        name => Name::Ordinary(name),
    };
    if is_root || head.is_empty() {
        return Ok(Answer::Ours(Place { session, given, parent: at, name, slash }));
    }
    let who = who::credentials();
    let found = session.tree().walk(at, head, &given.mount, true, Some(&who.as_tree()), walk);
    let found = match found.map_err(errno_of)? {
        Found::Outside(length) => after_leaving((given, session), who, true, walk, length)?,
        found => found,
    };
    match found {
        Found::Node(parent) => Ok(Answer::Ours(Place { session, given, parent, name, slash })),
        Found::Outside(length) => {
            if let Some(parent) = directory_again(&from, who, length, walk)? {
                return Ok(Answer::Ours(Place { session, given, parent, name, slash }));
            }
            let behind = path.get(head.len()..).unwrap_or(b"");
            let bytes = walk.bytes();
            let between = usize::from(bytes.get(length.wrapping_sub(1)) != Some(&b'/'));
            let end = length + between + behind.len();
            if end >= PATH_MAX {
                return Err(Errno::NAMETOOLONG);
            }
            if let Some(slash) = bytes.get_mut(length..length + between) {
                slash.fill(b'/');
            }
            if let Some(room) = bytes.get_mut(length + between..end) {
                room.copy_from_slice(behind);
            }
            // The last name may be that of the tree itself.
            if below(bytes.get(..end).unwrap_or(b""), &given.mount).is_some_and(is_end) {
                let parent = session.tree().root();
                return Ok(Answer::Ours(Place { session, given, parent, name: Name::Root, slash }));
            }
            outside(walk, end)
        }
    }
}

/// The way to a directory left the tree, with a path of `length` left to walk: the directory, if that leads back.
#[cold]
fn directory_again(
    from: &At,
    who: &Identity,
    length: usize,
    walk: &mut Scratch,
) -> Result<Option<Cursor>, Errno> {
    let (tree, mount) = (from.session.tree(), &from.given.mount);
    let mut again = Scratch::default();
    let left = walk.bytes().get(..length).unwrap_or(b"");
    let Some(path) = lexical::back_inside(left, from.given, &mut again)? else { return Ok(None) };
    let mut walk = Scratch::default();
    let who = Some(&who.as_tree());
    match tree.walk(tree.root(), path, mount, true, who, &mut walk).map_err(errno_of)? {
        Found::Node(parent) => Ok(Some(parent)),
        Found::Outside(_) => Ok(None),
    }
}

impl Place<'_> {
    /// The directory as a node.
    pub fn directory(&self) -> At {
        At { session: self.session, given: self.given, cursor: self.parent }
    }

    /// What has the name now.
    pub fn child(&self) -> Result<Option<Cursor>, Errno> {
        match self.name {
            Name::Ordinary(name) => {
                self.session.tree().child(self.parent, name).map_err(|_| Errno::IO)
            }
            _ => Ok(None),
        }
    }
}

/// Decides whether a path begins in the tree.
#[inline]
pub(super) fn start<'a>(
    directory: c_int,
    path: &'a [u8],
    normal: &'a mut Scratch,
) -> Result<Start<'a>, Errno> {
    let Some(given) = session::given() else { return Ok(Start::Kernel) };
    match path.first() {
        None => Ok(Start::Kernel),
        Some(b'/') if below(path, &given.mount).is_some() => {
            let session = session::session(given)?;
            Ok(Start::Tree { given, session, at: session.tree().root(), path })
        }
        Some(b'/') => match lexical::inside(path, given, normal)? {
            Some(path) => from_absolute(given, path),
            None => Ok(Start::Kernel),
        },
        _ if directory == CWD => from_cwd(given, path, normal),
        // A path is taken in before anything is asked of the descriptor.
        _ if path.len() >= PATH_MAX => Err(Errno::NAMETOOLONG),
        _ => match descriptor::directory(given, directory)? {
            Some(node) => from_node(given, node, path),
            None => match lexical::below_descriptor(directory, path, given, normal)? {
                Some(path) => from_absolute(given, path),
                None => Ok(Start::Kernel),
            },
        },
    }
}

#[inline]
fn from_cwd<'a>(
    given: &'static Given,
    path: &'a [u8],
    normal: &'a mut Scratch,
) -> Result<Start<'a>, Errno> {
    match cwd::present(given)? {
        cwd::Where::Inside(node) => from_node(given, node, path),
        cwd::Where::Apart if !lexical::climbs(path) => Ok(Start::Kernel),
        _ => match lexical::below_cwd(path, given, normal)? {
            Some(path) => from_absolute(given, path),
            None => Ok(Start::Kernel),
        },
    }
}

fn from_absolute<'a>(given: &'static Given, path: &'a [u8]) -> Result<Start<'a>, Errno> {
    let session = session::session(given)?;
    Ok(Start::Tree { given, session, at: session.tree().root(), path })
}

#[inline]
fn from_node<'a>(given: &'static Given, node: u64, path: &'a [u8]) -> Result<Start<'a>, Errno> {
    let session = session::session(given)?;
    let at = session.tree().node(node).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    Ok(Start::Tree { given, session, at, path })
}

/// A node of the tree by its number.
pub fn by_number(given: &'static Given, node: u64) -> Result<At, Errno> {
    let session = session::session(given)?;
    let cursor = session.tree().node(node).map_err(|_| Errno::IO)?.ok_or(Errno::STALE)?;
    Ok(At { session, given, cursor })
}

impl At {
    /// Its number.
    pub fn number(&self) -> Result<u64, Errno> {
        self.session.tree().number(self.cursor).map_err(|_| Errno::IO)
    }
}

/// The walk's space holds an absolute path of this length that is the kernel's.
fn outside<T>(walk: &mut Scratch, length: usize) -> Result<Answer<'_, T>, Errno> {
    let bytes = walk.bytes();
    *bytes.get_mut(length).ok_or(Errno::NAMETOOLONG)? = 0;
    let path = bytes.get(..=length).ok_or(Errno::NAMETOOLONG)?;
    CStr::from_bytes_with_nul(path).map(Answer::Elsewhere).map_err(|_| Errno::NOENT)
}

/// Everything before the last component, with its slashes, and the last component.
fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    let at = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    path.split_at_checked(at).unwrap_or((b"", path))
}

/// The path without the slashes behind its last component.
fn without_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
    path.get(..end).unwrap_or(path)
}

/// Whether the last component is `.` or `..`.
pub fn ends_in_dots(path: &[u8]) -> bool {
    matches!(split_last(without_slashes(path)).1, b"." | b"..")
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
    let mut normal = Scratch::default();
    Ok(matches!(start(directory, path, &mut normal)?, Start::Tree { .. }))
}
