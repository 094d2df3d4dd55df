//! Where programs of the tree lie for the kernel: a second name of the blob, in a directory of the workspace, at the path
//! that the program has in the tree. So what the kernel and the loader derive from the program's path comes out right:
//! its name, and what lies beside it.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::path::Arg;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::path::PATH_MAX;

use super::shelf;
use crate::sys::fd::Brief;
use crate::sys::{decimal, vfork};
use crate::vfs::find::{self, Name, Work};
use crate::vfs::session::Given;
use crate::vfs::{Answer, paths};

/// The mode of what is made there, for its user.
const USABLE: Mode = Mode::RWXU;

/// Symlinks that a path may lead through.
const LINKS: usize = 40;

/// Gives the blob that is open as `file` the name of the program `path` there. `buffer` gets the name.
pub fn place(
    given: &'static Given,
    path: &mut [u8; PATH_MAX],
    length: usize,
    file: BorrowedFd<'_>,
) -> Result<(), Errno> {
    let (mut name, root) = name_of(given, path, length)?;
    link(&mut name, root, file)?;
    path.copy_from_slice(&name.bytes);
    Ok(())
}

/// The name there of the program `path`, and how long the farm's own is.
#[inline(always)]
fn name_of(
    given: &'static Given,
    path: &[u8; PATH_MAX],
    length: usize,
) -> Result<(Text, usize), Errno> {
    let inside = path.get(given.mount.len()..length).ok_or(Errno::NOENT)?;
    let mut name = Text::new();
    name.root(given)?;
    let root = name.length;
    name.push(inside)?;
    Ok((name, root))
}

fn link(name: &mut Text, root: usize, file: BorrowedFd<'_>) -> Result<(), Errno> {
    let source = Descriptor::of(file);
    let mut made = false;
    loop {
        match link_to(&source, name.path()?) {
            Ok(()) => return Ok(()),
            // EACCES: a directory that cannot be used.
            Err(Errno::NOENT | Errno::ACCESS) if !made => {
                make_directories(name, root)?;
                made = true;
            }
            Err(Errno::EXIST) if is_same(name.path()?, file) => return Ok(()),
            // Of an earlier state of the tree: another program, or what is a directory now.
            Err(Errno::EXIST) => return replace(name, root, &source),
            Err(Errno::NOTDIR) if !made => {
                clear_way(name, root)?;
                make_directories(name, root)?;
                made = true;
            }
            Err(errno) => return Err(errno),
        }
    }
}

fn link_to(source: &Descriptor, to: &CStr) -> Result<(), Errno> {
    rustix::fs::linkat(CWD, source.path(), CWD, to, AtFlags::SYMLINK_FOLLOW)
}

fn is_same(path: &CStr, file: BorrowedFd<'_>) -> bool {
    let there = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    match (there, rustix::fs::fstat(file)) {
        (Ok(there), Ok(ours)) => (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino),
        _ => false,
    }
}

/// Puts the program in the place of what is there, so that the name is never missing.
fn replace(name: &mut Text, root: usize, source: &Descriptor) -> Result<(), Errno> {
    let mut aside = aside(name, root)?;
    let _ = rustix::fs::unlinkat(CWD, aside.path()?, AtFlags::empty());
    link_to(source, aside.path()?)?;
    move_to(name, root, &mut aside)
}

/// Gives what is aside the name. A directory that has it is in the way no more.
fn move_to(name: &mut Text, root: usize, aside: &mut Text) -> Result<(), Errno> {
    let mut renamed = rustix::fs::renameat(CWD, aside.path()?, CWD, name.path()?);
    if renamed == Err(Errno::ISDIR) {
        set_aside(name, root)?;
        renamed = rustix::fs::renameat(CWD, aside.path()?, CWD, name.path()?);
    }
    // Where both were the same file already, neither name has gone.
    let _ = rustix::fs::unlinkat(CWD, aside.path()?, AtFlags::empty());
    renamed
}

/// A name in the farm that no other thread uses.
fn aside(name: &Text, root: usize) -> Result<Text, Errno> {
    let mut aside = Text::new();
    aside.push(name.bytes.get(..root).unwrap_or(b""))?;
    aside.push(b"/.")?;
    aside.number(vfork::process())?;
    aside.push(b".")?;
    aside.number(rustix::thread::gettid().as_raw_pid().unsigned_abs())?;
    Ok(aside)
}

