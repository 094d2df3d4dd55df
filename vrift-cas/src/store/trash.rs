//! `trash/`: blobs that gc found unneeded wait here, still whole, until their grace is over. Whoever misses a
//! blob looks here and brings it back.

use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::Errno;

use super::Store;
use crate::Digest;
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::layout::{BlobName, digest_of_hex, trash_name};

/// All blobs in the trash, in the order of their digests.
pub(super) fn entries(store: &Store) -> Result<Vec<(Digest, Facts)>, StoreError> {
    let mut entries = Vec::new();
    for name in super::blobs::list(&store.trash).at("list", store.trash_dir())? {
        let Some(digest) = digest_of_hex(&name) else { continue };
        match Facts::at(&store.trash, &name) {
            Ok(facts) => entries.push((digest, facts)),
            // Brought back meanwhile.
            Err(Errno::NOENT) => {}
            Err(errno) => {
                return Err(StoreError::new("examine", trash_path(store, &digest), errno));
            }
        }
    }
    entries.sort_unstable_by_key(|(digest, _)| *digest);
    Ok(entries)
}

/// Brings a blob back, unless there is one in its place. Whether this call moved it.
pub(super) fn bring_back(store: &Store, digest: &Digest) -> Result<bool, StoreError> {
    let writer = store.writer("bring a blob back")?;
    let (from, to) = (trash_name(digest), BlobName::of(digest));
    for _ in 0..2 {
        let flags = RenameFlags::NOREPLACE;
        match renameat_with(&store.trash, from.as_slice(), &store.blobs, to.path(), flags) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => return Ok(false),
            // Either it is not in the trash, or its directory has never been made.
            Err(Errno::NOENT) => match Facts::at(&store.trash, from.as_slice()) {
                Err(Errno::NOENT) => return Ok(false),
                _ => {
                    let path = store.blob_path(digest);
                    let path = path.parent().unwrap_or(&path);
                    writer.sessions.make_directory(&store.blobs, to.directory(), path)?;
                }
            },
            Err(errno) => {
                return Err(StoreError::new("bring back", trash_path(store, digest), errno));
            }
        }
    }
    Ok(false)
}

/// For messages.
pub(super) fn trash_path(store: &Store, digest: &Digest) -> std::path::PathBuf {
    store.trash_dir().join(digest.to_string())
}
