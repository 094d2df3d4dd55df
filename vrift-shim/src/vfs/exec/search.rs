//! The search for a program by its name in the directories of PATH, of the tree and outside, as execvp does it.

use std::ffi::CStr;

use rustix::io::Errno;
use vrift_manifest::tree::path::PATH_MAX;

use crate::sys::stack;
use crate::sys::strings::{self, Strings};

const NAME_MAX: usize = 255;

/// Where programs are looked for when there is no PATH.
const ORDINARY: &[u8] = b"/bin:/usr/bin";

/// Calls `attempt` for one candidate after the other, as long as the error says that it is none; the error to report.
pub fn each(file: &CStr, mut attempt: impl FnMut(&CStr) -> Result<(), Errno>) -> Result<(), Errno> {
    let name = file.to_bytes();
    if name.is_empty() {
        return Err(Errno::NOENT);
    }
    if name.contains(&b'/') {
        return attempt(file);
    }
    if name.len() > NAME_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    let path = path();
    stack::with(path.len().min(PATH_MAX) + name.len() + 2, |room: &mut [u8]| {
        in_path(path, name, room, attempt)
    })
}

fn in_path(
    path: &[u8],
    name: &[u8],
    room: &mut [u8],
    mut attempt: impl FnMut(&CStr) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let (mut denied, mut last) = (false, Errno::NOENT);
    for directory in path.split(|&byte| byte == b':') {
        let Some(candidate) = join(room, directory, name) else { continue };
        match attempt(candidate) {
            Ok(()) => return Ok(()),
            Err(Errno::ACCESS) => denied = true,
            Err(errno) if is_elsewhere(errno) => last = errno,
            Err(errno) => return Err(errno),
        }
    }
    Err(if denied { Errno::ACCESS } else { last })
}

/// Whether an error says that the program is not there, rather than that something is wrong with it.
fn is_elsewhere(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::STALE | Errno::NOTDIR | Errno::NODEV | Errno::TIMEDOUT)
}

/// PATH of this process, also where the program gets another.
fn path() -> &'static [u8] {
    let mut variables = Strings::environment().pointers().map(strings::bytes);
    variables.find_map(|variable| variable.strip_prefix(b"PATH=")).unwrap_or(ORDINARY)
}

fn join<'b>(buffer: &'b mut [u8], directory: &[u8], name: &[u8]) -> Option<&'b CStr> {
    if directory.len() >= PATH_MAX {
        return None;
    }
    let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
    let mut length = 0;
    for part in [directory, slash, name, b"\0"] {
        buffer.get_mut(length..length + part.len())?.copy_from_slice(part);
        length += part.len();
    }
    CStr::from_bytes_with_nul(buffer.get(..length)?).ok()
}
