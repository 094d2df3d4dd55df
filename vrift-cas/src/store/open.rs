//! Creating and opening a store.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, chmodat, chownat, mkdirat, open, openat};
use rustix::io::Errno;

use super::buffers::Buffers;
use super::mark::Marks;
use super::staging::{Sessions, directory_flags, random_hex, sync_directory_of};
use super::{Store, Writer, blobs, boot, format};
use crate::Digest;
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::layout::{self, BlobName, DIRECTORIES, DIRECTORY_MODE};
use crate::stamp::Uptime;

impl Store {
    /// Opens the store at `root` for reading and writing; makes one if there is nothing, or an empty
    /// directory. Several processes may do so at the same time.
    pub fn create_or_open(root: impl AsRef<Path>) -> Result<Store, StoreError> {
        let root = root.as_ref();
        match Store::open(root) {
            Err(StoreError::Missing { .. }) => {}
            other => return other,
        }
        create(root)?;
        Store::open(root)
    }

    /// Opens the store at `root` for reading and writing.
    pub fn open(root: impl AsRef<Path>) -> Result<Store, StoreError> {
        let mut store = Store::open_read_only(root)?;
        let owner = owner_of(&store.root)?;
        let staging = directory(&store.root, layout::STAGING, &store.blobs)?;
        let active = directory(&store.root, layout::ACTIVE, &store.blobs)?;
        let sessions = Sessions::new(staging, store.staging_dir(), owner);
        let boot = boot::number(&store, &sessions)?;
        store.writer = Some(Writer {
            active,
            boot: AtomicU32::new(boot),
            marks: read_marks(&store.root),
            uptime: Uptime::new(),
            sessions,
            floor: AtomicU64::new(0),
        });
        // An empty file is so common that nobody wants to ask whether its content is there.
        if let Err(Errno::NOENT) = Facts::at(&store.blobs, BlobName::of(&Digest::EMPTY).path()) {
            store.put_bytes(b"")?;
        }
        Ok(store)
    }

    /// Opens the store at `root` for reading only: nothing in it is changed, and it may lie on a read-only file
    /// system.
    pub fn open_read_only(root: impl AsRef<Path>) -> Result<Store, StoreError> {
        let root = root.as_ref();
        let path = root.join(layout::FORMAT);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = match open(&path, flags, Mode::empty()) {
            Err(Errno::NOENT) => match what_is_there(root) {
                // Another process may have made the store between the two looks.
                instead @ StoreError::NotAStore { .. } => {
                    open(&path, flags, Mode::empty()).map_err(|_| instead)?
                }
                instead => return Err(instead),
            },
            Err(Errno::NOTDIR) => return Err(not_a_store(root, "it is not a directory")),
            other => other.at("open", &path)?,
        };
        let mut text = Vec::new();
        File::from(file).take(4096).read_to_end(&mut text).at("read", &path)?;
        let id = format::parse(root, &text)?;
        let blobs_path = root.join(layout::BLOBS);
        let blobs = open(&blobs_path, directory_flags(), Mode::empty()).at("open", &blobs_path)?;
        let trash = directory(root, layout::TRASH, &blobs)?;
        let buffers = Buffers::default();
        Ok(Store { root: root.to_owned(), id, blobs, trash, buffers, writer: None })
    }
}

/// Opens a directory of the store, which must be where blobs can be renamed to.
fn directory(root: &Path, name: &str, blobs: &OwnedFd) -> Result<OwnedFd, StoreError> {
    let path = root.join(name);
    let opened = open(&path, directory_flags(), Mode::empty()).at("open", &path)?;
    let (here, there) = (Facts::of(&opened), Facts::of(blobs));
    if here.at("examine", &path)?.device != there.at("examine", &path)?.device {
        return Err(StoreError::Split { path });
    }
    Ok(opened)
}

