//! Walking a path, component by component, as the kernel does it.

use super::path::{PATH_MAX, below, is_end, split_first};
use super::read::{Cursor, Tree};
use crate::attributes::{Attributes, Kind};
use crate::hash::name_hash;
use crate::image::Damaged;
use crate::name::NAME_MAX;

/// Symlinks followed before the walk gives up, as in Linux.
const LINKS_MAX: u32 = 40;

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
    /// Outside: the walk left the tree by `..` or an absolute symlink. The buffer given to the walk holds the absolute
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
    /// is followed; a trailing slash always follows and asks for a directory. `buffer` is working space of
    /// [`PATH_MAX`] bytes: it is only touched when a symlink is met.
    pub fn walk(
        &self,
        start: Cursor,
        path: &[u8],
        mount: &[u8],
        follow: bool,
        who: Option<&Credentials<'_>>,
        buffer: &mut [u8; PATH_MAX],
    ) -> Result<Found, WalkError> {
        if path.is_empty() {
            return Err(WalkError::NotFound);
        }
        if path.len() >= PATH_MAX {
            return Err(WalkError::TooLong);
        }
        let mut at = start;
        let mut links = 0;
        // Once a symlink was followed, what is left to walk is `buffer[left..]`; before that it is a suffix of `path`.
        let mut rest = path;
        let mut left = None;
        if path[0] == b'/' {
            match below(path, mount) {
                Some(inside) => (at, rest) = (self.root(), inside),
                None => return outside(path, buffer),
            }
        }
        // A change that happens meanwhile may be seen or not, as always when two things happen at once.
        let changed = !self.index.is_empty();
        let mut mode = self.mode(at)?;
        // Nearly every path is nothing but names of directories and a last one: the short loop. At the first thing
        // that is more, the long one below goes on from there.
        while let Some((name, behind)) = split_first(rest) {
            self.may_look_up(at, mode, name, who)?;
            if name[0] == b'.' && (name == b"." || name == b"..") {
                break;
            }
            let Some(next) = self.child_if(at, name, name_hash(name), changed)? else {
                return Err(WalkError::NotFound);
            };
            let next_mode = self.mode(next)?;
            match next_mode & Kind::MASK {
                DIRECTORY => {}
                SYMLINK => break,
                _ if behind.is_empty() => return Ok(Found::Node(next)),
                _ => return Err(WalkError::NotDirectory),
            }
            (at, mode, rest) = (next, next_mode, behind);
        }
        loop {
            let remaining = match left {
                None => rest,
                Some(from) => &buffer[from..],
            };
            let Some((name, behind)) = split_first(remaining) else {
                return Ok(Found::Node(at));
            };
            self.may_look_up(at, mode, name, who)?;
            let behind_len = behind.len();
            let last = is_end(behind);
            let next = match name {
                b"." => Some(at),
                b".." => match self.up(at)? {
                    Some(up) => Some(up),
                    None => return self.leave(mount, behind_len, left, rest, buffer),
                },
                _ => self.child_if(at, name, name_hash(name), changed)?,
            };
            let next = next.ok_or(WalkError::NotFound)?;
            let advance = remaining.len() - behind_len;
            let wants_directory = behind_len > 0;
            let next_mode = self.mode(next)?;
            let kind = next_mode & Kind::MASK;
            if kind == SYMLINK && (!last || follow || wants_directory) {
                links += 1;
                if links > LINKS_MAX {
                    return Err(WalkError::Loop);
                }
                // Move what is left to the end of the buffer, then put the target before it.
                let from = PATH_MAX - behind_len;
                // After a first symlink it is the end of the buffer already.
                if left.is_none() {
                    buffer[from..].copy_from_slice(&rest[rest.len() - behind_len..]);
                }
                let length = self.target_before(next, from, buffer)?;
                let start = from - length;
                left = Some(start);
                if buffer[start] == b'/' {
                    match below(&buffer[start..], mount) {
                        Some(inside) => {
                            left = Some(PATH_MAX - inside.len());
                            at = self.root();
                            mode = self.mode(at)?;
                        }
                        None => {
                            buffer.copy_within(start.., 0);
                            return Ok(Found::Outside(PATH_MAX - start));
                        }
                    }
                }
                continue;
            }
            if last && wants_directory && kind != DIRECTORY {
                return Err(WalkError::NotDirectory);
            }
            (at, mode) = (next, next_mode);
            match &mut left {
                None => rest = &rest[advance..],
                Some(from) => *from += advance,
            }
        }
    }

    /// What must hold before a name is looked up in a directory, in the kernel's order.
    #[inline(always)]
    fn may_look_up(
        &self,
        at: Cursor,
        mode: u32,
        name: &[u8],
        who: Option<&Credentials<'_>>,
    ) -> Result<(), WalkError> {
        if mode & Kind::MASK != DIRECTORY {
            return Err(WalkError::NotDirectory);
        }
        if let Some(who) = who
            && !who.may(&self.attributes(at)?, 1)
        {
            return Err(WalkError::Denied);
        }
        if name.len() > NAME_MAX {
            return Err(WalkError::TooLong);
        }
        Ok(())
    }

    /// Reads the target of a symlink so that it ends at `end` of the buffer; its length.
    fn target_before(
        &self,
        link: Cursor,
        end: usize,
        buffer: &mut [u8; PATH_MAX],
    ) -> Result<usize, WalkError> {
        let length = self.attributes(link)?.size;
        let length = usize::try_from(length).ok().filter(|&length| length > 0 && length < end);
        let start = end - length.ok_or(WalkError::TooLong)?;
        match self.read_target(link, &mut buffer[start..end])? {
            read if read == end - start => Ok(read),
            _ => Err(WalkError::Damaged(Damaged::new(
                "a symlink's target is not as long as it says",
                0,
            ))),
        }
    }

    /// The directory above; `None` above the root.
    fn up(&self, at: Cursor) -> Result<Option<Cursor>, WalkError> {
        if at.record == 0 {
            return Ok(None);
        }
        Ok(self.parent(at)?)
    }

    /// The walk goes on above the mount point.
    fn leave(
        &self,
        mount: &[u8],
        behind_len: usize,
        left: Option<usize>,
        rest: &[u8],
        buffer: &mut [u8; PATH_MAX],
    ) -> Result<Found, WalkError> {
        let above = &mount
            [..mount.iter().rposition(|&byte| byte == b'/').unwrap_or(0).max(1).min(mount.len())];
        let length = above.len() + behind_len;
        if length >= PATH_MAX {
            return Err(WalkError::TooLong);
        }
        match left {
            None => buffer[above.len()..length].copy_from_slice(&rest[rest.len() - behind_len..]),
            Some(_) => buffer.copy_within(PATH_MAX - behind_len.., above.len()),
        }
        buffer[..above.len()].copy_from_slice(above);
        Ok(Found::Outside(length))
    }
}

fn outside(path: &[u8], buffer: &mut [u8; PATH_MAX]) -> Result<Found, WalkError> {
    buffer[..path.len()].copy_from_slice(path);
    Ok(Found::Outside(path.len()))
}
