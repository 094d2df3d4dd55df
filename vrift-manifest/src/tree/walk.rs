//! Walking a path, component by component, as the kernel does it. What is more than names of directories (symlinks,
//! `.` and `..`) is in `long_walk`.

use super::long_walk::LongWalk;
use super::path::{PATH_MAX, Scratch, below, split_first};
use super::read::{Cursor, Tree};
use crate::attributes::{Attributes, Kind};
use crate::hash::name_hash;
use crate::image::Damaged;
use crate::name::NAME_MAX;

const DIRECTORY: u32 = Kind::Directory as u32;
const SYMLINK: u32 = Kind::Symlink as u32;

/// On whose behalf a path is walked.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Further groups.
    pub groups: &'a [u32],
    /// Whether permission bits are overridden (CAP_DAC_OVERRIDE).
    pub privileged: bool,
}

impl Credentials<'_> {
    /// Whether the permission bits `wanted` (of 4 read, 2 write, 1 execute or search) are granted. The privileged
    /// may do everything but execute a file that nobody may execute.
    #[inline]
    pub fn may(&self, node: &Attributes, wanted: u32) -> bool {
        if self.privileged {
            let directory = node.mode & Kind::MASK == Kind::Directory as u32;
            return wanted & 1 == 0 || directory || node.mode & 0o111 != 0;
        }
        let class = if node.uid == self.uid {
            6
        } else if node.gid == self.gid || self.groups.contains(&node.gid) {
            3
        } else {
            0
        };
        (node.mode >> class) & wanted == wanted
    }
}

/// Where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// At a node of the tree.
    Node(Cursor),
    /// Outside: the walk left the tree by `..` or an absolute symlink. The scratch space of the walk holds the absolute
    /// path that is left to walk, of this length.
    Outside(usize),
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// ENOENT.
    #[error("no such file or directory")]
    NotFound,
    /// ENOTDIR.
    #[error("not a directory")]
    NotDirectory,
    /// ELOOP.
    #[error("too many symbolic links")]
    Loop,
    /// ENAMETOOLONG.
    #[error("file name too long")]
    TooLong,
    /// EACCES.
    #[error("permission denied")]
    Denied,
    /// EIO.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

impl Tree {
    /// Walks `path` (relative, or absolute below `mount`) from `start`. `follow`: whether a symlink in the last place
    /// is followed; a trailing slash always follows and asks for a directory. `scratch` is only
    /// touched when the walk meets a symlink or leaves the tree.
    pub fn walk(
        &self,
        start: Cursor,
        path: &[u8],
        mount: &[u8],
        follow: bool,
        who: Option<&Credentials<'_>>,
        scratch: &mut Scratch,
    ) -> Result<Found, WalkError> {
        if path.is_empty() {
            return Err(WalkError::NotFound);
        }
        if path.len() >= PATH_MAX {
            return Err(WalkError::TooLong);
        }
        if path[0] != b'/' {
            return self.walk_from(start, path, mount, follow, who, scratch);
        }
        match below(path, mount) {
            Some(rest) => self.walk_from(self.root(), rest, mount, follow, who, scratch),
            None => {
                scratch.bytes()[..path.len()].copy_from_slice(path);
                Ok(Found::Outside(path.len()))
            }
        }
    }

    /// As [`Tree::walk`], of what of a path is left to walk from a node of the tree: slashes at its beginning are no more than
    /// such in its middle.
    pub fn walk_from(
        &self,
        start: Cursor,
        path: &[u8],
        mount: &[u8],
        follow: bool,
        who: Option<&Credentials<'_>>,
        scratch: &mut Scratch,
    ) -> Result<Found, WalkError> {
        let (mut at, mut rest) = (start, path);
        // A change that happens meanwhile may be seen or not, as always when two things happen at once.
        let changed = !self.index.is_empty();
        let rows = self.image.rows();
        let mut mode = self.mode_in(&rows, at)?;
        // Nearly every path is nothing but names of directories and a last one: the short loop. At the first thing
        // that is more, the long walk goes on from there.
        while let Some((name, behind)) = split_first(rest) {
            self.may_look_up(at, mode, name, who)?;
            if name[0] == b'.' && (name == b"." || name == b"..") {
                return self.walk_on(at, rest, mount, follow, who, scratch);
            }
            let Some(next) = self.child_in(&rows, at, name, name_hash(name), changed)? else {
                return Err(WalkError::NotFound);
            };
            let next_mode = self.mode_in(&rows, next)?;
            match next_mode & Kind::MASK {
                DIRECTORY => {}
                SYMLINK => {
                    return self.walk_on(at, rest, mount, follow, who, scratch);
                }
                _ if behind.is_empty() => return Ok(Found::Node(next)),
                _ => return Err(WalkError::NotDirectory),
            }
            (at, mode, rest) = (next, next_mode, behind);
        }
        Ok(Found::Node(at))
    }

    // Out of line: the short loop is to have the registers, and a small frame.
    #[inline(never)]
    fn walk_on(
        &self,
        at: Cursor,
        rest: &[u8],
        mount: &[u8],
        follow: bool,
        who: Option<&Credentials<'_>>,
        scratch: &mut Scratch,
    ) -> Result<Found, WalkError> {
        LongWalk::new(self, rest, mount, follow, who, scratch.bytes()).run(at)
    }

    /// What must hold before a name is looked up in a directory, in the kernel's order.
    #[inline(always)]
    pub(super) fn may_look_up(
        &self,
        at: Cursor,
        mode: u32,
        name: &[u8],
        who: Option<&Credentials<'_>>,
    ) -> Result<(), WalkError> {
        if mode & Kind::MASK != DIRECTORY {
            return Err(WalkError::NotDirectory);
        }
        // What everybody may search is not asked whose it is.
        if let Some(who) = who
            && mode & 0o111 != 0o111
        {
            self.may_search(at, who)?;
        }
        if name.len() > NAME_MAX {
            // In a directory that was removed no name is looked for.
            let removed = self.attributes(at)?.nlink == 0;
            return Err(if removed { WalkError::NotFound } else { WalkError::TooLong });
        }
        Ok(())
    }
    #[inline(never)]
    fn may_search(&self, at: Cursor, who: &Credentials<'_>) -> Result<(), WalkError> {
        if who.may(&self.attributes(at)?, 1) { Ok(()) } else { Err(WalkError::Denied) }
    }
}
