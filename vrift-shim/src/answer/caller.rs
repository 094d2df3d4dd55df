//! What a call needs of who makes it: its memory, directory, descriptors, umask.

use std::ffi::{CStr, CString, c_int};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::task;
use crate::sys::fd::Brief;
use crate::sys::tracee::Told;
use crate::vfs::lexical::number_first;
use crate::vfs::{descriptor, session};

/// Whether this thread is in the caller's directory.
#[derive(Default)]
pub struct Place(bool);

impl Place {
    /// Goes there; whether it could. Only a directory outside can be one that the caller may be in and not enter.
    pub fn enter(&mut self, told: &Told) -> Result<bool, Errno> {
        if self.0 {
            return Ok(true);
        }
        match rustix::process::chdir(format!("/proc/{}/cwd", told.thread)) {
            Ok(()) => self.0 = true,
            Err(Errno::ACCESS) => return Ok(false),
            Err(errno) => return Err(errno),
        }
        Ok(true)
    }
}

/// A text of fewer than `most` bytes in the caller's memory: EFAULT if there is none, ENAMETOOLONG if it is longer.
pub fn text(told: &Told, address: usize, most: usize) -> Result<CString, Errno> {
    let mut text = Vec::new();
    while text.len() < most {
        // To the end of what is likely to be there, first.
        let mut room = [0; 512];
        let part = room.len() - address.wrapping_add(text.len()) % room.len();
        let read =
            told.read(address.wrapping_add(text.len()), room.get_mut(..part).unwrap_or_default());
        let part = room.get(..read).filter(|part| !part.is_empty()).ok_or(Errno::FAULT)?;
        match CStr::from_bytes_until_nul(part) {
            Ok(end) => {
                text.extend_from_slice(end.to_bytes());
                let text = CString::new(text).map_err(|_| Errno::FAULT)?;
                return if text.as_bytes().len() < most {
                    Ok(text)
                } else {
                    Err(Errno::NAMETOOLONG)
                };
            }
            Err(_) => text.extend_from_slice(part),
        }
    }
    Err(Errno::NAMETOOLONG)
}

/// The caller's descriptor, taken over: the same open file.
pub fn descriptor(told: &Told, number: c_int) -> Option<Brief> {
    if number < 0 {
        return None;
    }
    let get = |process: &Brief| {
        pidfd_getfd(process.as_fd(), number, PidfdGetfdFlags::empty()).ok().map(Brief::new)
    };
    if let Some(Some(file)) = task::with(told.thread, |task| task.process.as_ref().map(get)) {
        return file;
    }
    // Of a thread that is not its process's first one the process is to be found.
    let open = |id: u32| pidfd_open(Pid::from_raw(id.cast_signed())?, PidfdFlags::empty()).ok();
    let process = Brief::new(open(told.thread).or_else(|| open(group(told.thread)?))?);
    let file = get(&process);
    task::with(told.thread, |task| task.process = Some(process));
    file
}

/// Its number here.
pub fn number(file: &Brief) -> c_int {
    file.as_fd().as_raw_fd()
}

/// Whether a descriptor is of something of the tree.
pub fn is_ours(file: &Brief) -> Result<bool, Errno> {
    let Some(given) = session::given() else { return Ok(false) };
    let (held, _) = descriptor::look(given, number(file))?;
    Ok(held != descriptor::Held::Foreign)
}

/// Whether it is a pipe.
pub fn is_pipe(file: &Brief) -> bool {
    let stat = rustix::fs::fstat(file.as_fd());
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}

/// A path by which a process finds what is its own, and would find what is this process's here.
pub enum Link {
    /// It is none.
    No,
    /// What it is here, and the descriptor that it names, if it names one.
    Other(CString, Option<Brief>),
}

