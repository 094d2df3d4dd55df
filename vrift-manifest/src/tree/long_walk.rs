//! The long way to walk: symlinks, `.` and `..`.
//!
//! As in the kernel, a symlink in the middle leaves the rest of its path waiting until the target is walked. What waits
//! is remembered as "this link's target, from here on" and read again when its turn comes (a target never changes), so
//! forty links of any length need one buffer and no memory.

use super::path::{PATH_MAX, below, is_end, split_first};
use super::read::{Cursor, Tree};
use super::walk::{Credentials, Found, WalkError};
use crate::attributes::Kind;
use crate::hash::name_hash;
use crate::image::Damaged;

/// Symlinks followed before the walk gives up, as in Linux.
const LINKS_MAX: usize = 40;

/// A text being walked, and how far it is.
#[derive(Clone, Copy)]
struct Place {
    /// The symlink whose target it is; `None`: the path that was asked for.
    link: Option<Cursor>,
    /// The next byte.
    at: usize,
}

/// A walk with everything that can happen on the way.
pub(super) struct LongWalk<'a> {
    tree: &'a Tree,
    path: &'a [u8],
    mount: &'a [u8],
    follow: bool,
    who: Option<&'a Credentials<'a>>,
    /// Holds the target of the link in `here`, of this length.
    buffer: &'a mut [u8; PATH_MAX],
    length: usize,
    here: Place,
    waiting: [Place; LINKS_MAX],
    depth: usize,
    links: usize,
    /// A slash behind the last name asked for a directory, however far it leads from there.
    directory: bool,
    /// Above the tree, by `..` or an absolute symlink: in the directory whose path is the mount path's first so many bytes.
    /// Such a directory is known by name, for the mount path has no symlinks: a walk that comes back goes on in the tree.
    above: Option<usize>,
}