/// There is no file `format` in `root`: nothing at all, a place where a store can be made, or something
/// else, which must not be touched?
fn what_is_there(root: &Path) -> StoreError {
    let directory = match open(root, directory_flags(), Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return StoreError::Missing { path: root.into() },
        Err(Errno::NOTDIR) => return not_a_store(root, "it is not a directory"),
        Err(errno) => return StoreError::new("open", root, errno),
    };
    let names = match blobs::list(&directory) {
        Ok(names) => names,
        Err(errno) => return StoreError::new("list", root, errno),
    };
    // Directories of ours without a format file are a creation that was interrupted, or is going on.
    let foreign = names.iter().find(|name| !DIRECTORIES.iter().any(|own| own.as_bytes() == *name));
    if let Some(foreign) = foreign {
        let foreign = String::from_utf8_lossy(foreign);
        return not_a_store(root, &format!("it holds '{foreign}' and no file 'format'"));
    }
    let has_blobs = openat(&directory, layout::BLOBS, directory_flags(), Mode::empty())
        .and_then(|blobs| blobs::list(&blobs))
        .is_ok_and(|names| !names.is_empty());
    if has_blobs {
        return not_a_store(root, "it holds blobs, but its file 'format' is missing");
    }
    StoreError::Missing { path: root.into() }
}

fn not_a_store(path: &Path, why: &str) -> StoreError {
    StoreError::NotAStore { path: path.into(), why: why.into() }
}

/// Makes the directories, then the file `format`, which makes it a store.
fn create(root: &Path) -> Result<(), StoreError> {
    if let Some(parent) = root.parent() {
        std::fs::create_dir_all(parent).at("create", parent)?;
    }
    make_directory(root, None)?;
    let owner = owner_of(root)?;
    for name in DIRECTORIES {
        make_directory(&root.join(name), owner)?;
    }
    let path = root.join(layout::STAGING);
    let staging = open(&path, directory_flags(), Mode::empty()).at("open", &path)?;
    let mut staged = Sessions::new(staging, path, owner).stage()?;
    let text = format::text(&random_hex::<16>().at("name", root)?);
    staged.write_all(text.as_bytes()).at("write", staged.path())?;
    // Whoever is first names the store; a second one must not name it anew.
    staged.publish_new(&root.join(layout::FORMAT), 0o600)?;
    sync_directory_of(root)
}

/// To whom everything in the store is given, if that is not who makes it: of root's work in a user's store the
/// user must be able to use everything.
fn owner_of(root: &Path) -> Result<Option<(u32, u32)>, StoreError> {
    let directory = open(root, directory_flags(), Mode::empty()).at("open", root)?;
    let facts = Facts::of(&directory).at("examine", root)?;
    let give = rustix::process::geteuid().is_root() && facts.uid != 0;
    Ok(give.then_some((facts.uid, facts.gid)))
}

fn make_directory(path: &Path, owner: Option<(u32, u32)>) -> Result<(), StoreError> {
    let mode = Mode::from_raw_mode(DIRECTORY_MODE);
    match mkdirat(CWD, path, mode) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(StoreError::new("create", path, errno)),
    }
    // Also what was there: an empty directory that somebody has prepared becomes private now.
    chmodat(CWD, path, mode, AtFlags::empty()).at("set the mode of", path)?;
    match owner {
        Some((uid, gid)) => {
            let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            chownat(CWD, path, uid, gid, AtFlags::SYMLINK_NOFOLLOW).at("change the owner of", path)
        }
        None => Ok(()),
    }
}

/// What earlier syncs left. Files that cannot be read are as good as none.
fn read_marks(root: &Path) -> Marks {
    let mut marks = Marks::default();
    for name in [layout::MARK_BEFORE, layout::MARK] {
        let text = std::fs::read(root.join(name)).ok();
        if let Some(more) = text.and_then(|text| Marks::parse(&text)) {
            marks.merge(more);
        }
    }
    marks
}
