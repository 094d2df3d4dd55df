//! Named pipes: the meeting place is a real one beside the placeholders.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use vrift_manifest::places;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::change;
use super::session::Given;
use crate::sys::fd;

/// What follows the node's number in the name of its pipe.
pub const SUFFIX: &str = ".fifo";

/// Opens the pipe of a node; it is made by whoever comes first.
// Its path is not to be on the stack of who opens a file.
#[inline(never)]
pub fn open(given: &'static Given, node: u64, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let path = path(given, node, buffer)?;
    let kept = flags.difference(OFlags::CREATE | OFlags::EXCL | OFlags::TRUNC | OFlags::NOFOLLOW);
    // By the C library: who waits for the other end may be cancelled there, and be interrupted by a handler.
    match fd::open_waiting(path, kept) {
        Err(Errno::NOENT) => {
            make(path)?;
            fd::open_waiting(path, kept)
        }
        other => other,
    }
}

fn make(path: &CStr) -> Result<(), Errno> {
    // Whose pipe it is the tree says, and it was asked: the sticky bit only marks it as ours.
    let mode = Mode::from_raw_mode(0o1600);
    match rustix::fs::mknodat(CWD, path, FileType::Fifo, mode, 0) {
        // The umask may have taken from it.
        Ok(()) => rustix::fs::chmodat(CWD, path, mode, AtFlags::empty()),
        Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// The meeting place of a pipe, which is there: for somebody else to open it.
#[cfg(target_arch = "x86_64")]
pub fn meeting_place(given: &'static Given, node: u64) -> Result<std::ffi::CString, Errno> {
    let mut buffer = Scratch::default();
    let path = path(given, node, buffer.bytes())?;
    make(path)?;
    Ok(path.to_owned())
}

fn path<'b>(
    given: &'static Given,
    node: u64,
    buffer: &'b mut [u8; PATH_MAX],
) -> Result<&'b CStr, Errno> {
    let handover = &given.handover;
    let runtime = handover.runtime.as_os_str().as_bytes();
    // The directory is there once a placeholder is.
    places::make(runtime, handover.id.as_bytes(), node, buffer)?;
    let end = buffer.iter().position(|&byte| byte == 0).ok_or(Errno::NAMETOOLONG)?;
    let mut room = buffer.get_mut(end..).ok_or(Errno::NAMETOOLONG)?;
    write!(room, "{SUFFIX}\0").map_err(|_| Errno::NAMETOOLONG)?;
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::INVAL)
}

/// The node whose pipe has this path.
pub fn node_of_path(given: &'static Given, path: &[u8]) -> Option<u64> {
    let handover = &given.handover;
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    let place = path.strip_suffix(SUFFIX.as_bytes())?;
    places::node_of_path(handover.runtime.as_os_str().as_bytes(), handover.id.as_bytes(), place)
}

/// Removes the meeting place of a pipe that has no name any more. Who has it open goes on.
pub fn removed(given: &'static Given, node: u64) {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    if let Ok(path) = path(given, node, buffer) {
        let _ = rustix::fs::unlinkat(CWD, path, AtFlags::empty());
    }
    change::directory_removed(given, node);
}
