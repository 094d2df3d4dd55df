//! Copying a content into a new file: by reference where the file system can, else within the kernel.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{copy_file_range, ioctl_ficlone};
use rustix::io::Errno;

/// Below this, one read and one write are cheaper than asking the kernel to copy.
const SMALL: u64 = 1 << 16;

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
    /// Copies all of `from`, which has `size` bytes, into the empty file `to`. `buffer` is for reuse.
    pub fn copy(
        &self,
        mut from: &File,
        mut to: &File,
        size: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CopyError> {
        if size == 0 {
            return Ok(());
        }
        if !self.no_clone.load(Ordering::Relaxed) {
            match ioctl_ficlone(to, from) {
                Ok(()) => return Ok(()),
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(CopyError::To(Errno::NOSPC.into())),
                Err(_) => self.no_clone.store(true, Ordering::Relaxed),
            }
        }
        let mut left = size;
        if size > SMALL && !self.no_range.load(Ordering::Relaxed) {
            while left > 0 {
                let piece = usize::try_from(left).unwrap_or(usize::MAX).min(1 << 30);
                match copy_file_range(from, None, to, None, piece) {
                    Ok(0) => break,
                    Ok(copied) => left = left.saturating_sub(copied as u64),
                    Err(Errno::INTR) => {}
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
        if left == 0 {
            return Ok(());
        }
        buffer.resize(usize::try_from(left).unwrap_or(usize::MAX).clamp(1, 1 << 18), 0);
        while left > 0 {
            let read = match from.read(buffer) {
                Ok(0) => return Err(CopyError::From(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CopyError::From(error)),
            };
            to.write_all(&buffer[..read]).map_err(CopyError::To)?;
            left = left.saturating_sub(read as u64);
        }
        Ok(())
    }
}
