//! Images and segments that gc found unneeded wait in the trash before they are removed; whoever misses one looks there
//! and brings it back.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use vrift_cas::Store;

/// Where a file of the store's directory `images` or `journals` waits.
pub fn place(store: &Store, path: &Path) -> Option<PathBuf> {
    let (directory, name) = (path.parent()?.file_name()?, path.file_name()?);
    Some(store.trash_dir().join(directory).join(name))
}

/// Opens a file of `images` or `journals`, if need be out of the trash.
pub fn open(store: &Store, path: &Path) -> io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    if bring_back(store, path)? || store.is_read_only() {
        let place = place(store, path).filter(|_| store.is_read_only());
        return File::open(place.as_deref().unwrap_or(path));
    }
    File::open(path)
}

/// Brings a file back, unless there is one in its place; whether this call did.
pub fn bring_back(store: &Store, path: &Path) -> io::Result<bool> {
    let Some(place) = place(store, path).filter(|_| !store.is_read_only()) else {
        return Ok(false);
    };
    match renameat_with(CWD, &place, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::EXIST) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Moves a file to the trash; whether it was there.
pub fn put(store: &Store, path: &Path) -> io::Result<bool> {
    let Some(place) = place(store, path) else { return Ok(false) };
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::rename(path, place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other.map(|()| true),
    }
}
