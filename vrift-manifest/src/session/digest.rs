//! The digest of a draft that nobody writes.

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, pread, retry_on_intr};
use vrift_cas::{Digest, Hasher};

use super::SessionError;
use crate::shm::{Mapping, lease};

/// How much is hashed between two looks at the lease.
const STRETCH: usize = 1 << 20;

/// Files up to this length are read, longer ones mapped: to map costs more than to copy a few pages.
const SMALL: u64 = 128 << 10;

/// How much is read at a time.
const PIECE: usize = 16 << 10;

/// The digest of a file. `None`: somebody wants to write it, so it would be in vain.
pub(super) fn digest_of(file: &OwnedFd, size: u64) -> Result<Option<Digest>, SessionError> {
    if size == 0 {
        return Ok(Some(Digest::EMPTY));
    }
    if size <= SMALL { read_digest(file, size).map(Some) } else { mapped_digest(file) }
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
fn mapped_digest(file: &OwnedFd) -> Result<Option<Digest>, SessionError> {
    let mapping = Mapping::of(file)?;
    let mut hasher = Hasher::new();
    for (place, stretch) in mapping.as_ref().chunks(STRETCH).enumerate() {
        if place > 0 && !lease::holds(file.as_fd()) {
            return Ok(None);
        }
        hasher.update(stretch);
    }
    Ok(Some(hasher.finish()))
}
