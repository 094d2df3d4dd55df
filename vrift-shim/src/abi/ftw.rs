//! ftw(3) and nftw(3): the C library walks by itself and would see nothing of the tree, so that this walks as it does, by
//! the names that are hooked.
//!
//! Names are read before what they stand for is looked at, and the stream is closed: a walk holds few descriptors
//! however deep it is. Only with FTW_CHDIR a stream stays open, to come back by.

use std::ffi::c_int;

use libc::stat as Stat;
use rustix::io::Errno;

use super::args::{CPath, Out, fail};
use super::{cwd, directory, open, stat};
use crate::sys::streams::Directory;
use crate::sys::{errno, fd, zeroed};
use crate::vfs::{reach, session};

/// What nftw says of where it is.
#[repr(C)]
pub struct Ftw {
    base: c_int,
    level: c_int,
}

type Told = Option<extern "C" fn(CPath, *const Stat, c_int) -> c_int>;
type ToldMore = Option<extern "C" fn(CPath, *const Stat, c_int, *mut Ftw) -> c_int>;

/// Whom to tell.
#[derive(Clone, Copy)]
enum Whom {
    Ftw(extern "C" fn(CPath, *const Stat, c_int) -> c_int),
    Nftw(extern "C" fn(CPath, *const Stat, c_int, *mut Ftw) -> c_int),
}

/// What something is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    File,
    Directory,
    Unreadable,
    Unknown,
    Symlink,
    DirectoryAfter,
    SymlinkToNowhere,
}

const PHYS: c_int = 1;
const MOUNT: c_int = 2;
const CHDIR: c_int = 4;
const DEPTH: c_int = 8;
const ACTIONRETVAL: c_int = 16;

const STOP: c_int = 1;
const SKIP_SUBTREE: c_int = 2;
const SKIP_SIBLINGS: c_int = 3;

struct Walk {
    whom: Whom,
    flags: c_int,
    /// The path, and a NUL.
    path: Vec<u8>,
    at: Ftw,
    device: u64,
    /// Directories that were seen, where symlinks are followed.
    seen: Vec<(u64, u64)>,
}

/// A failure that is the walk's own, and is told by errno.
const FAILED: c_int = -1;

fn walk(path: &[u8], whom: Whom, flags: c_int) -> c_int {
    if path.is_empty() {
        return fail(Errno::NOENT);
    }
    let end = path.iter().rposition(|&byte| byte != b'/').map_or(1, |at| at + 1);
    let mut text = path.get(..end).unwrap_or(path).to_vec();
    let base = text.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    let base = if base == text.len() { 0 } else { base };
    text.push(0);
    let at = Ftw { base: base as c_int, level: 0 };
    let mut walk = Walk { whom, flags, path: text, at, device: 0, seen: Vec::new() };
    if flags & CHDIR == 0 {
        return walk.begin();
    }
    let back = open::open(CPath::of(c"."), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC, 0);
    if back < 0 {
        return FAILED;
    }
    let result = match walk.enter_first(base) {
        0 => walk.begin(),
        failed => failed,
    };
    errno::kept(|| {
        cwd::fchdir(back);
        let _ = fd::close_owned(back);
    });
    result
}

impl Walk {
    /// With FTW_CHDIR: goes to where the first name is.
    fn enter_first(&mut self, base: usize) -> c_int {
        if base == 0 {
            return 0;
        }
        let mut above = self.path.get(..base.saturating_sub(1).max(1)).unwrap_or(b"/").to_vec();
        above.push(0);
        cwd::chdir(text(&above))
    }

    fn begin(&mut self) -> c_int {
        let mut seen = zeroed::stat();
        let result = if self.look(self.flags & PHYS == 0, &mut seen) == 0 {
            if is(&seen, libc::S_IFDIR) {
                self.device = seen.st_dev;
                self.seen.push((seen.st_dev, seen.st_ino));
                self.directory(&seen, None)
            } else {
                let link = is(&seen, libc::S_IFLNK);
                self.tell(&seen, if link { What::Symlink } else { What::File })
            }
        } else {
            let to_nowhere = self.flags & PHYS == 0
                && errno::get() == libc::ENOENT
                && self.look(false, &mut seen) == 0
                && is(&seen, libc::S_IFLNK);
            if to_nowhere { self.tell(&seen, What::SymlinkToNowhere) } else { FAILED }
        };
        let skip = matches!(result, SKIP_SUBTREE | SKIP_SIBLINGS);
        if self.flags & ACTIONRETVAL != 0 && skip { 0 } else { result }
    }

    /// The path as it is reached from the working directory.
    fn reached(&self) -> CPath {
        let from = if self.flags & CHDIR != 0 { self.at.base as usize } else { 0 };
        text(self.path.get(from..).unwrap_or(b"\0"))
    }

    fn look(&self, follow: bool, seen: &mut Stat) -> c_int {
        let look = if follow { stat::stat } else { stat::lstat };
        look(self.reached(), Out::of(seen))
    }

    fn tell(&mut self, seen: &Stat, what: What) -> c_int {
        let path = text(&self.path);
        match self.whom {
            Whom::Ftw(told) => told(path, seen, what.for_ftw()),
            Whom::Nftw(told) => told(path, seen, what as c_int, &mut self.at),
        }
    }

