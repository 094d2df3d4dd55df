//! Paths that begin outside and lead into the tree all the same: over symlinks, with `..`, `.` or doubled slashes, or from a
//! directory above it.
//!
//! The kernel would follow such a path to what really lies at the mount path: nothing, or something that is not meant. So
//! it is walked here, component by component, as the kernel walks it. What was seen is known for a moment: see `known`.

use std::ffi::{CStr, c_int};

use rustix::io::Errno;
use vrift_manifest::name::NAME_MAX;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below, is_end, last_slash, split_first};

use super::known::{self, APART, APART_FROM_CWD, DIRECTORY, MISSING, Moment, PLAIN};
use super::session::{self, Given};
use super::straight::{self, Way};
use super::{cwd, descriptor, lexical, magic};
use crate::sys::{apart, marked};

/// Whether a symlink in the last place is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// It is.
    Followed,
    /// What has the name is meant; a slash behind it follows it.
    Itself,
    /// The name is meant, whatever stands behind it.
    Name,
}

/// Symlinks followed at most, as in the kernel.
const LINKS_MAX: usize = 40;

/// The part of a path that decides whether it leads in: all of it, or the way to its last name.
#[inline]
fn deciding(path: &[u8], last: Last) -> &[u8] {
    let end = match last {
        Last::Followed => return path,
        Last::Itself => path.len(),
        Last::Name => path.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1),
    };
    let name = path.get(..end).unwrap_or(path);
    let slash = last_slash(name);
    match name.get(slash.map_or(0, |slash| slash + 1)..) {
        Some(b"" | b"." | b"..") => path,
        _ => path.get(..slash.unwrap_or(0)).unwrap_or(path),
    }
}

/// Whether an absolute path is known to be the kernel's, as it stands. Asked first by the calls that are made most, because it
/// is nearly free; who is told no goes the way of all calls.
#[inline(never)]
pub fn stays_outside(path: &[u8], last: Last) -> bool {
    let Some(given) = session::given() else { return true };
    // What a process holds may be of the tree.
    if path.first() != Some(&b'/') || magic::may_be(path) || below(path, &given.border).is_some() {
        return false;
    }
    let part = deciding(path, last);
    part.is_empty() || known::is_apart(part, Moment::now())
}

/// The path into the tree that an absolute path means which does not say so; `None`: it stays outside.
#[inline]
pub fn absolute<'a>(
    path: &[u8],
    last: Last,
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    let part = deciding(path, last);
    let now = Moment::now();
    if part.is_empty() || known::is_apart(part, now) {
        return Ok(None);
    }
    if path.starts_with(b"/proc/") || path.starts_with(b"/dev/fd/") {
        return lexical::by_descriptor(path, given, normal);
    }
    match straight::way(path, part, &given.border) {
        None => {}
        Some(Way::Beside) => return Ok(None),
        Some(way) => {
            known::note(part, if way == Way::Plain { PLAIN } else { APART }, now);
            return Ok(None);
        }
    }
    let found = walk(0, path, last, given, normal);
    // Mostly the walk itself has noted more.
    if found == Lead::Apart && !known::is(part, PLAIN, now) {
        known::note(part, APART, now);
    }
    Ok(found.path(normal))
}

/// Where a walk left the tree, with this absolute path left to walk: the path at or below the border that it means, if it
/// does.
pub fn again<'a>(
    left: &[u8],
    last: Last,
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    if below(left, &given.border).is_none() {
        return absolute(left, last, given, normal);
    }
    let room = normal.bytes().get_mut(..left.len()).ok_or(Errno::NAMETOOLONG)?;
    room.copy_from_slice(left);
    Ok(Some(room))
}

/// The same for a path relative to the working directory, which is outside; `above`: of the tree.
#[inline]
pub fn below_cwd<'a>(
    path: &[u8],
    last: Last,
    above: bool,
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    let part = deciding(path, last);
    if part.is_empty() && !above {
        return Ok(None);
    }
    // A vfork child may be elsewhere than its parent, whose notes these are; or a thread than others.
    let child = apart::directories();
    let now = Moment::now();
    let whole = if above { path } else { part };
    if !child && known::is(whole, APART_FROM_CWD, now) {
        return Ok(None);
    }
    let Ok(length) = cwd::kernel_path(normal.bytes()) else { return Ok(None) };
    let found = walk(length, path, last, given, normal);
    if found == Lead::Apart && !child {
        known::note(whole, APART_FROM_CWD, now);
    }
    Ok(found.path(normal))
}