impl<'a> LongWalk<'a> {
    pub(super) fn new(
        tree: &'a Tree,
        path: &'a [u8],
        mount: &'a [u8],
        follow: bool,
        who: Option<&'a Credentials<'a>>,
        buffer: &'a mut [u8; PATH_MAX],
    ) -> LongWalk<'a> {
        let here = Place { link: None, at: 0 };
        let waiting = [here; LINKS_MAX];
        LongWalk {
            tree,
            path,
            mount,
            follow,
            who,
            buffer,
            length: 0,
            here,
            waiting,
            depth: 0,
            links: 0,
            directory: false,
            above: None,
        }
    }

    pub(super) fn run(mut self, start: Cursor) -> Result<Found, WalkError> {
        let mut at = start;
        loop {
            let rest = self.rest();
            let Some((name, behind)) = split_first(rest) else {
                match self.above {
                    _ if self.depth > 0 => self.resume()?,
                    None => return Ok(Found::Node(at)),
                    Some(above) => return self.leave(above),
                }
                continue;
            };
            if let Some(above) = self.above {
                let Some(next) = self.step_above(above, name) else { return self.leave(above) };
                let (slash, advance) = (!behind.is_empty(), rest.len() - behind.len());
                self.here.at += advance;
                self.directory |= slash && self.depth == 0 && is_end(self.rest());
                self.above = (next < self.mount.len()).then_some(next);
                at = self.tree.root();
                continue;
            }
            self.tree.may_look_up(at, self.tree.mode(at)?, name, self.who)?;
            let ended = is_end(behind);
            let last = ended && self.depth == 0;
            let slash = last && !behind.is_empty();
            let advance = rest.len() - behind.len();
            let next = match name {
                b"." => Some(at),
                b".." if at == self.tree.root() => {
                    self.here.at += advance;
                    self.directory |= slash;
                    self.above = Some(self.above(self.mount.len()));
                    continue;
                }
                b".." => self.tree.parent(at)?,
                _ => self.tree.child_hashed(at, name, name_hash(name))?,
            };
            let next = next.ok_or(WalkError::NotFound)?;
            self.here.at += advance;
            // A slash behind the last name asks for a directory, through symlinks if need be.
            if slash {
                (self.follow, self.directory) = (true, true);
            }
            let kind = self.tree.kind(next)?;
            if kind == Kind::Symlink && (!last || self.follow) {
                self.enter(next, ended, &mut at)?;
                continue;
            }
            if last && self.directory && kind != Kind::Directory {
                return Err(WalkError::NotDirectory);
            }
            at = next;
        }
    }

    /// What is left of the text being walked.
    fn rest(&self) -> &[u8] {
        let text = match self.here.link {
            None => self.path,
            Some(_) => &self.buffer[..self.length],
        };
        text.get(self.here.at..).unwrap_or(&[])
    }

    /// Goes on with the target of `link`; what was being walked waits, unless it has `ended`.
    fn enter(&mut self, link: Cursor, ended: bool, at: &mut Cursor) -> Result<(), WalkError> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(WalkError::Loop);
        }
        if !ended {
            // At most one a link followed, so there is room.
            self.waiting[self.depth] = self.here;
            self.depth += 1;
        }
        self.read(Place { link: Some(link), at: 0 })?;
        if self.buffer[0] != b'/' {
            return Ok(());
        }
        match below(&self.buffer[..self.length], self.mount) {
            Some(inside) => {
                self.here.at = self.length - inside.len();
                *at = self.tree.root();
            }
            None => self.above = Some(0),
        }
        Ok(())
    }

    /// Goes back to the text that waited last.
    fn resume(&mut self) -> Result<(), WalkError> {
        self.depth -= 1;
        self.read(self.waiting[self.depth])
    }

    fn read(&mut self, place: Place) -> Result<(), WalkError> {
        self.here = place;
        if let Some(link) = place.link {
            self.length = self.tree.read_target(link, &mut self.buffer[..])?;
            if self.length == 0 {
                return Err(Damaged::new("a symlink has no target", 0).into());
            }
        }
        Ok(())
    }

    /// Where a name leads from a directory above the tree, if to another such or into the tree.
    fn step_above(&self, above: usize, name: &[u8]) -> Option<usize> {
        match name {
            b"." => Some(above),
            b".." => Some(self.above(above)),
            name => {
                let below = self.mount.get(above..)?.strip_prefix(b"/")?;
                let behind = below.strip_prefix(name)?;
                is_component_end(behind).then(|| self.mount.len() - behind.len())
            }
        }
    }

    /// The directory above one that is above the tree, as the length of its path; 0 for the root.
    fn above(&self, length: usize) -> usize {
        let path = self.mount.get(..length).unwrap_or(b"");
        path.iter().rposition(|&byte| byte == b'/').unwrap_or(0)
    }

    /// What is left to walk is outside the tree, from a directory above it.
    fn leave(&mut self, above: usize) -> Result<Found, WalkError> {
        let prefix = self.mount.get(..above).unwrap_or(b"");
        let rest = self.rest().len();
        let joint = usize::from(self.rest().first() != Some(&b'/'));
        let start = prefix.len() + joint;
        if start + rest >= PATH_MAX {
            return Err(WalkError::TooLong);
        }
        match self.here.link {
            None => {
                self.buffer[start..][..rest].copy_from_slice(&self.path[self.path.len() - rest..]);
            }
            Some(_) => self.buffer.copy_within(self.length - rest..self.length, start),
        }
        self.buffer[..prefix.len()].copy_from_slice(prefix);
        self.buffer[prefix.len()..start].fill(b'/');
        self.length = start + rest;
        self.outside()
    }

    /// The buffer holds an absolute path outside: what waits goes behind it.
    #[cold]
    fn outside(&mut self) -> Result<Found, WalkError> {
        let mut target = [0; PATH_MAX];
        while self.depth > 0 {
            self.depth -= 1;
            let Place { link, at } = self.waiting[self.depth];
            let text = match link {
                Some(link) => {
                    let length = self.tree.read_target(link, &mut target)?;
                    &target[..length]
                }
                None => self.path,
            };
            self.append(text.get(at..).unwrap_or(&[]))?;
        }
        if self.directory && !self.buffer[..self.length].ends_with(b"/") {
            self.append(b"/")?;
        }
        if self.length < PATH_MAX {
            Ok(Found::Outside(self.length))
        } else {
            Err(WalkError::TooLong)
        }
    }

    fn append(&mut self, text: &[u8]) -> Result<(), WalkError> {
        let room = self.buffer.get_mut(self.length..self.length + text.len());
        room.ok_or(WalkError::TooLong)?.copy_from_slice(text);
        self.length += text.len();
        Ok(())
    }
}

/// Whether a component ends where this begins.
fn is_component_end(path: &[u8]) -> bool {
    matches!(path.first(), None | Some(b'/'))
}
