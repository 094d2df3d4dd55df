//! From a path to a place for a node: the directory that it leads to, and the last name.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::session::Session;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below, is_end};
use vrift_manifest::tree::{Cursor, Found};

use super::find::{
    At, Left, Start, Work, after_leaving, again, errno_of, from_border, outside, start,
};
use super::lead::{self, Last};
use super::session::{self, Given};
use super::who::Identity;
use super::{Answer, who};

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
    place_over(Last::Name, directory, path, work)
}

/// The same where a symlink outside in the last place is followed into the tree.
pub fn place_followed<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, Place<'w>>, Errno> {
    place_over(Last::Followed, directory, path, work)
}

fn place_over<'w>(
    last: Last,
    directory: c_int,
    path: Option<&'w [u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, Place<'w>>, Errno> {
    let Some(path) = path else { return Ok(Answer::Kernel) };
    let Work { normal, walk } = work;
    match start(directory, path, last, normal)? {
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
    // The walk sees the path's head only; the kernel measures it before all else.
    if path.len() >= PATH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
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
        Found::Outside(length) => after_leaving(who, true, walk, length)?,
        Found::Node(cursor) => Left::Inside(At { session, given, cursor }),
    };
    match found {
        Left::Inside(directory) => Ok(Answer::Ours(directory.place(name, slash))),
        Left::Outside(length) => {
            if let Some(directory) = directory_again(who, length, walk)? {
                return Ok(Answer::Ours(directory.place(name, slash)));
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
            match root_at(bytes.get(..end).unwrap_or(b""))? {
                Some(root) => Ok(Answer::Ours(root.place(Name::Root, slash))),
                None => outside(walk, end),
            }
        }
    }
}

/// The last name may be that of the tree itself, or of the border: its root.
fn root_at(path: &[u8]) -> Result<Option<At>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    if ![&given.border, &given.mount].into_iter().any(|root| below(path, root).is_some_and(is_end))
    {
        return Ok(None);
    }
    let Start::Tree { given, session, at, .. } = from_border(given, path)? else { return Ok(None) };
    Ok(Some(At { session, given, cursor: at }))
}

/// The way to a directory left the tree, with a path of `length` left to walk: the directory, if that leads back.
#[cold]
fn directory_again(who: &Identity, length: usize, walk: &mut Scratch) -> Result<Option<At>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let mut normal = Scratch::default();
    let left = walk.bytes().get(..length).unwrap_or(b"");
    let Some(path) = lead::again(left, Last::Followed, given, &mut normal)? else {
        return Ok(None);
    };
    let mut walk = Scratch::default();
    Ok(match again(from_border(given, path)?, who, true, &mut walk)? {
        Left::Inside(at) => Some(at),
        Left::Outside(_) => None,
    })
}

impl At {
    /// A name in this directory.
    fn place<'a>(self, name: Name<'a>, slash: bool) -> Place<'a> {
        let At { session, given, cursor: parent } = self;
        Place { session, given, parent, name, slash }
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
