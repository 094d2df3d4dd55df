//! A directory of its own on the file system of the store, which goes away with all that is in it.
//!
//! It is locked as long as it is used, so that the next doctor knows what a killed one has left, and removes it.

use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, accessat, flock};
use vrift_cas::Store;
use vrift_manifest::workspace::{Home, drop_workspace};

use crate::error::{Error, Result};
use crate::home;

use super::memory::is_in_memory;

const PREFIX: &str = ".vrift-doctor-";

/// The directory.
pub struct Scratch {
    root: PathBuf,
    /// Another one in memory, where there is a place for it: for live indexes.
    runtime: Option<(PathBuf, OwnedFd)>,
    #[expect(dead_code, reason = "it is held")]
    lock: OwnedFd,
}

impl Scratch {
    /// One on the file system on which the store is, or would be made.
    pub fn at(store: &Path) -> Result<Scratch> {
        let place = place(store);
        clear(&place);
        let name = format!("{PREFIX}{}", std::process::id());
        let root = place.join(&name);
        let failed = |error: std::io::Error| Error::at("create", &root, error);
        let make = |path: &Path| fs::DirBuilder::new().mode(0o700).create(path);
        make(&root).map_err(failed)?;
        let mut scratch = Scratch { lock: locked(&root).map_err(failed)?, root, runtime: None };
        let runtime = home::runtime_directories().into_iter().find(|place| is_in_memory(place));
        if let Some(place) = runtime {
            clear(&place);
            let path = place.join(name);
            scratch.runtime =
                make(&path).and_then(|()| locked(&path)).ok().map(|lock| (path, lock));
        }
        for name in ["project", "tmp", "native"] {
            let path = scratch.path(name);
            fs::create_dir(&path).map_err(|error| Error::at("create", &path, error))?;
        }
        Ok(scratch)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A file in it.
    pub fn file(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, content).map_err(|error| Error::at("write", &path, error))?;
        Ok(path)
    }

    /// A file in it, opened to read.
    pub fn opened(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        File::open(&path).map_err(|error| Error::at("open", &path, error))
    }

    /// Its store.
    pub fn home(&self) -> Result<Home> {
        let store = Store::create_or_open(self.path("store"))?;
        Ok(Home::new(Arc::new(store), &self.runtime_directories()))
    }

    /// Where live indexes may lie.
    pub fn runtime_directories(&self) -> Vec<PathBuf> {
        match &self.runtime {
            Some((path, _)) => vec![path.clone()],
            None => home::runtime_directories(),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.runtime.is_none() {
            self.drop_workspaces();
        }
        // Nothing more can be done if this fails.
        let _ = fs::remove_dir_all(&self.root);
        if let Some((path, _)) = &self.runtime {
            let _ = fs::remove_dir_all(path);
        }
    }
}

impl Scratch {
    /// With what they have where those of the user lie.
    fn drop_workspaces(&self) {
        let Ok(store) = Store::open(self.path("store")) else { return };
        let home = Home::new(Arc::new(store), &home::runtime_directories());
        for name in home.names().unwrap_or_default() {
            let _ = drop_workspace(&home, &name);
        }
    }
}

/// Where it is to lie: in the store, which may be a mount of its own or the only place that can be written; beside it, or
/// beside the first directory that would have to be made, where there is none yet.
fn place(store: &Path) -> PathBuf {
    let can_be_written = |path: &Path| {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        accessat(CWD, path, access, AtFlags::EACCESS).is_ok()
    };
    let above = store.ancestors().skip(1).find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    let device = |path: &Path| fs::metadata(path).ok().map(|about| about.dev());
    let beside = !store.is_dir() || device(store) == device(above) && can_be_written(above);
    // What is no store is not to be touched.
    let is_store = store.join("format").is_file();
    if beside || !is_store { above.to_owned() } else { store.to_owned() }
}

fn locked(path: &Path) -> std::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty())?;
    flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
    Ok(directory)
}

/// Removes what killed doctors of this user have left.
fn clear(place: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if !entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        let Ok(lock) = locked(&path) else { continue };
        if rustix::fs::fstat(lock.as_fd()).is_ok_and(|about| about.st_uid == own) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}
