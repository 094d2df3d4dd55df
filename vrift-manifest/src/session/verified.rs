//! Contents that are compared with their digests before a process gets them, where the handover says so: `vrift run
//! --verify`. What is wrong is EIO, as it is from a disk that knows it, and the run names it.
//!
//! A content is compared once in each process, and those that it forks know of it. Between that and its use it may go
//! bad on the disk; then the kernel's memory still has what was compared, unless it had no room for it.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::{Errno, pread, retry_on_intr};
use vrift_cas::{Digest, Hasher};

use super::Session;
use crate::census;
use crate::places::{PATH_MAX, push};
use crate::tree::{Cursor, digest_words};

/// Contents that are remembered. A power of two.
const MOST: usize = 1 << 12;

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// What was compared. A digest has one place, for which others may be put.
pub(super) struct Verified(Box<[AtomicU64]>);

impl Default for Verified {
    fn default() -> Verified {
        Verified((0..MOST).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Verified {
    /// The place of a digest, and what stands there if it was found to be right: another part of it.
    fn place(&self, digest: &Digest) -> Option<(&AtomicU64, u64)> {
        let [place, mark, ..] = digest_words(digest);
        Some((self.0.get(place as usize % MOST)?, mark.max(1)))
    }

    fn knows(&self, digest: &Digest) -> bool {
        self.place(digest).is_some_and(|(place, mark)| place.load(Ordering::Relaxed) == mark)
    }

    fn note(&self, digest: &Digest) {
        if let Some((place, mark)) = self.place(digest) {
            place.store(mark, Ordering::Relaxed);
        }
    }
}

impl Session {
    /// Opens the blob with the content of the file `at`. EIO: it has to be verified, and is not that content.
    pub(super) fn open_content(
        &self,
        at: Cursor,
        digest: &Digest,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let file = self.sealer.open(digest, flags)?;
        match &self.verified {
            // What is opened by its path alone gives nothing out.
            Some(verified) if !flags.contains(OFlags::PATH) => {
                self.verify(verified, at, digest, file, flags)
            }
            _ => Ok(file),
        }
    }

    #[cold]
    #[inline(never)]
    fn verify(
        &self,
        verified: &Verified,
        at: Cursor,
        digest: &Digest,
        file: OwnedFd,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        if verified.knows(digest) {
            return Ok(file);
        }
        // Past the kernel's memory only whole blocks can be read, so it is read once more, and through that memory.
        let right = match flags.contains(OFlags::DIRECT) {
            true => is_right(&self.sealer.open(digest, OFlags::CLOEXEC)?, digest),
            false => is_right(&file, digest),
        };
        if right == Ok(true) {
            verified.note(digest);
            return Ok(file);
        }
        self.tell(at, digest, b" is damaged in the store");
        Err(Errno::IO)
    }

    /// A content is missing in the store: EIO, and where contents are verified the run names it.
    #[cold]
    pub(super) fn missing(&self, at: Cursor, digest: &Digest) -> Errno {
        if self.verified.is_some() {
            self.tell(at, digest, b" is missing in the store");
        }
        Errno::IO
    }

    /// The run that this process belongs to names what is wrong.
    fn tell(&self, at: Cursor, digest: &Digest, what: &[u8]) {
        use std::os::unix::ffi::OsStrExt;
        let mut text = [0; PATH_MAX];
        let mut length = 0;
        let name = self.path_of(at).unwrap_or_default();
        let hex = digest.to_string();
        for part in [name.as_slice(), b": its content ", hex.as_bytes(), what] {
            // What is too long is said as far as it goes.
            let _ = push(&mut text, &mut length, part);
        }
        let handover = &self.handover;
        let (runtime, id) = (handover.runtime.as_os_str().as_bytes(), handover.id.as_bytes());
        census::note_damage(runtime, id, handover.run, text.get(..length).unwrap_or_default());
    }

    /// A path of a file, from the root of the tree on.
    fn path_of(&self, at: Cursor) -> Option<Vec<u8>> {
        let (mut directory, name) = self.tree.some_name(at).ok()??;
        let mut path = name.to_vec();
        // A tree that is damaged as well may lead round and round.
        while path.len() < PATH_MAX
            && let Some(above) = self.tree.directory_name(directory).ok()?
        {
            path = [&*above, b"/", &path].concat();
            directory = self.tree.parent(directory).ok()??;
        }
        Some(path)
    }
}

/// Whether a file has the bytes that a digest stands for.
fn is_right(file: &OwnedFd, digest: &Digest) -> Result<bool, Errno> {
    // Not on the stack, which may be that of a signal handler or of a small thread.
    let mut buffer = vec![0; PIECE];
    let mut hasher = Hasher::new();
    let mut at = 0;
    loop {
        match retry_on_intr(|| pread(file, &mut buffer[..], at))? {
            0 => return Ok(hasher.finish() == *digest),
            read => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                at += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_right_is_known_and_nothing_else() {
        let verified = Verified::default();
        let digests: Vec<Digest> = (0..200_u8).map(|byte| Digest::of(&[byte])).collect();
        for digest in &digests {
            assert!(!verified.knows(digest));
            verified.note(digest);
            assert!(verified.knows(digest));
        }
        let zeros = Digest::from_bytes([0; 32]);
        assert!(!verified.knows(&zeros), "an empty place is no digest");
    }
}