/// Moves a directory that is in the way to where nobody looks; it goes with the workspace.
fn set_aside(name: &mut Text, root: usize) -> Result<(), Errno> {
    let mut aside = aside(name, root)?;
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    aside.push(b".")?;
    aside.number(now.tv_sec as u32)?;
    aside.push(b".")?;
    aside.number(now.tv_nsec as u32)?;
    rustix::fs::renameat(CWD, name.path()?, CWD, aside.path()?)
}

/// Removes the file that stands where a directory of the name should.
fn clear_way(name: &mut Text, root: usize) -> Result<(), Errno> {
    each_directory(name, root, |path| {
        let found = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        match found {
            Ok(stat) if stat.st_mode & 0o170_000 != 0o040_000 => {
                rustix::fs::unlinkat(CWD, path, AtFlags::empty())
            }
            _ => Ok(()),
        }
    })
}

fn make_directories(name: &mut Text, root: usize) -> Result<(), Errno> {
    each_directory(name, root, |path| make_directory(path))
}

/// Makes a directory of the farm that can be used, whatever the umask is. Also one is that was left without its mode, by who
/// was killed at it or by an earlier version.
pub fn make_directory(path: impl Arg + Copy) -> Result<(), Errno> {
    match rustix::fs::mkdirat(CWD, path, USABLE) {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            let there = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
            let is_directory = there.st_mode & 0o170_000 == 0o040_000;
            if !is_directory || Mode::from_raw_mode(there.st_mode).contains(USABLE) {
                return Ok(());
            }
        }
        Err(errno) => return Err(errno),
    }
    rustix::fs::chmodat(CWD, path, USABLE, AtFlags::empty())
}

/// Does something with the farm itself and with every directory of the name below it.
fn each_directory(
    name: &mut Text,
    root: usize,
    mut work: impl FnMut(&CStr) -> Result<(), Errno>,
) -> Result<(), Errno> {
    for at in root..name.length {
        if name.bytes.get(at) != Some(&b'/') {
            continue;
        }
        if let Some(byte) = name.bytes.get_mut(at) {
            *byte = 0;
        }
        let worked = name.path().and_then(&mut work);
        if let Some(byte) = name.bytes.get_mut(at) {
            *byte = b'/';
        }
        worked?;
    }
    Ok(())
}

/// The path that a program in the tree has when all symlinks are followed: in `path`; its length. `None`: it is not in
/// the tree.
#[inline(never)]
pub fn canonical(
    directory: std::ffi::c_int,
    asked: &[u8],
    path: &mut [u8; PATH_MAX],
) -> Result<Option<usize>, Errno> {
    let mut next = Text::new();
    next.push(asked)?;
    let mut directory = directory;
    for _ in 0..LINKS {
        let mut work = Work::default();
        let place = match find::place(
            directory,
            Some(next.bytes.get(..next.length).unwrap_or(b"")),
            &mut work,
        )? {
            Answer::Ours(place) => place,
            _ => return Ok(None),
        };
        let Name::Ordinary(name) = place.name else { return Err(Errno::ACCESS) };
        let tree = place.session.tree();
        let parent = tree.number(place.parent).map_err(|_| Errno::IO)?;
        let length = paths::of_entry(place.given, parent, name, path)?;
        let child = tree.child(place.parent, name).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
        if tree.kind(child).map_err(|_| Errno::IO)? != Kind::Symlink {
            return Ok(Some(length));
        }
        let start = length - name.len();
        next.length = 0;
        next.push(path.get(..start).unwrap_or(b""))?;
        let room = next.bytes.get_mut(start..).ok_or(Errno::NAMETOOLONG)?;
        let target = tree.read_target(child, room).map_err(|_| Errno::IO)?;
        next.length = (start + target).min(PATH_MAX - 1);
        if next.bytes.get(start) == Some(&b'/') {
            next.bytes.copy_within(start..next.length, 0);
            next.length -= start;
        }
        directory = find::CWD;
    }
    Err(Errno::LOOP)
}

/// A path that is being written.
struct Text {
    bytes: [u8; PATH_MAX],
    length: usize,
}

impl Text {
    fn new() -> Text {
        Text { bytes: [0; PATH_MAX], length: 0 }
    }

    fn push(&mut self, text: &[u8]) -> Result<(), Errno> {
        let end = self.length + text.len();
        if end >= PATH_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let room = self.bytes.get_mut(self.length..end).ok_or(Errno::NAMETOOLONG)?;
        room.copy_from_slice(text);
        self.length = end;
        Ok(())
    }

    fn number(&mut self, number: u32) -> Result<(), Errno> {
        self.push(decimal::of(number, &mut [0; 10]))
    }

