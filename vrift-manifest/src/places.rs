//! Placeholder directories: what stands for a directory of a tree wherever the kernel needs a real one.
//!
//! A process's current directory, the descriptor of an open directory and the starting point of `openat` are kept by
//! the kernel, and survive fork, exec and an emptied environment only there. So a process that is "in" a directory of a
//! tree is in an empty real one, `RUNTIME/places-ID/NODE`, made when it is first needed. The placeholder itself says
//! which node it stands for, so that one `fstat` of the current directory or of a descriptor is enough, also after it
//! was removed: its modification time is `(NODE, 22098 ns)` and its mode 01700, which no other directory has by chance.
//! (File systems keep such times up to 15,000,000,000 s and more.)
//!
//! Nothing is ever made in a placeholder by a program that is seen. One that is not may make something there; then the
//! mark is gone until nothing is left there and the next [`make`] sets it again, and [`remove`] leaves the directory alone.
//!
//! Nothing here allocates, and nothing calls a function that a program could have replaced: system calls only.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

/// The longest path, its NUL included.
pub const PATH_MAX: usize = 4096;

/// The nanoseconds of a placeholder's modification time: "VR".
const MARK: i64 = 0x5652;

/// The permission bits of a placeholder. Set-group-id, which directories inherit, is not looked at.
const MODE: u32 = 0o1700;
const MODE_SEEN: u32 = 0o1777;

/// The first part of the name of the directory that a workspace's placeholders are in; its ID follows.
pub const PREFIX: &str = "places-";

/// The path of the directory that the placeholders of the workspace `id` are in.
pub fn directory<'b>(
    runtime: &[u8],
    id: &[u8],
    buffer: &'b mut [u8; PATH_MAX],
) -> Result<&'b CStr, Errno> {
    let mut length = 0;
    for part in [runtime, b"/", PREFIX.as_bytes(), id] {
        push(buffer, &mut length, part)?;
    }
    ended(buffer, length)
}

/// The path of the placeholder of `node`.
pub fn path<'b>(
    runtime: &[u8],
    id: &[u8],
    node: u64,
    buffer: &'b mut [u8; PATH_MAX],
) -> Result<&'b CStr, Errno> {
    let mut length = 0;
    for part in [runtime, b"/", PREFIX.as_bytes(), id, b"/"] {
        push(buffer, &mut length, part)?;
    }
    let mut digits = [0; 20];
    push(buffer, &mut length, decimal(node, &mut digits))?;
    ended(buffer, length)
}

/// The path of the placeholder of `node`, which is there when this returns, and marked unless something lies in it. Two
/// processes may do this at the same time: each has seen the mark before it goes on.
pub fn make<'b>(
    runtime: &[u8],
    id: &[u8],
    node: u64,
    buffer: &'b mut [u8; PATH_MAX],
) -> Result<&'b CStr, Errno> {
    path(runtime, id, node, buffer)?;
    match stands_for(terminated(buffer)?, node) {
        Ok(true) => {}
        Ok(false) => {
            let path = terminated(buffer)?;
            set_mode(path, MODE)?;
            if is_empty(path)? {
                mark(path, node)?;
            }
        }
        Err(Errno::NOENT) => {
            make_directory(runtime, id, node, buffer)?;
            mark(terminated(buffer)?, node)?;
        }
        Err(errno) => return Err(errno),
    }
    terminated(buffer)
}

/// A descriptor of the placeholder of `node`, which is made if need be. `flags`: what there is to say beside
/// `O_NOFOLLOW`; `O_DIRECTORY` changes nothing but what is said of the descriptor.
pub fn open(runtime: &[u8], id: &[u8], node: u64, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut buffer = [0; PATH_MAX];
    let path = make(runtime, id, node, &mut buffer)?;
    rustix::fs::open(path, flags | OFlags::NOFOLLOW, Mode::empty())
}

