//! chdir, fchdir, getcwd and their relatives.

use std::ffi::{c_char, c_int, c_void};

use rustix::io::Errno;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::args::{CPath, Room, answer, fail, give};
use crate::sys::{environment, lend, marked};
use crate::vfs::find::Work;
use crate::vfs::{cwd, directory};

hook! {
    /// chdir(2)
    real => fn chdir(path: CPath) -> c_int {
        let mut work = Work::default();
        let kernel = |path| {
            let changed = real(path);
            cwd::forget();
            changed
        };
        answer(path, directory::change(path.bytes(), &mut work), kernel, |()| Ok(0))
    }
}

hook! {
    /// fchdir(2)
    real => fn fchdir(descriptor: c_int) -> c_int {
        if let Err(errno) = directory::may_enter_descriptor(descriptor) {
            return fail(errno);
        }
        let changed = real(descriptor);
        cwd::forget();
        changed
    }
}

/// getcwd(3) with the path in `buffer`: into the program's room, or into memory that it frees.
fn put(path: &[u8], room: *mut c_char, size: usize) -> Result<*mut c_char, Errno> {
    if room.is_null() {
        if size != 0 && size <= path.len() {
            return Err(Errno::RANGE);
        }
        return lend::string(path, size).ok_or(Errno::NOMEM);
    }
    let room_for = Room::new(room, size);
    if size == 0 {
        return Err(Errno::INVAL);
    }
    if size <= path.len() {
        return Err(Errno::RANGE);
    }
    room_for.fill(path)?;
    Room::new(room.wrapping_add(path.len()), 1).fill(&[0])?;
    Ok(room)
}

/// As getcwd; `None`: the kernel is to be asked.
fn ours(room: *mut c_char, size: usize) -> Option<*mut c_char> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    match directory::path(buffer) {
        Ok(None) => None,
        Ok(Some(length)) => Some(give(put(buffer.get(..length).unwrap_or(b"/"), room, size))),
        Err(_) if size == 0 && !room.is_null() => Some(fail(Errno::INVAL)),
        // Then the C library goes up by itself, as far as it is.
        Err(Errno::NAMETOOLONG) => match directory::long_path() {
            Ok(path) => path.map(|path| give(put(&path, room, size))),
            Err(errno) => Some(fail(errno)),
        },
        Err(errno) => Some(fail(errno)),
    }
}

hook! {
    /// getcwd(3)
    real => fn getcwd(room: *mut c_char, size: usize) -> *mut c_char {
        ours(room, size).unwrap_or_else(|| {
            let words = [room.expose_provenance(), size];
            // SAFETY: a function of these two arguments, which returns the room or null.
            let said = unsafe { marked::through(real as *const c_void, words) };
            std::ptr::with_exposed_provenance_mut(said)
        })
    }
}

hook! {
    /// getcwd(3), fortified: what is too long for the room ends the program, as libc has it.
    real => fn __getcwd_chk(room: *mut c_char, size: usize, known: usize) -> *mut c_char {
        if size > known {
            return real(room, size, known);
        }
        ours(room, size).unwrap_or_else(|| real(room, size, known))
    }
}

hook! {
    /// getwd(3): the room has PATH_MAX bytes.
    real => fn getwd(room: *mut c_char) -> *mut c_char {
        if room.is_null() {
            return real(room);
        }
        ours(room, PATH_MAX).unwrap_or_else(|| real(room))
    }
}

hook! {
    /// getwd(3), fortified.
    real => fn __getwd_chk(room: *mut c_char, known: usize) -> *mut c_char {
        let mut buffer = Scratch::default();
        let buffer = buffer.bytes();
        match directory::path(buffer) {
            Ok(Some(length)) if length < known && !room.is_null() => {
                ours(room, PATH_MAX).unwrap_or_else(|| real(room, known))
            }
            Err(errno) if !room.is_null() => fail(errno),
            _ => real(room, known),
        }
    }
}

hook! {
    /// get_current_dir_name(3): what the shell calls it, if that is it.
    real => fn get_current_dir_name() -> *mut c_char {
        let node = match directory::node() {
            Ok(Some(node)) => node,
            Ok(None) => return real(),
            Err(errno) => return fail(errno),
        };
        match environment::variable(b"PWD").filter(|path| directory::leads_to(path, node)) {
            Some(path) => give(lend::string(path, 0).ok_or(Errno::NOMEM)),
            None => ours(std::ptr::null_mut(), 0).unwrap_or_else(|| real()),
        }
    }
}
