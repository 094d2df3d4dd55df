//! The path without symlinks, `.` and `..` that a path means: realpath.
//!
//! It goes component by component, in the tree by its nodes and outside by readlink, and may change sides by `..`, by an
//! absolute symlink, or by coming to the mount path.

use std::ffi::CStr;

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::name::{NAME_MAX, NameBuf};
use vrift_manifest::session::Session;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below, is_end, last_slash, split_first};
use vrift_manifest::tree::{Cursor, Tree};

use super::find::{self, Start};
use super::known::{self, Moment, PLAIN};
use super::lead::Last;
use super::session::Given;
use super::{above, cwd, magic, paths, session, straight, who};
use crate::sys::marked;

/// Symlinks followed at most, as in the C library.
const LINKS_MAX: usize = 40;

/// Why there is no path, and how much of one there is in the buffer: what is missing, or cannot be looked at.
pub struct Failed {
    /// The reason.
    pub errno: Errno,
    /// The length of what was resolved, with the name that failed.
    pub partial: usize,
}

impl From<Errno> for Failed {
    fn from(errno: Errno) -> Failed {
        Failed { errno, partial: 0 }
    }
}

/// Resolves `path` into `out`; its length. `None`: the path does not begin in the tree, and is the C library's.
pub fn resolve(path: &[u8], out: &mut [u8; PATH_MAX]) -> Result<Option<usize>, Failed> {
    if let Some(end) = plain(path, out) {
        return end.map(Some);
    }
    let mut normal = Scratch::default();
    let Start::Tree { given, session, at, path } =
        find::start(find::CWD, path, Last::Followed, &mut normal)?
    else {
        return outside(path, out);
    };
    let from_above = given.is_above;
    let absolute = path.first() == Some(&b'/');
    let (length, path) = match absolute {
        true => {
            let room = out.get_mut(..given.mount.len()).ok_or(Errno::NAMETOOLONG)?;
            room.copy_from_slice(&given.mount);
            (given.mount.len(), below(path, &given.mount).unwrap_or(path))
        }
        false => {
            let number = session.tree().number(at).map_err(|_| Errno::IO)?;
            (paths::of_node(given, number, out)?, path)
        }
    };
    // Outside and above the way is by names; where they lead to the mount path, the workspace's tree begins.
    let (given, session, at) = match session::given() {
        Some(given) if from_above => (given, session::session(given)?, None),
        _ => (given, session, Some(at)),
    };
    let session = Some(session);
    let mut rest = Scratch::default();
    let mut walk = Walk {
        given,
        session,
        at,
        out,
        length,
        rest: rest.bytes(),
        start: PATH_MAX,
        behind: path,
        searched: absolute,
        links: 0,
    };
    walk.end().map(Some)
}

/// The same of an absolute path outside on which there is no symlink: it is its own end, or ends with the first name that is
/// not there. One call or two for what would be one for each name, and compilers ask for each place in which a header might be.
fn plain(path: &[u8], out: &mut [u8; PATH_MAX]) -> Option<Result<usize, Failed>> {
    let given = session::given()?;
    if path.first() != Some(&b'/') || magic::may_be(path) {
        return None;
    }
    let now = Moment::now();
    // Never what was known a moment ago: it may be gone.
    let end = straight::ends(path, &given.border)?;
    out.get_mut(..path.len())?.copy_from_slice(path);
    let above = |length| last_slash(path.get(..length).unwrap_or(b"")).unwrap_or(0);
    match end {
        Ok(()) => {
            known::note(path, PLAIN, now);
            known::note(path.get(..above(path.len()))?, PLAIN, now);
            return Some(Ok(path.len()));
        }
        Err(Errno::NOENT) => {}
        Err(_) => return None,
    }
    // The kernel has met no symlink before what is missing. So what is there is a directory.
    let mut partial = path.len();
    loop {
        let end = above(partial);
        *out.get_mut(end)? = 0;
        let there = match end {
            0 => Err(Errno::INVAL),
            _ => marked::readlink(CStr::from_bytes_with_nul(out.get(..=end)?).ok()?, &mut [0; 1]),
        };
        *out.get_mut(end)? = b'/';
        match there {
            Err(Errno::INVAL) => {
                known::note(path.get(..end)?, PLAIN, now);
                return Some(Err(Failed { errno: Errno::NOENT, partial }));
            }
            Err(Errno::NOENT) => partial = end,
            _ => return None,
        }
    }
}