/// Removes the placeholder of `node`, after the directory was removed. A process may still be in it, and is then in a
/// removed directory, as the kernel has it; the mark stays readable.
pub fn remove(runtime: &[u8], id: &[u8], node: u64) -> Result<(), Errno> {
    let mut buffer = [0; PATH_MAX];
    let path = path(runtime, id, node, &mut buffer)?;
    match rustix::fs::unlinkat(CWD, path, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Removes the placeholder of `node` after another directory came in the place of that node. ext4 leaves such a directory its
/// length, so that places in it can still be sought: it is to happen to the placeholder as it did to the directory.
pub fn remove_replaced(runtime: &[u8], id: &[u8], node: u64) -> Result<(), Errno> {
    let (mut old, mut new) = ([0; PATH_MAX], [0; PATH_MAX]);
    let old = path(runtime, id, node, &mut old)?;
    let mut length = 0;
    for part in [old.to_bytes(), b".new"] {
        push(&mut new, &mut length, part)?;
    }
    let new = ended(&mut new, length)?;
    if rustix::fs::statat(CWD, old, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        make_one(new, MODE)?;
        if rustix::fs::renameat(CWD, new, CWD, old).is_err() {
            rustix::fs::unlinkat(CWD, new, AtFlags::REMOVEDIR)?;
        }
    }
    remove(runtime, id, node)
}

/// The node that a directory stands for, if it is a placeholder.
pub fn node_of(stat: &Stat) -> Option<u64> {
    #[allow(clippy::unnecessary_cast, reason = "the types of these fields differ between machines")]
    node_of_parts(stat.st_mode as u32, stat.st_mtime as i64, stat.st_mtime_nsec as i64)
}

/// The same from a `stat` of any form: type and permission, and both parts of the modification time.
pub fn node_of_parts(mode: u32, seconds: i64, nanoseconds: i64) -> Option<u64> {
    const TYPE: u32 = 0o170_000;
    const DIRECTORY: u32 = 0o040_000;
    let marked = mode & TYPE == DIRECTORY && mode & MODE_SEEN == MODE && nanoseconds == MARK;
    u64::try_from(seconds).ok().filter(|&node| marked && node != 0)
}

/// Whether a directory of this mode, which has no mark, may have had one.
pub fn may_be_unmarked(mode: u32) -> bool {
    mode & MODE_SEEN == MODE
}

/// The node whose placeholder a path names, by its words alone: for `/proc/PID/cwd` and what `getcwd` says.
pub fn node_of_path(runtime: &[u8], id: &[u8], path: &[u8]) -> Option<u64> {
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    let rest = path.strip_prefix(runtime)?.strip_prefix(b"/")?.strip_prefix(PREFIX.as_bytes())?;
    let digits = rest.strip_prefix(id)?.strip_prefix(b"/")?;
    let canonical = digits.first().is_some_and(|&digit| digit != b'0');
    let add = |number: u64, &digit: &u8| {
        let value = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(value)
    };
    digits.iter().try_fold(0, add).filter(|_| canonical)
}

/// Whether what is at `path` is the marked placeholder of `node`.
fn stands_for(path: &CStr, node: u64) -> Result<bool, Errno> {
    let stat = rustix::fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(node_of(&stat) == Some(node))
}

/// Whether nothing lies in a directory.
fn is_empty(path: &CStr) -> Result<bool, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(&directory, &mut room);
    while let Some(entry) = entries.next() {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn make_directory(
    runtime: &[u8],
    id: &[u8],
    node: u64,
    buffer: &mut [u8; PATH_MAX],
) -> Result<(), Errno> {
    match make_one(terminated(buffer)?, MODE) {
        Err(Errno::NOENT) => {
            let above = directory(runtime, id, buffer)?;
            make_one(above, 0o700)?;
            set_mode(above, 0o700)?;
            make_one(path(runtime, id, node, buffer)?, MODE)
        }
        other => other,
    }
}

fn make_one(path: &CStr, mode: u32) -> Result<(), Errno> {
    match rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(mode)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// The process may have a umask that takes from its own rights.
fn set_mode(path: &CStr, mode: u32) -> Result<(), Errno> {
    rustix::fs::chmodat(CWD, path, Mode::from_raw_mode(mode), AtFlags::empty())
}

/// Makes a directory say what it stands for.
fn mark(path: &CStr, node: u64) -> Result<(), Errno> {
    let seconds = i64::try_from(node).map_err(|_| Errno::OVERFLOW)?;
    set_mode(path, MODE)?;
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: MARK },
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
}

/// Writes `number` at the end of `digits`, and gives that part of it.
fn decimal(number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let (mut left, mut start) = (number, digits.len());
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (left % 10) as u8;
        (left, start) = (left / 10, place);
        if left == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

/// Adds `part` to a text in `buffer`.
pub(crate) fn push(
    buffer: &mut [u8; PATH_MAX],
    length: &mut usize,
    part: &[u8],
) -> Result<(), Errno> {
    let end = length.checked_add(part.len()).ok_or(Errno::NAMETOOLONG)?;
    let room = buffer.get_mut(*length..end).ok_or(Errno::NAMETOOLONG)?;
    room.copy_from_slice(part);
    *length = end;
    Ok(())
}

fn ended(buffer: &mut [u8; PATH_MAX], length: usize) -> Result<&CStr, Errno> {
    *buffer.get_mut(length).ok_or(Errno::NAMETOOLONG)? = 0;
    terminated(buffer)
}

fn terminated(buffer: &[u8; PATH_MAX]) -> Result<&CStr, Errno> {
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::INVAL)
}
