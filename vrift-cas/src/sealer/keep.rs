//! Making a file a blob.

use std::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::{
    Advice, AtFlags, CWD, Mode, fadvise, linkat, mkdir, open, rename, unlink, utimensat,
};
use rustix::io::{Errno, pread, retry_on_intr};

use super::Sealer;
use crate::digest::{Digest, Hasher};
use crate::facts::Facts;
use crate::layout::{BLOB_MODE, BlobName, DIRECTORY_MODE, trash_name};
use crate::path::with_path;
use crate::stamp::TICKS_PER_SECOND;
use crate::store;

/// A blob that is used again after this time is stamped anew: as in a store that is open.
const STAMP_LASTS: u32 = 600 * TICKS_PER_SECOND;

/// What the blob is that was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The very file that was to become it.
    Same,
    /// Another one, and it can be believed.
    Sound,
    /// Another one, and it is not whole, or cannot be known to be.
    Doubtful,
    /// There is none any more.
    Gone,
}

impl Sealer {
    /// The mode that a file must have before it becomes a blob.
    pub const BLOB_MODE: u32 = BLOB_MODE;

    /// Gives the file at `path` the blob's name as well. ENOENT: the directory must be made before, see
    /// [`Sealer::make_room_for`]. EEXIST: there is a blob of this name, see [`Sealer::standing`].
    pub fn link(&self, path: &CStr, digest: &Digest) -> Result<(), Errno> {
        self.with_blob(digest, |blob| linkat(CWD, path, CWD, blob, AtFlags::empty()))
    }

    /// Makes the directory in which the blob belongs, given to `owner` if there is one.
    pub fn make_room_for(&self, digest: &Digest, owner: Option<(u32, u32)>) -> Result<(), Errno> {
        let name = BlobName::of(digest);
        with_path(&[&self.root, b"/blobs/", name.directory()], |path| make_directory(path, owner))
    }

    /// What the blob is that was found where a file of `size` bytes, the inode `inode` of the store's file system, was to
    /// become it. One that can be believed is safe from gc for a grace from now. `boot` is the store's number of this boot.
    pub fn standing(
        &self,
        digest: &Digest,
        size: u64,
        inode: u64,
        boot: u32,
    ) -> Result<Standing, Errno> {
        let facts = match self.with_blob(digest, |path| Facts::at(CWD, path)) {
            Err(Errno::NOENT) => return Ok(Standing::Gone),
            other => other?,
        };
        if facts.is_file() && facts.inode == inode {
            return Ok(Standing::Same);
        }
        if !facts.is_file() || facts.size != size {
            return Ok(Standing::Doubtful);
        }
        let trusted = !self.verifies && facts.stamp.is_some_and(|stamp| stamp.boot == boot);
        if !trusted && !self.is_right(digest, size) {
            return Ok(Standing::Doubtful);
        }
        let Some(now) = self.now(boot) else { return Ok(Standing::Sound) };
        let fresh = facts.stamp.is_some_and(|stamp| {
            stamp.boot == boot && now.tick.saturating_sub(stamp.tick) < STAMP_LASTS
        });
        if fresh {
            return Ok(Standing::Sound);
        }
        let stamped = self.with_blob(digest, |path| {
            utimensat(CWD, path, &now.times(), AtFlags::SYMLINK_NOFOLLOW)
        });
        match stamped {
            Ok(()) => Ok(Standing::Sound),
            Err(Errno::NOENT) => Ok(Standing::Gone),
            // Not our file: ours takes its place.
            Err(Errno::PERM) => Ok(Standing::Doubtful),
            Err(errno) => Err(errno),
        }
    }

    /// Puts the file at `path` in the blob's place, over the one that is there. It keeps its own name. `unique`: a name in
    /// the staging area that nobody else uses.
    pub fn replace(&self, path: &CStr, digest: &Digest, unique: &[u8]) -> Result<(), Errno> {
        let name = trash_name(digest);
        with_path(&[&self.root, b"/staging/", &name, b".", unique], |aside| {
            match linkat(CWD, path, CWD, aside, AtFlags::empty()) {
                // Left by somebody who was killed here.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            let replaced = self.with_blob(digest, |blob| rename(aside, blob));
            // Both were the same file, or it failed.
            let _ = unlink(aside);
            replaced
        })
    }

    /// Reads a blob that is not trusted. Unreadable is wrong: what replaces it is readable.
    fn is_right(&self, digest: &Digest, size: u64) -> bool {
        let opened = self.with_blob(digest, |path| {
            retry_on_intr(|| open(path, store::read_flags(), Mode::empty()))
        });
        let Ok(file) = opened else { return false };
        // What the page cache holds may never have reached the disk, if a write-back failed; ask the disk.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        matches!(hash(&file), Ok((found, length)) if found == *digest && length == size)
    }
}

/// Digest and length of a file. The buffer is small, because the stack may be, and out of line.
#[inline(never)]
fn hash(file: &OwnedFd) -> Result<(Digest, u64), Errno> {
    let mut buffer = [0; 16 << 10];
    let mut hasher = Hasher::new();
    let mut length = 0;
    loop {
        let read = retry_on_intr(|| pread(file, &mut buffer[..], length))?;
        if read == 0 {
            return Ok((hasher.finish(), length));
        }
        hasher.update(buffer.get(..read).unwrap_or(&[]));
        length += read as u64;
    }
}

/// Makes a directory of the store, whatever the umask; that it is there is fine.
pub fn make_directory(path: &CStr, owner: Option<(u32, u32)>) -> Result<(), Errno> {
    use rustix::fs::{Gid, Uid, chmodat, chown};
    let mode = Mode::from_raw_mode(DIRECTORY_MODE);
    match mkdir(path, mode) {
        Err(Errno::EXIST) => return Ok(()),
        other => other?,
    }
    chmodat(CWD, path, mode, AtFlags::empty())?;
    match owner {
        Some((uid, gid)) => chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))),
        None => Ok(()),
    }
}
