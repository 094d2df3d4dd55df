//! Finding and opening blobs.

use std::fs::File;

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::{Errno, pread, retry_on_intr};

use super::{Store, trash};
use crate::digest::{Digest, Hasher};
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::holes::{may_have_holes, stretch};
use crate::layout::{BlobName, trash_name};

/// How much is read at once where content only passes through: fits the second-level cache.
pub(super) const CHUNK: usize = 256 << 10;

impl Store {
    /// Opens a blob for reading. A blob that gc has moved to the trash is brought back (in a store that was
    /// opened read-only, it is opened where it is).
    ///
    /// The content is not checked: that takes as long as reading it. See [`Store::verify`].
    pub fn open_blob(&self, digest: &Digest) -> Result<File, StoreError> {
        // Twice, because between the two looks another process may bring it back, or collect it.
        for _ in 0..2 {
            match self.open_in_place(digest) {
                Err(Errno::NOENT) => {}
                other => return other.at("open", self.blob_path(digest)),
            }
            // Opened before it is brought back: a store that cannot be written to can still be read.
            match openat(&self.trash, trash_name(digest).as_slice(), flags(), Mode::empty()) {
                Err(Errno::NOENT) => {}
                other => {
                    let file = other.at("open", trash::trash_path(self, digest))?;
                    if !self.is_read_only() {
                        match trash::bring_back(self, digest) {
                            Err(StoreError::ReadOnly { .. } | StoreError::Denied { .. }) => {}
                            other => drop(other?),
                        }
                    }
                    return Ok(file.into());
                }
            }
        }
        Err(StoreError::NoBlob { digest: *digest, path: self.root.clone() })
    }

    /// The length of a blob; none if the store does not hold it.
    pub fn size_of(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        for _ in 0..2 {
            match Facts::at(&self.blobs, BlobName::of(digest).path()) {
                Err(Errno::NOENT) => {}
                other => {
                    let facts = other.at("examine", self.blob_path(digest))?;
                    return Ok(facts.is_file().then_some(facts.size));
                }
            }
            match Facts::at(&self.trash, trash_name(digest).as_slice()) {
                Err(Errno::NOENT) => {}
                other => {
                    let facts = other.at("examine", trash::trash_path(self, digest))?;
                    return Ok(facts.is_file().then_some(facts.size));
                }
            }
        }
        Ok(None)
    }

    /// Whether the store holds a blob, be it in the trash.
    pub fn contains(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.size_of(digest).map(|size| size.is_some())
    }

    pub(super) fn open_in_place(&self, digest: &Digest) -> Result<File, Errno> {
        openat(&self.blobs, BlobName::of(digest).path(), flags(), Mode::empty()).map(File::from)
    }

    /// Digest and length of what a file holds, read from its beginning whatever its position.
    pub(super) fn hash_file(&self, file: &File) -> Result<(Digest, u64), Errno> {
        let mut hasher = Hasher::new();
        let mut length = 0;
        let mut buffer = self.buffer();
        // Of a file of ours, whose position nobody uses.
        let size = fstat(file).ok().filter(may_have_holes).map_or(0, |stat| stat.st_size as u64);
        loop {
            if length < size {
                let stretch = stretch(file, length, size);
                if stretch.is_hole {
                    hasher.update_zeros(stretch.end - length);
                    length = stretch.end;
                    continue;
                }
            }
            buffer.clear();
            buffer.reserve_exact(CHUNK);
            let read =
                retry_on_intr(|| pread(file, rustix::buffer::spare_capacity(&mut buffer), length))?;
            if read == 0 {
                return Ok((hasher.finish(), length));
            }
            hasher.update(&buffer);
            length += read as u64;
        }
    }
}

/// How blobs are opened: a symlink in the place of a blob is not followed.
pub(crate) fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW
}