/// The same outside: what the C library does, by calls that a filter above lets pass untold. What is rare is left to it.
fn outside(path: &[u8], out: &mut [u8; PATH_MAX]) -> Result<Option<usize>, Failed> {
    let Some(given) = session::given().filter(|_| !path.is_empty() && !magic::may_be(path)) else {
        return Ok(None);
    };
    let length = match path.first() {
        Some(b'/') => 0,
        _ => match cwd::kernel_path(out) {
            Ok(1) => 0,
            Ok(length) if out.first() == Some(&b'/') => length,
            _ => return Ok(None),
        },
    };
    let mut rest = Scratch::default();
    let mut walk = Walk {
        given,
        session: None,
        at: None,
        out,
        length,
        rest: rest.bytes(),
        start: PATH_MAX,
        behind: path,
        searched: true,
        links: 0,
    };
    match walk.end() {
        Ok(length) => Ok(Some(length)),
        Err(failed) => match failed.errno {
            Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::LOOP => Err(failed),
            _ => Ok(None),
        },
    }
}

struct Walk<'a> {
    given: &'static Given,
    /// Known as soon as it is in the tree.
    session: Option<&'static Session>,
    /// Where it is; none: outside the tree.
    at: Option<Cursor>,
    /// The path so far; that of the root is empty.
    out: &'a mut [u8; PATH_MAX],
    length: usize,
    /// What is left to walk of symlinks, at the end of the room.
    rest: &'a mut [u8; PATH_MAX],
    start: usize,
    /// What is left of the path, which may be longer than any that the kernel takes.
    behind: &'a [u8],
    /// All directories above may be searched. The C library walks by whole paths, from the root.
    searched: bool,
    links: usize,
}