/// Takes such a path apart.
pub fn own_link(told: &Told, path: &[u8]) -> Result<Link, Errno> {
    let standard = [&b"/dev/stdin"[..], b"/dev/stdout", b"/dev/stderr"];
    let standard =
        standard.iter().zip(0..).find(|(name, _)| **name == path).map(|(_, number)| number);
    let rest = path.strip_prefix(b"/proc/").and_then(|rest| {
        let own = rest.strip_prefix(b"self/").or_else(|| rest.strip_prefix(b"thread-self/"));
        own.or_else(|| {
            let (number, rest) = number_first(rest)?;
            let own =
                [Some(told.thread), group(told.thread)].contains(&Some(number.unsigned_abs()));
            rest.strip_prefix(b"/").filter(|_| own)
        })
    });
    let digits = path.strip_prefix(b"/dev/fd/").or_else(|| rest?.strip_prefix(b"fd/"));
    let named = digits.and_then(number_first).filter(|(_, behind)| behind.is_empty());
    if let Some(wanted) = standard.or(named.map(|(number, _)| number)) {
        let Some(file) = descriptor(told, wanted) else { return Ok(Link::No) };
        let text = format!("/proc/self/fd/{}", number(&file));
        return Ok(Link::Other(CString::new(text).map_err(|_| Errno::INVAL)?, Some(file)));
    }
    let Some(rest) = rest.filter(|rest| matches!(*rest, b"exe" | b"cwd")) else {
        return Ok(Link::No);
    };
    let text = [format!("/proc/{}/", told.thread).as_bytes(), rest].concat();
    Ok(Link::Other(CString::new(text).map_err(|_| Errno::INVAL)?, None))
}

/// A line of what the kernel says of a thread.
fn said(thread: u32, name: &str) -> Option<String> {
    task::with(thread, |task| {
        let mut room = [0; task::SAID];
        let text = String::from_utf8_lossy(task.says(c"status", &mut room)?);
        text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned)
    })?
}

/// All of a file of the kernel's.
pub fn read(path: &str) -> Option<Vec<u8>> {
    let file =
        rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let file = Brief::new(file);
    let mut text = vec![0; 4 << 10];
    let mut length = 0;
    loop {
        match rustix::io::read(file.as_fd(), text.get_mut(length..)?) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(_) => return None,
        }
        if length == text.len() {
            text.resize(2 * length, 0);
        }
    }
    text.truncate(length);
    Some(text)
}

/// The process of a thread.
pub fn group(thread: u32) -> Option<u32> {
    if let Some(Some(group)) = task::with(thread, |task| task.group) {
        return Some(group);
    }
    let group = said(thread, "Tgid:")?.parse().ok()?;
    task::with(thread, |task| task.group = Some(group));
    Some(group)
}

/// The caller's umask.
pub fn umask(told: &Told) -> u32 {
    let said = said(told.thread, "Umask:");
    said.and_then(|digits| u32::from_str_radix(&digits, 8).ok()).unwrap_or(0o077)
}

/// Whether the caller can have another descriptor: EMFILE, before anything is made to be opened. (The kernel says how many
/// there are since Linux 6.2.)
pub fn has_room(told: &Told) -> Result<(), Errno> {
    let open = rustix::fs::stat(format!("/proc/{}/fd", told.thread)).map_or(0, |stat| stat.st_size);
    let open = u64::try_from(open).unwrap_or(0);
    if told.most_descriptors().is_some_and(|limit| open >= limit) {
        Err(Errno::MFILE)
    } else {
        Ok(())
    }
}

/// Some process of the run may have become another user.
static CHANGED: AtomicBool = AtomicBool::new(false);

/// A process becomes another user, or may.
pub fn changes() {
    CHANGED.store(true, Ordering::Release);
}

/// The first that a listener tells of: it may have become another user before it was listened to.
pub fn first(told: &Told) {
    if !is_of_run(told) {
        changes();
    }
}

/// A run has one user: EACCES to whoever has become another. To ask for each call would cost as much as the rest.
pub fn check(told: &Told) -> Result<(), Errno> {
    if !CHANGED.load(Ordering::Acquire) || is_of_run(told) { Ok(()) } else { Err(Errno::ACCESS) }
}

fn is_of_run(told: &Told) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let users = said(told.thread, "Uid:").unwrap_or_default();
    let mut users = users.split_whitespace().skip(1).peekable();
    users.peek().is_some() && users.all(|user| user.parse() == Ok(own))
}
