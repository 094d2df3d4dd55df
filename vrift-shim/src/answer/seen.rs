//! Programs below a covered one that a library is in all the same: what they ask the kernel was decided by the hooks, and is
//! the kernel's, down to the placeholders.
//!
//! Which they are is told by what is mapped: a process that this library is in. Its calls may come from anywhere (valgrind
//! makes them for its program, also those that this library makes while it has the workspace's lock). Only programs of Go
//! ask by themselves nevertheless: of them what comes from this library's code, and from the C library's, was seen.

use std::ops::Range;
use std::os::fd::AsFd;

use rustix::fs::{CWD, Mode, OFlags};

use super::{caller, task};
use crate::sys::fd::Brief;
use crate::sys::tracee::Told;
use crate::vfs::exec::elf::{self, Kind};

/// Where calls come from in a program that asks nothing by itself.
const EVERYWHERE: Range<u64> = 0..u64::MAX;

/// Whether that is known already: for whoever asks before anything else.
pub fn is_known(told: &Told) -> bool {
    let comes_from = |range: &Range<u64>| range.contains(&told.place);
    task::with(told.thread, |task| task.seen.iter().any(comes_from)).unwrap_or(false)
}

/// Whether a call comes from where the hooks have seen it.
pub fn is_seen(told: &Told) -> bool {
    if is_known(told) {
        return true;
    }
    let seen = look(told.thread).unwrap_or_default();
    task::with(told.thread, |task| task.seen = seen);
    is_known(told)
}

/// A thread becomes another program.
pub fn forget(thread: u32) {
    task::forget(thread);
    if let Some(group) = caller::group(thread) {
        task::forget(group);
    }
}

/// Where the code of the libraries lies; `None`: this one is not there, and may come: with a loader, or as valgrind brings it.
fn look(thread: u32) -> Option<Vec<Range<u64>>> {
    let maps = caller::read(&format!("/proc/{thread}/maps"))?;
    let (mut here, mut ranges) = (false, Vec::new());
    for line in maps.split(|&byte| byte == b'\n') {
        let name = line.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let own = name.starts_with(b"libvrift_shim");
        let libc = name.starts_with(b"libc.so")
            || name.starts_with(b"libc-2.")
            || name.starts_with(b"libpthread");
        here |= own;
        if own || libc {
            ranges.extend(range(line));
        }
    }
    match here {
        true if asks_directly(thread) => Some(ranges),
        true => Some(Vec::from([EVERYWHERE])),
        false => None,
    }
}

/// Whether its program is one that asks the kernel by itself, also with a library in it.
fn asks_directly(thread: u32) -> bool {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, format!("/proc/{thread}/exe"), flags, Mode::empty());
    let Ok(file) = file.map(Brief::new) else { return false };
    let mut head = [0; elf::HEAD];
    let length = rustix::io::pread(file.as_fd(), &mut head[..], 0).unwrap_or(0);
    elf::kind(file.as_fd(), head.get(..length).unwrap_or_default(), b"") == Kind::Direct
}

/// The addresses at the beginning of a line.
fn range(line: &[u8]) -> Option<Range<u64>> {
    let text = std::str::from_utf8(line.split(|&byte| byte == b' ').next()?).ok()?;
    let (start, end) = text.split_once('-')?;
    Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
}
