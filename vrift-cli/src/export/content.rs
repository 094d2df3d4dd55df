//! Copying a content into a new file: by reference where the file system can, else within the kernel.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{copy_file_range, ioctl_ficlone};
use rustix::io::Errno;
use vrift_cas::{Digest, Hasher};

use crate::interrupt;

/// Below this, one read and one write are cheaper than asking the kernel to copy.
const SMALL: u64 = 1 << 16;

/// How much is read at a time.
const PIECE: usize = 1 << 18;

/// How contents are copied to a destination. What did not work once is not tried again.
#[derive(Debug, Default)]
pub struct Copier {
    no_clone: AtomicBool,
    no_range: AtomicBool,
}

/// Which side of a copy failed.
#[derive(Debug)]
pub enum CopyError {
    /// The content cannot be read.
    From(io::Error),
    /// The new file cannot be written.
    To(io::Error),
}

impl Copier {
    /// Copies all of `from`, which has `size` bytes, into the empty file `to`. `buffer` is for reuse. What is not the
    /// content that `digest` names is not given out.
    pub fn copy(
        &self,
        digest: &Digest,
        from: &File,
        mut to: &File,
        size: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CopyError> {
        if size == 0 {
            return Ok(());
        }
        let whole = size <= SMALL;
        check(digest, from, size, buffer).map_err(|error| match interrupt::check_io() {
            Err(interrupted) => CopyError::To(interrupted),
            Ok(()) => CopyError::From(error),
        })?;
        if !self.no_clone.load(Ordering::Relaxed) {
            match ioctl_ficlone(to, from) {
                Ok(()) => return Ok(()),
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(CopyError::To(Errno::NOSPC.into())),
                Err(_) => self.no_clone.store(true, Ordering::Relaxed),
            }
        }
        if whole {
            return to.write_all(buffer).map_err(CopyError::To);
        }
        let mut at = 0;
        while at < size {
            let stretch = vrift_cas::stretch(from, at, size);
            if !stretch.is_hole {
                self.part(from, to, at, stretch.end, buffer)?;
            }
            at = stretch.end;
        }
        // Where it ends in a hole.
        to.set_len(size).map_err(CopyError::To)
    }

    /// Copies the bytes from `at` to `end`.
    fn part(
        &self,
        from: &File,
        to: &File,
        mut at: u64,
        end: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CopyError> {
        let mut there = at;
        if !self.no_range.load(Ordering::Relaxed) {
            while at < end {
                interrupt::check_io().map_err(CopyError::To)?;
                let piece = usize::try_from(end - at).unwrap_or(usize::MAX).min(1 << 26);
                match copy_file_range(from, Some(&mut at), to, Some(&mut there), piece) {
                    Ok(0) => break,
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                        return Err(CopyError::To(errno.into()));
                    }
                    // Across file systems, or one that cannot; the positions are where the copy stopped.
                    Err(_) => {
                        self.no_range.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            }
        }
        while at < end {
            interrupt::check_io().map_err(CopyError::To)?;
            let piece = piece(end - at);
            buffer.resize(piece, 0);
            from.read_exact_at(buffer, at).map_err(CopyError::From)?;
            to.write_all_at(buffer, at).map_err(CopyError::To)?;
            at += piece as u64;
        }
        Ok(())
    }
}

/// Reads a content and compares it with its name. A small one is in `buffer` afterwards.
fn check(digest: &Digest, from: &File, size: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    let (mut hasher, mut at) = (Hasher::new(), 0);
    while at < size {
        interrupt::check_io()?;
        let piece = piece(size - at);
        buffer.resize(piece, 0);
        from.read_exact_at(buffer, at)?;
        hasher.update(buffer);
        at += piece as u64;
    }
    if hasher.finish() == *digest {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "what the store has is not this content"))
}

fn piece(left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(PIECE)
}