impl Walk<'_> {
    /// Goes all the way; the length of the path there.
    fn end(&mut self) -> Result<usize, Failed> {
        match self.run() {
            Ok(()) if self.length == 0 => {
                self.push_slash()?;
                Ok(1)
            }
            Ok(()) => Ok(self.length),
            Err(errno) => Err(Failed { errno, partial: self.length }),
        }
    }

    fn tree(&mut self) -> Result<&'static Tree, Errno> {
        let session = match self.session {
            Some(session) => session,
            None => session::session(self.given)?,
        };
        self.session = Some(session);
        Ok(session.tree())
    }

    fn run(&mut self) -> Result<(), Errno> {
        let mut wants_directory = false;
        loop {
            let rest = self.rest.get(self.start..).unwrap_or(b"");
            let (name, rest, behind) = match split_first(rest) {
                Some((name, rest)) => (name, rest, self.behind),
                None => match split_first(self.behind) {
                    Some((name, behind)) => (name, &b""[..], behind),
                    None => break,
                },
            };
            let is_last = is_end(rest) && is_end(behind);
            wants_directory |= is_last && !(rest.is_empty() && behind.is_empty());
            (self.start, self.behind) = (PATH_MAX - rest.len(), behind);
            let is_too_long = name.len() > NAME_MAX;
            let name = NameBuf::of(name.get(..NAME_MAX).unwrap_or(name));
            if is_too_long {
                // Looked for all the same, for what else is wrong comes first.
                match self.at {
                    Some(at) => self.search(at)?,
                    None => self.step_outside(&[b'n'; NAME_MAX + 1])?,
                }
                return Err(Errno::NAMETOOLONG);
            }
            match self.at {
                Some(at) => self.step_inside(at, &name)?,
                None => self.step_outside(&name)?,
            }
        }
        if wants_directory { self.need_directory() } else { Ok(()) }
    }

    fn step_inside(&mut self, at: Cursor, name: &[u8]) -> Result<(), Errno> {
        let tree = self.tree()?;
        if tree.kind(at).map_err(|_| Errno::IO)? != Kind::Directory {
            return Err(Errno::NOTDIR);
        }
        if name == b"." || name == b".." {
            // Not searched: the C library takes them back by name.
            if name == b".." {
                self.at = if at == tree.root() {
                    None
                } else {
                    Some(tree.parent(at).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?)
                };
                self.pop();
            }
            return Ok(());
        }
        let above = self.length;
        self.push(name)?;
        self.search(at)?;
        let child = tree.child(at, name).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
        if tree.kind(child).map_err(|_| Errno::IO)? != Kind::Symlink {
            self.at = Some(child);
            return Ok(());
        }
        let mut target = Scratch::default();
        let target = target.bytes();
        let length = tree.read_target(child, target).map_err(|_| Errno::IO)?;
        self.length = above;
        self.follow(target.get(..length).unwrap_or(b""))
    }

    /// Whether names may be looked for here.
    fn search(&mut self, at: Cursor) -> Result<(), Errno> {
        let attributes = self.tree()?.attributes(at).map_err(|_| Errno::IO)?;
        if Kind::of_mode(attributes.mode) != Some(Kind::Directory) {
            return Err(Errno::NOTDIR);
        }
        who::credentials().need(&attributes, 1)?;
        if self.searched { Ok(()) } else { self.search_above(at) }
    }

    #[cold]
    fn search_above(&mut self, mut at: Cursor) -> Result<(), Errno> {
        let tree = self.tree()?;
        while at != tree.root() {
            at = tree.parent(at).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
            who::credentials().need(&tree.attributes(at).map_err(|_| Errno::IO)?, 1)?;
        }
        self.searched = true;
        Ok(())
    }

    fn step_outside(&mut self, name: &[u8]) -> Result<(), Errno> {
        if name == b"." {
            return self.need_directory();
        }
        if name == b".." {
            self.need_directory()?;
            self.pop();
            return Ok(());
        }
        let above = self.length;
        self.push(name)?;
        if self.out.get(..self.length) == Some(&self.given.mount[..]) {
            self.at = Some(self.tree()?.root());
            return Ok(());
        }
        if self.is_above() {
            return Ok(());
        }
        let mut target = Scratch::default();
        let target = target.bytes();
        match marked::readlink(self.text()?, target) {
            Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(errno),
            Ok(length) => {
                self.length = above;
                self.follow(target.get(..length).unwrap_or(b""))
            }
        }
    }

    /// Whether `out` says a directory above the tree that is not on the disk.
    fn is_above(&self) -> bool {
        above::is_one(self.given, self.out.get(..self.length).unwrap_or(b""))
    }

    /// Goes on with the target of a symlink in the directory that `out` says.
    fn follow(&mut self, target: &[u8]) -> Result<(), Errno> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::LOOP);
        }
        self.wait(target)?;
        if target.first() != Some(&b'/') {
            return Ok(());
        }
        (self.length, self.at) = (0, None);
        if let Some(inside) = below(target, &self.given.mount) {
            // Nothing on the way to the mount path is a symlink: it was made canonical.
            self.start += target.len() - inside.len();
            self.length = self.given.mount.len();
            self.out
                .get_mut(..self.length)
                .ok_or(Errno::NAMETOOLONG)?
                .copy_from_slice(&self.given.mount);
            self.at = Some(self.tree()?.root());
        }
        Ok(())
    }

    /// What `out` says must be a directory: a slash or a dot stood behind it.
    fn need_directory(&mut self) -> Result<(), Errno> {
        let is_one = match self.at {
            Some(at) => self.tree()?.kind(at).map_err(|_| Errno::IO)? == Kind::Directory,
            None if self.length == 0 || self.is_above() => true,
            None => {
                let mode = marked::mode(self.text()?)?;
                Kind::of_mode(mode) == Some(Kind::Directory)
            }
        };
        if is_one { Ok(()) } else { Err(Errno::NOTDIR) }
    }

    /// Puts a path before what is left.
    fn wait(&mut self, path: &[u8]) -> Result<(), Errno> {
        let start = self.start.checked_sub(path.len()).ok_or(Errno::NAMETOOLONG)?;
        self.rest.get_mut(start..self.start).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(path);
        self.start = start;
        Ok(())
    }

    fn push_slash(&mut self) -> Result<(), Errno> {
        *self.out.get_mut(self.length).ok_or(Errno::NAMETOOLONG)? = b'/';
        self.length += 1;
        Ok(())
    }

    fn push(&mut self, name: &[u8]) -> Result<(), Errno> {
        let end = self.length + 1 + name.len();
        if end >= PATH_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        self.push_slash()?;
        self.out.get_mut(self.length..end).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(name);
        self.length = end;
        Ok(())
    }

    fn pop(&mut self) {
        let text = self.out.get(..self.length).unwrap_or(b"");
        self.length = text.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    }

    /// The path so far, for the kernel.
    fn text(&mut self) -> Result<&CStr, Errno> {
        *self.out.get_mut(self.length).ok_or(Errno::NAMETOOLONG)? = 0;
        let text = self.out.get(..=self.length).ok_or(Errno::NAMETOOLONG)?;
        CStr::from_bytes_with_nul(text).map_err(|_| Errno::NOENT)
    }
}
