//! Removing what an apply has replaced: only what is as it was seen, and what nobody is writing.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, chmod, openat, unlinkat};
use rustix::io::Errno;
use vrift_cas::{Digest, Hasher, Store};
use vrift_manifest::attributes::Kind;
use vrift_manifest::lease;

use super::place::{is_as_seen, listable, look, names_in, path_of};
use super::temporary::is_part;
use crate::ingest::Tree;

/// Whether an entry, which was moved to `name`, is what was seen as the entry `index`, with all that is below it.
pub fn is_unchanged(above: BorrowedFd<'_>, name: &CStr, real: &Tree, index: usize) -> bool {
    let Some(seen) = real.entries().get(index) else { return false };
    let is_it = || look(above, name).is_ok_and(|stat| is_as_seen(&stat, seen, true));
    if !is_it() {
        return false;
    }
    match seen.kind() {
        Kind::File => !is_being_written(above, name) && is_it(),
        Kind::Directory => {
            let Ok(directory) = listable(above, name) else { return false };
            let Ok(names) = names_in(&directory) else { return false };
            names.iter().all(|name| {
                let child = seen.children().find(|&child| {
                    real.entries()
                        .get(child)
                        .is_some_and(|entry| real.name(entry) == name.to_bytes())
                });
                child.is_some_and(|child| is_unchanged(directory.as_fd(), name, real, child))
            })
        }
        _ => true,
    }
}

/// Whether somebody has a file open, or mapped, for writing. Where the kernel does not say it, it is taken for no.
pub fn is_being_written(above: BorrowedFd<'_>, name: &CStr) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = openat(above, name, flags, Mode::empty()) else { return false };
    match lease::take(file.as_fd()) {
        Err(Errno::AGAIN) => true,
        _ => {
            lease::give_up(file.as_fd());
            false
        }
    }
}

/// Removes what was seen as the entry `index`, and nothing that has come to it since.
pub fn remove_seen(
    above: BorrowedFd<'_>,
    name: &CStr,
    real: &Tree,
    index: usize,
) -> Result<(), Errno> {
    let Some(seen) = real.entries().get(index) else { return Err(Errno::NOENT) };
    if seen.kind() != Kind::Directory {
        return unlinkat(above, name, AtFlags::empty());
    }
    let directory = listable(above, name)?;
    for child in seen.children() {
        let Some(entry) = real.entries().get(child) else { continue };
        let name = std::ffi::CString::new(real.name(entry)).map_err(|_| Errno::INVAL)?;
        match remove_seen(directory.as_fd(), &name, real, child) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    unlinkat(above, name, AtFlags::REMOVEDIR)
}

/// Removes what an apply has made itself.
pub fn remove_own(above: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match unlinkat(above, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(Errno::NOENT) => return Ok(()),
        other => return other,
    }
    let directory = open_up(above, name)?;
    for name in names_in(&directory)? {
        remove_own(directory.as_fd(), &name)?;
    }
    unlinkat(above, name, AtFlags::REMOVEDIR)
}

/// Opens a directory of our own, which may be one that is not to be written.
fn open_up(above: BorrowedFd<'_>, name: &CStr) -> Result<std::os::fd::OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = openat(above, name, flags, Mode::empty())?;
    chmod(path_of(&place), Mode::RWXU)?;
    listable(above, name)
}

/// Removes what a killed apply has left under a name of its own. `false`: it holds something that is nowhere else, and
/// stays.
pub fn remove_left(above: BorrowedFd<'_>, name: &CStr, store: &Store) -> Result<bool, Errno> {
    if !is_part(name.to_bytes()) && !is_known(above, name, store)? {
        return Ok(false);
    }
    remove_own(above, name).map(|()| true)
}

/// Whether the store has all contents below a name.
fn is_known(above: BorrowedFd<'_>, name: &CStr, store: &Store) -> Result<bool, Errno> {
    match FileType::from_raw_mode(look(above, name)?.st_mode) {
        FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = std::fs::File::from(openat(above, name, flags, Mode::empty())?);
            let known = digest(file).is_ok_and(|digest| store.contains(&digest).unwrap_or(false));
            Ok(known && !is_being_written(above, name))
        }
        FileType::Directory => {
            let directory = listable(above, name)?;
            for name in names_in(&directory)? {
                if !is_known(directory.as_fd(), &name, store)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

fn digest(mut file: std::fs::File) -> std::io::Result<Digest> {
    use std::io::Read;
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
