//! Checking a blob against its name.

use std::fs::File;
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{Advice, Mode, OFlags, fadvise, openat};
use rustix::io::Errno;

use super::{Store, read, trash};
use crate::Digest;
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::layout::{BlobName, trash_name};

/// What a blob turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Its bytes have the digest that its name says.
    Sound {
        /// Its length.
        size: u64,
    },
    /// It is not there, not in the trash either.
    Missing,
    /// Its length is not the expected one. Its bytes were not read.
    WrongSize {
        /// What was expected.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// Its bytes have another digest.
    WrongContent {
        /// The digest of what is there.
        found: Digest,
        /// The length of what is there.
        size: u64,
    },
    /// Something else than a file is in its place.
    NotAFile,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_sound(self) -> bool {
        matches!(self, Verdict::Sound { .. })
    }
}

impl Store {
    /// Reads a blob and compares its digest with its name. An error means that it could not be read: that,
    /// too, is damage, if the disk is at fault.
    pub fn verify(&self, digest: &Digest) -> Result<Verdict, StoreError> {
        self.check(digest, None)
    }

    /// As [`Store::verify`]; a blob of another length than `size` is told without reading it.
    pub fn verify_sized(&self, digest: &Digest, size: u64) -> Result<Verdict, StoreError> {
        self.check(digest, Some(size))
    }

    fn check(&self, digest: &Digest, expected: Option<u64>) -> Result<Verdict, StoreError> {
        // Twice, because between the two looks another process may bring it back, or collect it.
        for _ in 0..2 {
            let places = [
                (&self.blobs, BlobName::of(digest).path().to_vec(), self.blob_path(digest)),
                (&self.trash, trash_name(digest).to_vec(), trash::trash_path(self, digest)),
            ];
            for (directory, name, path) in places {
                match check_file(self, directory, &name, &path, digest, expected)? {
                    Verdict::Missing => {}
                    verdict => return Ok(verdict),
                }
            }
        }
        Ok(Verdict::Missing)
    }
}

/// Checks a file where it is, moving nothing: looking at a store must not change it.
pub(super) fn check_file(
    store: &Store,
    directory: &OwnedFd,
    name: &[u8],
    path: &Path,
    digest: &Digest,
    expected: Option<u64>,
) -> Result<Verdict, StoreError> {
    // Without `O_NONBLOCK` a FIFO in the place of a blob would hold us up; for files it means nothing.
    let file = match openat(directory, name, read::flags() | OFlags::NONBLOCK, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Verdict::Missing),
        // A symlink; a socket.
        Err(Errno::LOOP | Errno::NXIO) => return Ok(Verdict::NotAFile),
        other => File::from(other.at("open", path)?),
    };
    let facts = Facts::of(&file).at("examine", path)?;
    if !facts.is_file() {
        return Ok(Verdict::NotAFile);
    }
    if let Some(expected) = expected.filter(|size| *size != facts.size) {
        return Ok(Verdict::WrongSize { expected, found: facts.size });
    }
    let _ = fadvise(&file, 0, None, Advice::Sequential);
    let (found, size) = store.hash_file(&file).at("read", path)?;
    Ok(if found == *digest {
        Verdict::Sound { size }
    } else {
        Verdict::WrongContent { found, size }
    })
}
