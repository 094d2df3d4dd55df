//! Copying content into a draft.

use rustix::fd::OwnedFd;
use rustix::fs::{copy_file_range, fstat, ftruncate, ioctl_ficlone};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};
use vrift_cas::within_limit;

/// One small file is copied as fast as it is asked whether there are other ways.
const SMALL: u64 = 64 << 10;

/// Copies `size` bytes, from the beginning of `from` into the empty file `to`: sharing the blocks where the file system
/// can, else in the kernel, else by hand.
pub fn all(from: &OwnedFd, to: &OwnedFd, size: u64) -> Result<(), Errno> {
    within_limit(size)?;
    if size > SMALL && ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    if size > SMALL && fstat(from).is_ok_and(|stat| vrift_cas::may_have_holes(&stat)) {
        return with_holes(from, to, size);
    }
    part(from, to, 0, size)
}

/// What is a hole stays one: the file was empty.
#[cold]
fn with_holes(from: &OwnedFd, to: &OwnedFd, size: u64) -> Result<(), Errno> {
    let mut at = 0;
    while at < size {
        let stretch = vrift_cas::stretch(from, at, size);
        if !stretch.is_hole {
            part(from, to, at, stretch.end)?;
        }
        at = stretch.end;
    }
    retry_on_intr(|| ftruncate(to, size))
}

/// Copies the bytes from `done` to `size`.
fn part(from: &OwnedFd, to: &OwnedFd, mut done: u64, size: u64) -> Result<(), Errno> {
    while done < size {
        let (mut here, mut there) = (done, done);
        let length = usize::try_from(size - done).unwrap_or(usize::MAX);
        match copy_file_range(from, Some(&mut here), to, Some(&mut there), length) {
            // Shorter than it should be: the store is damaged.
            Ok(0) => return Err(Errno::IO),
            Ok(copied) => done += copied as u64,
            Err(Errno::INTR) => {}
            // EBADF: opened for writing only, or to append, is fine; but some file systems want to read as well.
            Err(Errno::NOSYS | Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::BADF) => {
                return by_hand(from, to, done, size);
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

// Out of line: the buffer is not to be on the stack of anything else.
#[inline(never)]
fn by_hand(from: &OwnedFd, to: &OwnedFd, mut done: u64, size: u64) -> Result<(), Errno> {
    let mut buffer = [0; 16 << 10];
    while done < size {
        let read = retry_on_intr(|| pread(from, &mut buffer[..], done))?;
        let mut rest = buffer.get(..read).unwrap_or(&[]);
        if rest.is_empty() {
            return Err(Errno::IO);
        }
        while !rest.is_empty() {
            let written = retry_on_intr(|| pwrite(to, rest, done))?;
            if written == 0 {
                return Err(Errno::IO);
            }
            rest = rest.get(written..).unwrap_or(&[]);
            done += written as u64;
        }
    }
    Ok(())
}
