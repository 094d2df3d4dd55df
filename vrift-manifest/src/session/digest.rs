//! The digest of a draft that nobody writes.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::Stat;
use rustix::io::{Errno, pread, retry_on_intr};
use vrift_cas::{Digest, Hasher, Stretch};

use super::SessionError;
use super::draft::size_of;
use crate::shm::{Mapping, lease};

/// How much is hashed between two looks at the lease.
const STRETCH: u64 = 1 << 20;

/// Files with holes from here on are not hashed as soon as they are closed: that would take longer than anybody expects of it.
const LONG: u64 = 64 << 20;

/// Files up to this length are read, longer ones mapped: to map costs more than to copy a few pages.
const SMALL: u64 = 128 << 10;

/// How much is read at a time.
const PIECE: usize = 16 << 10;

/// The digest of a file, of which the kernel says `stat`. `None`: somebody wants to write it, so it would be in vain.
pub(super) fn digest_of(file: &OwnedFd, stat: &Stat) -> Result<Option<Digest>, SessionError> {
    let size = size_of(stat);
    if size == 0 {
        return Ok(Some(Digest::EMPTY));
    }
    if size <= SMALL {
        return read_digest(file, size).map(Some);
    }
    mapped_digest(file, size, vrift_cas::may_have_holes(stat))
}

/// Whether to hash a file would take long for nothing: there are zeros to be counted that nobody ever wrote.
pub(super) fn is_mostly_holes(stat: &Stat) -> bool {
    size_of(stat) > LONG && u64::try_from(stat.st_blocks).unwrap_or(0) < size_of(stat) / 1024
}

// Not on the stack, which may be that of a signal handler or of a small thread.
#[inline(never)]
fn read_digest(file: &OwnedFd, size: u64) -> Result<Digest, SessionError> {
    let mut buffer = vec![0; PIECE.min(usize::try_from(size).unwrap_or(PIECE))];
    let mut hasher = Hasher::new();
    let mut at = 0;
    while at < size {
        let most = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        let room = buffer.get_mut(..most).unwrap_or_default();
        match retry_on_intr(|| pread(file, &mut *room, at))? {
            // It cannot be shorter than it was: nobody writes.
            0 => return Err(Errno::IO.into()),
            read => {
                hasher.update(buffer.get(..read).unwrap_or(&[]));
                at += read as u64;
            }
        }
    }
    Ok(hasher.finish())
}

#[inline(never)]
fn mapped_digest(file: &OwnedFd, size: u64, sparse: bool) -> Result<Option<Digest>, SessionError> {
    let mapping = Mapping::of(file)?;
    let bytes = mapping.as_ref();
    if bytes.len() as u64 != size {
        return Err(Errno::IO.into());
    }
    let mut hasher = Hasher::new();
    let mut at = 0;
    while at < size {
        // Holes are not read: the kernel would fill memory with their zeros.
        let stretch = match sparse {
            true => vrift_cas::stretch(file, at, size),
            false => Stretch { end: size, is_hole: false },
        };
        while at < stretch.end {
            if at > 0 && !lease::holds(file.as_fd()) {
                return Ok(None);
            }
            let end = stretch.end.min(at + STRETCH);
            if stretch.is_hole {
                hasher.update_zeros(end - at);
            } else {
                let range = usize::try_from(at)..usize::try_from(end);
                let (Ok(start), Ok(end)) = (range.start, range.end) else {
                    return Err(Errno::FBIG.into());
                };
                hasher.update(bytes.get(start..end).unwrap_or_default());
            }
            at = end;
        }
    }
    Ok(Some(hasher.finish()))
}
