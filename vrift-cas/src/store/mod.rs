//! The store: one directory, and what this process knows about it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::fd::OwnedFd;

use crate::error::StoreError;
use crate::layout;
use crate::stamp::{Stamp, Uptime};

pub(crate) mod activity;
mod aside;
pub(crate) mod blobs;
mod boot;
mod buffers;
pub(crate) mod clear;
mod format;
pub(crate) mod gc;
mod lock;
mod mark;
mod open;
pub(crate) mod put;
mod read;
pub(crate) mod staging;
mod sync;
mod trash;
mod trust;
pub(crate) mod verify;

pub(crate) use read::flags as read_flags;

use buffers::Buffers;
use mark::Marks;
use staging::Sessions;

/// A content store. `Send` and `Sync`: share one by reference or in an `Arc`; other processes may work in
/// the same store at the same time.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    id: String,
    /// `blobs/`. The file descriptor also receives the errors of write-back, see `sync.rs`.
    blobs: OwnedFd,
    trash: OwnedFd,
    buffers: Buffers,
    writer: Option<Writer>,
}

/// What only a store that is open for writing has.
#[derive(Debug)]
struct Writer {
    active: OwnedFd,
    /// The number of this boot, see `boot.rs`. It changes only when a sync fails.
    boot: AtomicU32,
    /// What earlier boots are known to have brought to the disk.
    marks: Marks,
    uptime: Uptime,
    sessions: Sessions,
    /// When the youngest activity of this process began, as boot << 32 | tick.
    floor: AtomicU64,
}

impl Store {
    /// The number of this boot, as the store counts them; 0: nothing is known of it, or the store is read-only.
    pub fn boot(&self) -> u32 {
        self.writer.as_ref().map_or(0, |writer| writer.boot.load(Ordering::Relaxed))
    }

    /// The directory of the store, as it was given.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The name that the store got when it was created: 32 hex digits, unlike those of any other store.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the store was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.writer.is_none()
    }

    /// Where images of trees are kept. The store makes the directory and never looks into it.
    pub fn images_dir(&self) -> PathBuf {
        self.root.join(layout::IMAGES)
    }

    /// Where segments of journals are kept. The store makes the directory and never looks into it.
    pub fn journals_dir(&self) -> PathBuf {
        self.root.join(layout::JOURNALS)
    }

    /// Where workspaces are kept. The store makes the directory and never looks into it.
    pub fn workspaces_dir(&self) -> PathBuf {
        self.root.join(layout::WORKSPACES)
    }

    /// Where blobs are kept.
    pub fn blobs_dir(&self) -> PathBuf {
        self.root.join(layout::BLOBS)
    }

    /// Where content is written before it has a name.
    pub fn staging_dir(&self) -> PathBuf {
        self.root.join(layout::STAGING)
    }

    /// Where content that nobody needs waits for its end.
    pub fn trash_dir(&self) -> PathBuf {
        self.root.join(layout::TRASH)
    }

    fn writer(&self, action: &'static str) -> Result<&Writer, StoreError> {
        let path = || self.root.clone();
        self.writer.as_ref().ok_or_else(|| StoreError::OpenedReadOnly { action, path: path() })
    }

    fn blob_path(&self, digest: &crate::Digest) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        let name = layout::BlobName::of(digest);
        self.blobs_dir().join(std::ffi::OsStr::from_bytes(name.path()))
    }
}

impl Writer {
    /// The stamp of what is complete now.
    fn stamp(&self) -> Stamp {
        Stamp { boot: self.boot.load(Ordering::Relaxed), tick: self.uptime.tick() }
    }
}
