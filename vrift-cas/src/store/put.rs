//! Putting content into the store.
//!
//! A blob is written in the staging area, sealed (owner, mode, stamp) and then renamed to its place, so that
//! under a blob's name there is never a part of it, whoever dies when. Nothing is synced one by one: that is
//! [`Store::sync`]'s.

use std::fs::File;
use std::io::{ErrorKind, Read};

use rustix::fs::{SeekFrom, fstat, ftruncate, ioctl_ficlone, seek, tell};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

use super::read::CHUNK;
use super::staging::Staged;
use super::{Store, Writer};
use crate::digest::{Digest, Hasher};
use crate::error::{At, StoreError};
use crate::holes::{Stretch, may_have_holes, stretch};
use crate::layout::BlobName;
use crate::limit::within_limit;

/// Content up to this size is read whole and hashed before anything is written, so that what the store holds
/// already costs no writing.
const SMALL: usize = 1 << 20;

/// What became of content that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The name of the content.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Whether its bytes were written; if not, the store held them.
    pub new: bool,
}

impl Store {
    /// Puts `bytes`.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Put, StoreError> {
        let writer = self.writer("put content")?;
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        if self.holds(writer, &digest, size)? {
            return Ok(Put { digest, size, new: false });
        }
        let staged = writer.sessions.stage()?;
        write_all(&staged, bytes, 0)?;
        self.keep(writer, staged, digest, size)
    }

    /// Puts what `source` yields until its end.
    pub fn put_reader(&self, source: &mut impl Read) -> Result<Put, StoreError> {
        let writer = self.writer("put content")?;
        let mut buffer = self.buffer();
        let limit = SMALL as u64 + 1;
        source.take(limit).read_to_end(&mut buffer).map_err(StoreError::Source)?;
        if buffer.len() <= SMALL {
            return self.put_bytes(&buffer);
        }
        let mut filling = Filling::new(writer.sessions.stage()?);
        loop {
            filling.take(&buffer)?;
            buffer.resize(CHUNK, 0);
            let read = loop {
                match source.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    other => break other.map_err(StoreError::Source)?,
                }
            };
            if read == 0 {
                break;
            }
            buffer.truncate(read);
        }
        let (staged, digest, size) = filling.finish()?;
        self.keep(writer, staged, digest, size)
    }

    /// Puts the content of an open file from its beginning; its position is neither used nor moved. A large
    /// file shares its blocks with the store where the file system can (reflink); the file itself is never
    /// linked or changed.
    ///
    /// If the file is written meanwhile, the digest is that of the bytes which the store now holds, be they a
    /// mixture: compare the file's times before and after.
    pub fn put_file(&self, file: &File) -> Result<Put, StoreError> {
        let writer = self.writer("put content")?;
        let mut buffer = self.buffer();
        if read_small(file, &mut buffer).map_err(|errno| StoreError::Source(errno.into()))? {
            return self.put_bytes(&buffer);
        }
        drop(buffer);
        let staged = writer.sessions.stage()?;
        let size = u64::try_from(rustix::fs::fstat(file).map_or(0, |stat| stat.st_size));
        within_limit(size.unwrap_or(0)).at("write", staged.path())?;
        if ioctl_ficlone(staged.file(), file).is_ok() {
            // The clone is read, not the file, which may change between the two.
            let (digest, size) = self.hash_file(staged.file()).at("read", staged.path())?;
            return self.keep(writer, staged, digest, size);
        }
        let mut filling = Filling::new(staged);
        let mut buffer = self.buffer();
        let holes = Holes::of(file);
        loop {
            buffer.clear();
            buffer.reserve_exact(CHUNK);
            let at = filling.length;
            let mut most = CHUNK;
            if let Some(stretch) = holes.as_ref().and_then(|holes| holes.at(at)) {
                if stretch.is_hole {
                    filling.skip(stretch.end - at);
                    continue;
                }
                most = usize::try_from(stretch.end - at).unwrap_or(CHUNK).min(CHUNK);
            }
            retry_on_intr(|| pread(file, rustix::buffer::spare_capacity(&mut buffer), at))
                .map_err(|errno| StoreError::Source(errno.into()))?;
            // The hole behind it is none any more where it is written.
            buffer.truncate(most);
            if buffer.is_empty() {
                break;
            }
            filling.take(&buffer)?;
        }
        let (staged, digest, size) = filling.finish()?;
        self.keep(writer, staged, digest, size)
    }

    /// Gives a complete staged file its place in `blobs/`.
    fn keep(
        &self,
        writer: &Writer,
        mut staged: Staged,
        digest: Digest,
        size: u64,
    ) -> Result<Put, StoreError> {
        // After the last write: whatever sync begins later than this stamp brings the bytes to the disk.
        staged.seal(writer.stamp())?;
        let name = BlobName::of(&digest);
        let failed = |errno| StoreError::new("create", self.blob_path(&digest), errno);
        for _ in 0..3 {
            match staged.name_new(&self.blobs, name.path()) {
                Ok(()) => return Ok(Put { digest, size, new: true }),
                Err(Errno::NOENT) => {
                    let path = self.blob_path(&digest);
                    let path = path.parent().unwrap_or(&path);
                    writer.sessions.make_directory(&self.blobs, name.directory(), path)?;
                }
                Err(Errno::EXIST) => {
                    if self.holds(writer, &digest, size)? {
                        return Ok(Put { digest, size, new: false });
                    }
                    // There, and not whole, or not known to be.
                    staged.name_over(&self.blobs, name.path()).map_err(failed)?;
                    return Ok(Put { digest, size, new: true });
                }
                Err(errno) => return Err(failed(errno)),
            }
        }
        Err(failed(Errno::NOENT))
    }
}

