//! realpath and canonicalize_file_name.

use std::ffi::c_char;

use rustix::io::Errno;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below};

use super::args::{CPath, Room, fail, give};
use crate::sys::{errno, lend};
use crate::vfs::{canonical, session};

/// The path into the program's room of PATH_MAX bytes, or into memory that it frees; `None`: it is the C library's.
fn ours(name: CPath, room: *mut c_char) -> Option<*mut c_char> {
    let path = name.text()?;
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let (length, errno) = match canonical::resolve(path, buffer) {
        Ok(None) => (of_kernel(path, name, buffer)?, None),
        Ok(Some(length)) => (length, None),
        Err(failed) => (failed.partial, Some(failed.errno)),
    };
    let text = buffer.get(..length).unwrap_or(b"");
    match errno {
        None if room.is_null() => Some(give(lend::string(text, 0).ok_or(Errno::NOMEM))),
        None => Some(give(put(text, room).map(|()| room))),
        Some(errno) => {
            // What is not there, or cannot be looked at, is named in the room, as the C library does it.
            if matches!(errno, Errno::NOENT | Errno::ACCESS) && !room.is_null() && length != 0 {
                let _ = put(text, room);
            }
            Some(fail(errno))
        }
    }
}

/// A link of the kernel's to what the process holds (its program, its directory, what it has open) is resolved by reading
/// it, if that leads into the tree.
fn of_kernel(path: &[u8], name: CPath, buffer: &mut [u8; PATH_MAX]) -> Option<usize> {
    if !path.starts_with(b"/proc/") && !path.starts_with(b"/dev/") {
        return None;
    }
    let given = session::given()?;
    let room = buffer.as_mut_ptr().cast();
    let read = errno::kept(|| super::readlink::readlink(name, room, PATH_MAX));
    let length = usize::try_from(read).ok().filter(|&length| length < PATH_MAX)?;
    below(buffer.get(..length)?, &given.mount).map(|_| length)
}

fn put(text: &[u8], room: *mut c_char) -> Result<(), Errno> {
    Room::new(room, PATH_MAX).fill(text)?;
    Room::new(room.wrapping_add(text.len()), 1).fill(&[0])?;
    Ok(())
}

hook! {
    /// realpath(3)
    real => fn realpath(path: CPath, room: *mut c_char) -> *mut c_char {
        ours(path, room).unwrap_or_else(|| real(path, room))
    }
}

hook! {
    /// realpath(3), fortified: a room that is too small ends the program, as libc has it.
    real => fn __realpath_chk(path: CPath, room: *mut c_char, known: usize) -> *mut c_char {
        if known < PATH_MAX {
            return real(path, room, known);
        }
        ours(path, room).unwrap_or_else(|| real(path, room, known))
    }
}

hook! {
    /// canonicalize_file_name(3)
    real => fn canonicalize_file_name(path: CPath) -> *mut c_char {
        ours(path, std::ptr::null_mut()).unwrap_or_else(|| real(path))
    }
}