    /// The directory that all lies in.
    fn root(&mut self, given: &Given) -> Result<(), Errno> {
        use std::os::unix::ffi::OsStrExt;
        self.push(given.handover.store.as_os_str().as_bytes())?;
        self.push(b"/workspaces/")?;
        self.push(given.handover.workspace.as_bytes())?;
        self.push(b"/farm")
    }

    fn path(&mut self) -> Result<&CStr, Errno> {
        *self.bytes.get_mut(self.length).ok_or(Errno::NAMETOOLONG)? = 0;
        CStr::from_bytes_until_nul(&self.bytes).map_err(|_| Errno::NOENT)
    }
}

/// The name that the kernel has for a descriptor.
pub struct Descriptor([u8; 32]);

impl Descriptor {
    /// Of this one.
    pub fn of(file: BorrowedFd<'_>) -> Descriptor {
        let mut text = [0; 32];
        let mut place = text.iter_mut();
        let mut digits = [0; 10];
        let number = decimal::of(file.as_raw_fd().unsigned_abs(), &mut digits);
        for &byte in b"/proc/self/fd/".iter().chain(number) {
            if let Some(place) = place.next() {
                *place = byte;
            }
        }
        Descriptor(text)
    }

    /// It, as a path.
    pub fn path(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or(c"")
    }
}

/// The path in the tree, from its root on, of what the kernel knows by a name in the farm.
pub fn in_tree<'t>(given: &Given, name: &'t [u8]) -> Option<&'t [u8]> {
    use std::os::unix::ffi::OsStrExt;
    let rest = name.strip_prefix(given.handover.store.as_os_str().as_bytes())?;
    let rest = rest.strip_prefix(b"/workspaces/")?;
    let rest = rest.strip_prefix(given.handover.workspace.as_bytes())?;
    let rest = rest.strip_prefix(b"/farm")?;
    match shelf::in_tree(rest) {
        Some(path) => Some(path),
        None => {
            let rest = shelf::without_padding(rest);
            rest.strip_prefix(b"/").filter(|name| !is_aside(name)).map(|_| rest)
        }
    }
}

/// Whether a name there is that of a program on its way, as `aside` makes it.
fn is_aside(name: &[u8]) -> bool {
    let numbers = name.strip_prefix(b".");
    numbers.is_some_and(|it| it.iter().all(|&byte| byte == b'.' || byte.is_ascii_digit()))
}

/// A name in the farm that is no shorter than the path in the tree, for a loader.
pub fn padded(given: &Given, name: &CStr) -> CString {
    let name = name.to_bytes();
    let rest = in_tree(given, name).map_or(0, <[u8]>::len);
    let (farm, rest) = name.split_at_checked(name.len() - rest).unwrap_or((name, b""));
    let slashes = vec![b'/'; given.mount.len().saturating_sub(farm.len())];
    CString::new([farm, &slashes, rest].concat()).unwrap_or_default()
}

/// The same, as programs see it: `path` in and out. `None`: it is no name in the farm.
pub fn as_seen(given: &Given, path: &mut [u8; PATH_MAX], length: usize) -> Option<usize> {
    let rest = in_tree(given, path.get(..length)?)?.len();
    let mount = given.mount.len();
    if mount + rest >= PATH_MAX {
        return None;
    }
    path.copy_within(length - rest..length, mount);
    path.get_mut(..mount)?.copy_from_slice(&given.mount);
    Some(mount + rest)
}

/// Copies a program that cannot be sealed, and gives the copy the name.
pub fn copy(
    given: &'static Given,
    path: &mut [u8; PATH_MAX],
    length: usize,
    file: BorrowedFd<'_>,
) -> Result<(), Errno> {
    let (mut name, root) = name_of(given, path, length)?;
    if make_directories(&mut name, root).is_err() {
        clear_way(&mut name, root)?;
        make_directories(&mut name, root)?;
    }
    let mut aside = aside(&name, root)?;
    copy_to(aside.path()?, file)?;
    move_to(&mut name, root, &mut aside)?;
    path.copy_from_slice(&name.bytes);
    Ok(())
}

/// Copies a file to a new one, in the place of one that may have been left there.
pub fn copy_to(path: impl Arg + Copy, file: BorrowedFd<'_>) -> Result<(), Errno> {
    let _ = rustix::fs::unlinkat(CWD, path, AtFlags::empty());
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let copy = Brief::new(rustix::fs::openat(CWD, path, flags, USABLE)?);
    // The umask may have taken from it.
    rustix::fs::fchmod(copy.as_fd(), USABLE)?;
    let mut from = 0;
    while rustix::fs::sendfile(&copy, file, Some(&mut from), 1 << 30)? > 0 {}
    Ok(())
}