/// The same for a path relative to a directory that is outside.
pub fn below_descriptor<'a>(
    directory: c_int,
    path: &[u8],
    last: Last,
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    // The names of nearly all calls are plain, and neither that of a link nor one on the way to the tree.
    let Some((first, behind)) = split_first(path) else { return Ok(None) };
    if behind.is_empty() && first != b".." && !lexical::has(&given.mount, first) {
        let is_link = || {
            let mut target = [0; 1];
            let directory = descriptor::borrow(directory)?;
            rustix::fs::readlinkat_raw(directory, first, &mut target[..])
        };
        if last == Last::Itself || is_link().is_err() {
            return Ok(None);
        }
    }
    let Some(length) = descriptor::path(directory, normal.bytes()) else { return Ok(None) };
    Ok(walk(length, path, last, given, normal).path(normal))
}

/// Where a walk outside leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// To the border: the path there has so many bytes.
    Inside(usize),
    /// To the directory of the border, where another last name would have led to it.
    Beside,
    /// Elsewhere, or nowhere.
    Apart,
}

impl Lead {
    fn path(self, normal: &mut Scratch) -> Option<&[u8]> {
        match self {
            Lead::Inside(length) => normal.bytes().get(..length),
            Lead::Beside | Lead::Apart => None,
        }
    }
}

/// A walk outside.
struct Walk<'a> {
    /// Where it is; the root's path is empty.
    out: &'a mut [u8; PATH_MAX],
    length: usize,
    /// What is left to walk, at the end of the room.
    rest: &'a mut [u8; PATH_MAX],
    start: usize,
}

/// Walks `path` from the directory whose path has `length` bytes in `normal`. What is wrong with a path is the kernel's to
/// say.
#[cold]
#[inline(never)]
fn walk(
    length: usize,
    path: &[u8],
    last: Last,
    given: &'static Given,
    normal: &mut Scratch,
) -> Lead {
    // The root's slash comes with the next name.
    let length = if length == 1 { 0 } else { length };
    let out = normal.bytes();
    let mut rest = Scratch::default();
    let mut walk = Walk { out, length, rest: rest.bytes(), start: PATH_MAX };
    walk.wait(path).and_then(|()| walk.run(last, given)).unwrap_or(Lead::Apart)
}