    /// A directory and all below it. `back`: with FTW_CHDIR, where to return to.
    fn directory(&mut self, seen: &Stat, back: Option<Directory>) -> c_int {
        let stream = directory::opendir(self.reached());
        if stream.0.is_null() {
            let denied = errno::get() == libc::EACCES;
            return if denied { self.tell(seen, What::Unreadable) } else { FAILED };
        }
        let mut result = match self.flags & DEPTH {
            0 => self.tell(seen, What::Directory),
            _ => 0,
        };
        if result == 0 && self.flags & CHDIR != 0 {
            result = cwd::fchdir(directory::dirfd(stream));
        }
        if result != 0 {
            errno::kept(|| directory::closedir(stream));
            return result;
        }
        let keeps = self.flags & CHDIR != 0;
        let names = names_of(stream);
        if !keeps {
            errno::kept(|| directory::closedir(stream));
        }
        let result = match names {
            Some(names) => self.entries(&names, keeps.then_some(stream)),
            None => FAILED,
        };
        let result = match result {
            0 if self.flags & DEPTH != 0 => self.tell(seen, What::DirectoryAfter),
            result => result,
        };
        if !keeps {
            return result;
        }
        errno::kept(|| directory::closedir(stream));
        let goes_on =
            result == 0 || self.flags & ACTIONRETVAL != 0 && result != FAILED && result != STOP;
        match back {
            Some(back) if goes_on && cwd::fchdir(directory::dirfd(back)) != 0 => FAILED,
            _ => result,
        }
    }

    fn entries(&mut self, names: &[u8], stream: Option<Directory>) -> c_int {
        let (length, base) = (self.path.len(), self.at.base);
        let root = self.path == b"/\0";
        self.at.level += 1;
        let mut result = 0;
        for name in names.split_inclusive(|&byte| byte == 0) {
            self.path.truncate(length - 1);
            if !root {
                self.path.push(b'/');
            }
            self.at.base = self.path.len() as c_int;
            self.path.extend_from_slice(name);
            result = self.entry(stream);
            if result != 0 {
                break;
            }
        }
        self.path.truncate(length - 1);
        self.path.push(0);
        (self.at.level, self.at.base) = (self.at.level - 1, base);
        if self.flags & ACTIONRETVAL != 0 && result == SKIP_SIBLINGS { 0 } else { result }
    }

    fn entry(&mut self, stream: Option<Directory>) -> c_int {
        let follow = self.flags & PHYS == 0;
        let mut seen = zeroed::stat();
        let what = if self.look(follow, &mut seen) == 0 {
            match seen.st_mode & libc::S_IFMT {
                libc::S_IFDIR => What::Directory,
                libc::S_IFLNK => What::Symlink,
                _ => What::File,
            }
        } else if !matches!(errno::get(), libc::EACCES | libc::ENOENT) {
            return FAILED;
        } else if follow && self.look(false, &mut seen) == 0 && is(&seen, libc::S_IFLNK) {
            What::SymlinkToNowhere
        } else {
            What::Unknown
        };
        if what != What::Unknown && self.flags & MOUNT != 0 && seen.st_dev != self.device {
            return 0;
        }
        let result = match what {
            What::Directory => {
                let identity = (seen.st_dev, seen.st_ino);
                if follow && self.seen.contains(&identity) {
                    0
                } else {
                    if follow {
                        self.seen.push(identity);
                    }
                    self.directory(&seen, stream)
                }
            }
            what => self.tell(&seen, what),
        };
        if self.flags & ACTIONRETVAL != 0 && result == SKIP_SUBTREE { 0 } else { result }
    }
}

impl What {
    /// The older function knows less.
    fn for_ftw(self) -> c_int {
        (match self {
            What::Symlink => What::File,
            What::DirectoryAfter => What::Directory,
            What::SymlinkToNowhere => What::Unknown,
            what => what,
        }) as c_int
    }
}

fn is(seen: &Stat, kind: u32) -> bool {
    seen.st_mode & libc::S_IFMT == kind
}

/// A text that ends with a NUL.
fn text(bytes: &[u8]) -> CPath {
    CPath::of(std::ffi::CStr::from_bytes_until_nul(bytes).unwrap_or(c""))
}

/// All names in a stream but `.` and `..`, each with its NUL.
fn names_of(stream: Directory) -> Option<Vec<u8>> {
    let mut names = Vec::new();
    loop {
        errno::put(0);
        let entry = directory::readdir64(stream);
        let Some(name) = super::args::name_of(entry) else { break };
        if name != c"." && name != c".." {
            names.extend_from_slice(name.to_bytes_with_nul());
        }
    }
    (errno::get() == 0).then_some(names)
}

fn old(
    real: extern "C" fn(CPath, Told, c_int) -> c_int,
    path: CPath,
    told: Told,
    descriptors: c_int,
) -> c_int {
    match (path.bytes(), told) {
        (Some(text), Some(told)) if reach::reaches(text, false) => walk(text, Whom::Ftw(told), 0),
        _ => real(path, told, descriptors),
    }
}

spellings!(old: fn(path: CPath, told: Told, descriptors: c_int) -> c_int: ftw, ftw64);

/// Whether a walk is done here: one that can come to the tree, and one that calls the program in other directories, to which
/// the C library changes by means of its own.
fn is_ours(path: &[u8], flags: c_int) -> bool {
    reach::reaches(path, false) || flags & CHDIR != 0 && session::given().is_some()
}

fn new(
    real: extern "C" fn(CPath, ToldMore, c_int, c_int) -> c_int,
    path: CPath,
    told: ToldMore,
    descriptors: c_int,
    flags: c_int,
) -> c_int {
    const ALL: c_int = PHYS | MOUNT | CHDIR | DEPTH | ACTIONRETVAL;
    match (path.bytes(), told) {
        (Some(text), Some(told)) if flags & !ALL == 0 && is_ours(text, flags) => {
            walk(text, Whom::Nftw(told), flags)
        }
        _ => real(path, told, descriptors, flags),
    }
}

spellings!(new: fn(path: CPath, told: ToldMore, descriptors: c_int, flags: c_int) -> c_int: nftw, nftw64);