/// Reads a file into `buffer`, and says whether that was all of it.
fn read_small(file: &File, buffer: &mut Vec<u8>) -> Result<bool, Errno> {
    let size = usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(usize::MAX);
    if size > SMALL {
        return Ok(false);
    }
    buffer.reserve_exact(size + 1);
    while buffer.len() <= SMALL {
        // As long as it said: no call more to see its end. What does not know its length says 0.
        if buffer.len() == size && size > 0 {
            return Ok(true);
        }
        if buffer.len() == buffer.capacity() {
            buffer.reserve(CHUNK);
        }
        let at = buffer.len() as u64;
        let read = retry_on_intr(|| pread(file, rustix::buffer::spare_capacity(buffer), at))?;
        if read == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A file with holes, which need not be read.
struct Holes<'a> {
    file: &'a File,
    size: u64,
    /// The file's position, which is put back.
    position: u64,
}

impl Holes<'_> {
    fn of(file: &File) -> Option<Holes<'_>> {
        let stat = fstat(file).ok().filter(may_have_holes)?;
        let size = u64::try_from(stat.st_size).ok()?;
        Some(Holes { file, size, position: tell(file).ok()? })
    }

    /// What is at `at`; nothing behind the end. What is written into a hole meanwhile is missed, and seen by the file's times.
    fn at(&self, at: u64) -> Option<Stretch> {
        (at < self.size).then(|| stretch(self.file, at, self.size)).filter(|found| found.end > at)
    }
}

impl Drop for Holes<'_> {
    fn drop(&mut self) {
        let _ = seek(self.file, SeekFrom::Start(self.position));
    }
}

/// A staged file and the digest of what was written to it.
struct Filling {
    staged: Staged,
    hasher: Hasher,
    length: u64,
    /// Whether the last bytes were left out as a hole, so that the length is still to be set.
    ends_in_hole: bool,
}

impl Filling {
    fn new(staged: Staged) -> Filling {
        Filling { staged, hasher: Hasher::new(), length: 0, ends_in_hole: false }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hasher.update(bytes);
        // What is all zeros becomes a hole, so that a sparse file does not fill the disk.
        self.ends_in_hole = bytes.len() >= CHUNK / 4 && bytes.iter().all(|byte| *byte == 0);
        if !self.ends_in_hole {
            write_all(&self.staged, bytes, self.length)?;
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Takes in a hole.
    fn skip(&mut self, length: u64) {
        self.hasher.update_zeros(length);
        self.ends_in_hole = true;
        self.length += length;
    }

    fn finish(self) -> Result<(Staged, Digest, u64), StoreError> {
        if self.ends_in_hole {
            within_limit(self.length).at("write", self.staged.path())?;
            ftruncate(self.staged.file(), self.length).at("write", self.staged.path())?;
        }
        Ok((self.staged, self.hasher.finish(), self.length))
    }
}

fn write_all(staged: &Staged, mut bytes: &[u8], mut at: u64) -> Result<(), StoreError> {
    within_limit(at.saturating_add(bytes.len() as u64)).at("write", staged.path())?;
    while !bytes.is_empty() {
        let written = match retry_on_intr(|| pwrite(staged.file(), bytes, at)) {
            // The kernel does not do this to files; if it did, it would go on forever.
            Ok(0) => Err(Errno::IO),
            other => other,
        };
        let written = written.at("write", staged.path())?;
        bytes = bytes.get(written..).unwrap_or_default();
        at += written as u64;
    }
    Ok(())
}
