//! Where libraries of the tree lie for a loader: a directory of the workspace that is named after all that lies in it, in
//! which each has the path that it has in the tree. Nothing in it ever changes, so no loader finds what was there before.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use vrift_cas::Hasher;
use vrift_manifest::tree::path::below;

use super::dynamic::Edit;
use super::farm::{Descriptor, copy_to, make_directory};
use super::is_content;
use super::libraries::open;
use crate::sys::fd::Brief;
use crate::sys::vfork;
use crate::vfs::find;
use crate::vfs::session::Given;

/// The directory of all of them, in the farm.
pub const SHELVES: &[u8] = b"/farm/.libraries/";
/// Digits of a name.
pub const DIGITS: usize = 32;
/// It lies in a shelf that is complete.
const COMPLETE: &[u8] = b"/.complete";

/// A library that is to lie there.
pub struct Book {
    /// Its directory in the tree, as an absolute path.
    pub directory: Vec<u8>,
    /// Its name there.
    pub name: Vec<u8>,
    /// What that leads to.
    pub leads: Leads,
    /// What is other in it there, so that it is a copy.
    pub edits: Vec<Edit>,
}

impl Book {
    /// One that is as it is in the tree.
    pub fn new(directory: &[u8], name: &[u8], leads: Leads) -> Book {
        Book { directory: directory.to_vec(), name: name.to_vec(), leads, edits: Vec::new() }
    }
}

/// What a name leads to.
pub enum Leads {
    /// A node of the tree, and its file.
    Inside { node: u64, file: Version },
    /// A path outside.
    Outside(Vec<u8>),
}

/// A file of the kernel's as it is now. Its number goes to no other while it has a name on a shelf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Version([u64; 4]);

impl Version {
    /// That of an open file.
    pub fn of(file: BorrowedFd<'_>) -> Result<Version, Errno> {
        let stat = rustix::fs::fstat(file)?;
        let time = [stat.st_mtime as u64, stat.st_mtime_nsec as u64];
        Ok(Version([stat.st_ino, stat.st_size as u64, time[0], time[1]]))
    }
}

/// A shelf on which everything is.
pub struct Shelf {
    path: Vec<u8>,
}

impl Shelf {
    /// The one that holds `books`; it is made if it is not there.
    pub fn of(given: &'static Given, books: &[Book]) -> Result<Shelf, Errno> {
        let mut path = given.handover.store.as_os_str().as_bytes().to_vec();
        path.extend_from_slice(b"/workspaces/");
        path.extend_from_slice(given.handover.workspace.as_bytes());
        let farm = path.len() + b"/farm".len();
        path.extend_from_slice(SHELVES);
        let _ = write!(path, "{}", name_of(books));
        path.truncate(farm - b"/farm".len() + SHELVES.len() + DIGITS);
        // As long as the mount path, which is written over it (`abi/loaded.rs`).
        path.resize(path.len().max(given.mount.len()), b'/');
        let shelf = Shelf { path };
        let mark = [&shelf.path, COMPLETE].concat();
        if rustix::fs::statat(CWD, &*mark, AtFlags::SYMLINK_NOFOLLOW).is_err() {
            make_directories(&shelf.path, farm)?;
            for book in books {
                shelf.put(given, book)?;
            }
            make_directory(&*mark)?;
        }
        Ok(shelf)
    }

    /// Where what lies in a directory of the tree is.
    pub fn directory(&self, given: &Given, directory: &[u8]) -> Vec<u8> {
        [&self.path, below(directory, &given.mount).unwrap_or(b"")].concat()
    }

    /// The path of a library on it.
    pub fn path_of(&self, given: &Given, book: &Book) -> Vec<u8> {
        [&*self.directory(given, &book.directory), b"/", &book.name].concat()
    }

    fn put(&self, given: &'static Given, book: &Book) -> Result<(), Errno> {
        make_directories(&self.directory(given, &book.directory), self.path.len())?;
        let path = self.path_of(given, book);
        let put = match &book.leads {
            Leads::Outside(target) => rustix::fs::symlinkat(&**target, CWD, &*path),
            Leads::Inside { node, file: version } => {
                let file = open(given, find::by_number(given, *node)?)?;
                // It was written meanwhile.
                if Version::of(file.as_fd())? != *version {
                    return Err(Errno::AGAIN);
                }
                if book.edits.is_empty() && is_content(given, *node, file.as_fd())? {
                    let source = Descriptor::of(file.as_fd());
                    rustix::fs::linkat(CWD, source.path(), CWD, &*path, AtFlags::SYMLINK_FOLLOW)
                } else {
                    self.copy(file.as_fd(), &path, &book.edits)
                }
            }
        };
        // Another process is making the same.
        if put == Err(Errno::EXIST) { Ok(()) } else { put }
    }

    fn copy(&self, file: BorrowedFd<'_>, path: &[u8], edits: &[Edit]) -> Result<(), Errno> {
        let mut aside = self.path.clone();
        let _ = write!(aside, "/.{}.{}", vfork::process(), rustix::thread::gettid());
        copy_to(&aside, file)?;
        if !edits.is_empty() {
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let copy = Brief::new(rustix::fs::openat(CWD, &*aside, flags, Mode::empty())?);
            for &Edit(at, word) in edits {
                rustix::io::pwrite(copy.as_fd(), &word.to_le_bytes(), at)?;
            }
        }
        rustix::fs::renameat(CWD, &*aside, CWD, path)
    }
}

fn name_of(books: &[Book]) -> vrift_cas::Digest {
    let mut hasher = Hasher::new();
    for book in books {
        for text in [&book.directory, &book.name] {
            hasher.update(text);
            hasher.update(b"\0");
        }
        match &book.leads {
            Leads::Inside { file, .. } => {
                file.0.iter().for_each(|word| hasher.update(&word.to_le_bytes()))
            }
            Leads::Outside(target) => hasher.update(target),
        }
        for &Edit(at, word) in &book.edits {
            [at, word].iter().for_each(|word| hasher.update(&word.to_le_bytes()));
        }
        hasher.update(b"\0");
    }
    hasher.finish()
}

/// Makes the directories of a path from `known` on, which is there or of the farm.
fn make_directories(path: &[u8], known: usize) -> Result<(), Errno> {
    for (at, _) in path.iter().enumerate().skip(known).filter(|(_, byte)| **byte == b'/') {
        make_directory(path.get(..at).unwrap_or(path))?;
    }
    make_directory(path)
}

/// What is on a shelf, by its path from the tree's root on: of a path behind the farm's own.
pub fn in_tree(path: &[u8]) -> Option<&[u8]> {
    let name = SHELVES.get(b"/farm".len()..)?;
    Some(without_padding(path.strip_prefix(name)?.get(DIGITS..)?))
}

/// A path behind the farm's own, of which the first of several slashes are there to make it longer.
pub fn without_padding(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    path.get(slashes.saturating_sub(1)..).unwrap_or(path)
}