impl Walk<'_> {
    fn run(&mut self, last: Last, given: &'static Given) -> Result<Lead, Errno> {
        let now = Moment::now();
        let mut links = 0;
        let mut directory = false;
        let mut target = Scratch::default();
        loop {
            let rest = self.rest.get(self.start..).unwrap_or(b"");
            let Some((name, behind)) = split_first(rest) else { return Ok(Lead::Apart) };
            let (length, behind) = (name.len(), behind.len());
            let ended = is_end(rest.get(rest.len() - behind..).unwrap_or(b""));
            self.start = PATH_MAX - behind;
            match name {
                b"." => continue,
                b".." => {
                    if !self.is_directory(given, now) {
                        return Ok(Lead::Apart);
                    }
                    self.pop();
                    continue;
                }
                _ if length > NAME_MAX => return Ok(Lead::Apart),
                _ => self.push(self.start - length, length)?,
            }
            directory |= ended && behind > 0;
            let here = self.out.get(..self.length).unwrap_or(b"");
            if here == given.border {
                return self.arrive(directory).map(Lead::Inside);
            }
            if ended && (last == Last::Name || last == Last::Itself && behind == 0) {
                let beside = directory_of(here) == directory_of(&given.border);
                return Ok(if beside { Lead::Beside } else { Lead::Apart });
            }
            // What a process holds is told by other means.
            if here == b"/proc" {
                return Ok(Lead::Apart);
            }
            if known::is(here, PLAIN, now) {
                continue;
            }
            if known::is(here, MISSING, now) {
                return Ok(Lead::Apart);
            }
            let target = target.bytes();
            match marked::readlink(self.text()?, target) {
                Ok(_) if links == LINKS_MAX => return Ok(Lead::Apart),
                Ok(length) => {
                    links += 1;
                    self.follow(target.get(..length).unwrap_or(b""))?;
                }
                Err(Errno::INVAL) => known::note(self.here(), PLAIN, now),
                Err(_) => {
                    known::note(self.here(), MISSING, now);
                    return Ok(Lead::Apart);
                }
            }
        }
    }

    /// The path of where it is.
    fn here(&self) -> &[u8] {
        self.out.get(..self.length).unwrap_or(b"")
    }

    /// Goes on with the target of the link that was met.
    fn follow(&mut self, target: &[u8]) -> Result<(), Errno> {
        self.wait(target)?;
        if target.first() == Some(&b'/') {
            self.length = 0;
        } else {
            self.pop();
        }
        Ok(())
    }

    /// The border is met: what is left is as it was, for what it means from here on is the tree's to say.
    fn arrive(&mut self, directory: bool) -> Result<usize, Errno> {
        let rest = self.rest.get(self.start..).unwrap_or(b"");
        let end = self.length + rest.len();
        let room = self.out.get_mut(self.length..end).filter(|_| end < PATH_MAX);
        room.ok_or(Errno::NAMETOOLONG)?.copy_from_slice(rest);
        self.length = end;
        if directory && self.out.get(end.wrapping_sub(1)) != Some(&b'/') {
            *self.out.get_mut(end).filter(|_| end + 1 < PATH_MAX).ok_or(Errno::NAMETOOLONG)? = b'/';
            self.length += 1;
        }
        Ok(self.length)
    }

    /// Puts a path before what is left.
    fn wait(&mut self, path: &[u8]) -> Result<(), Errno> {
        let slash = self.start < PATH_MAX && self.rest.get(self.start) != Some(&b'/');
        let start = self.start.checked_sub(path.len() + usize::from(slash));
        let start = start.ok_or(Errno::NAMETOOLONG)?;
        let room = self.rest.get_mut(start..self.start).ok_or(Errno::NAMETOOLONG)?;
        let (text, joint) = room.split_at_mut_checked(path.len()).ok_or(Errno::NAMETOOLONG)?;
        text.copy_from_slice(path);
        joint.fill(b'/');
        self.start = start;
        Ok(())
    }

    /// Goes on to the name that stands at this place of what was left.
    fn push(&mut self, at: usize, length: usize) -> Result<(), Errno> {
        let end = self.length + 1 + length;
        let name = self.rest.get(at..at + length).ok_or(Errno::NAMETOOLONG)?;
        let room = self.out.get_mut(self.length..end).filter(|_| end < PATH_MAX);
        let (slash, text) =
            room.and_then(|room| room.split_at_mut_checked(1)).ok_or(Errno::NAMETOOLONG)?;
        slash.fill(b'/');
        text.copy_from_slice(name);
        self.length = end;
        Ok(())
    }

    /// Whether there is a directory where it is; those above the tree are, on the disk or not.
    fn is_directory(&mut self, given: &'static Given, now: Moment) -> bool {
        let here = self.out.get(..self.length).unwrap_or(b"");
        if here.is_empty() || below(&given.mount, here).is_some() || known::is(here, DIRECTORY, now)
        {
            return true;
        }
        let mode = self.text().and_then(marked::mode);
        let is_one = mode.is_ok_and(|mode| mode & 0o170_000 == 0o040_000);
        if is_one {
            known::note(self.here(), DIRECTORY, now);
        }
        is_one
    }

    fn pop(&mut self) {
        let text = self.out.get(..self.length).unwrap_or(b"");
        self.length = text.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    }

    /// Where it is, for the kernel.
    fn text(&mut self) -> Result<&CStr, Errno> {
        *self.out.get_mut(self.length).ok_or(Errno::NAMETOOLONG)? = 0;
        let text = self.out.get(..=self.length).ok_or(Errno::NAMETOOLONG)?;
        CStr::from_bytes_with_nul(text).map_err(|_| Errno::NOENT)
    }
}

/// The path of the directory in which a path's last name is.
fn directory_of(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    path.get(..end).unwrap_or(b"")
}
