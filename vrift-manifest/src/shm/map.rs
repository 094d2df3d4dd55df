//! An immutable file as bytes.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// What is no larger is mapped with all its pages: to be told of each costs more.
const SMALL: usize = 128 << 10;

/// A read-only mapping of a file that nobody changes any more.
#[derive(Debug)]
pub struct Mapping(Option<memmap2::Mmap>);

impl Mapping {
    /// Maps the whole of `file`.
    ///
    /// Meant for the store's own immutable files (images and closed segments, mode 0444, replaced only by rename).
    /// Whoever truncates one of them by hand while it is mapped takes the reader down with SIGBUS, and whoever writes
    /// into it makes the reader see other bytes: the store's directory is 0700 for that reason.
    pub fn of(file: &(impl AsFd + AsRawFd)) -> io::Result<Mapping> {
        // Its length is asked of the kernel itself: these lines also run where libc's names are our own hooks.
        let length = usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
        if length == 0 {
            return Ok(Mapping(None));
        }
        let mut options = memmap2::MmapOptions::new();
        options.len(length);
        if length <= SMALL {
            options.populate();
        }
        // SAFETY: the bytes may not change while the slice lives. The file is one of the store's immutable files, in a
        // directory that only its owner can enter; no code of ours opens such a file for writing.
        Ok(Mapping(Some(unsafe { options.map(file) }?)))
    }
}

impl AsRef<[u8]> for Mapping {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}
