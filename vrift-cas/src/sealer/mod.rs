//! A store by its paths alone: for a process that may keep no descriptor open, allocates nothing and asks libc for nothing.
//!
//! A [`Store`](crate::Store) is opened; a sealer is only told where one is. It opens blobs, and it makes files that were
//! written elsewhere on the store's file system into blobs by giving them a second name. Whoever does so has made sure
//! that nobody can write the file any more.

mod blob_path;
mod keep;
mod stamp;

use std::ffi::CStr;
use std::sync::atomic::AtomicU8;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, open, renameat_with};
use rustix::io::{Errno, retry_on_intr};

use crate::Digest;
use crate::layout::{BlobName, trash_name};
use crate::path::with_path;

pub use blob_path::BlobPath;
use blob_path::Way;
pub use keep::{Standing, make_directory};

/// A store by its paths.
#[derive(Debug)]
pub struct Sealer {
    root: Box<[u8]>,
    /// The directory of the blobs, if it is not too deep.
    way: Option<Way>,
    /// What is known of this process's clocks, see `stamp`.
    clocks: AtomicU8,
    /// A blob that is there already is compared with its digest, whatever its stamp says.
    verifies: bool,
}

impl Sealer {
    /// The store at `root`, an absolute path. Nothing is looked at.
    pub fn new(root: &[u8]) -> Sealer {
        let way = Way::new(&[root, b"/blobs/"].concat());
        Sealer { root: root.into(), way, clocks: AtomicU8::new(0), verifies: false }
    }

    /// The same, which believes no blob: [`Sealer::blob_path`] has no path to it, and what is to become one takes the place of
    /// one that is damaged.
    pub fn verifying(self) -> Sealer {
        Sealer { way: None, verifies: true, ..self }
    }

    /// The path of a blob, whether there is one or not. `None`: the store lies too deep, or there are to be none; [`Sealer::with_blob`] has any.
    #[inline(always)]
    pub fn blob_path(&self, digest: &Digest) -> Option<BlobPath> {
        self.way.as_ref()?.to(digest)
    }

    /// Runs `work` with the path of a blob, whether there is one or not.
    pub fn with_blob<T>(
        &self,
        digest: &Digest,
        work: impl FnOnce(&CStr) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        with_path(&[&self.root, b"/blobs/", BlobName::of(digest).path()], work)
    }

    fn with_trash<T>(
        &self,
        digest: &Digest,
        work: impl FnOnce(&CStr) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        with_path(&[&self.root, b"/trash/", &trash_name(digest)], work)
    }

    /// Opens a blob for reading, with further `flags`; one that gc has moved to the trash is brought back.
    pub fn open(&self, digest: &Digest, flags: OFlags) -> Result<OwnedFd, Errno> {
        let open_at = |path: &CStr| {
            retry_on_intr(|| open(path, OFlags::RDONLY | OFlags::NOFOLLOW | flags, Mode::empty()))
        };
        match self.with_blob(digest, open_at) {
            Err(Errno::NOENT) => {}
            other => return other,
        }
        let _ = self.bring_back(digest);
        self.with_blob(digest, open_at)
    }

    /// Brings a blob back from the trash, unless there is one in its place.
    #[cold]
    fn bring_back(&self, digest: &Digest) -> Result<(), Errno> {
        self.with_trash(digest, |trash| {
            self.with_blob(digest, |blob| {
                renameat_with(CWD, trash, CWD, blob, RenameFlags::NOREPLACE)
            })
        })
    }
}
