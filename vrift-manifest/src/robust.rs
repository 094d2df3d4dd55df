//! Whether the kernel of this machine does what the lock needs: it marks a word whose owner has died with it. To be tried
//! with a file of two processes.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use crate::shm::{OWNER_DIED, Region, with_lock};

/// Bytes of a file in which such a word lies.
pub const LENGTH: u64 = 4096;

/// Ends this process by SIGKILL with the lock in its hand. Returns only if that cannot be tried.
pub fn die_with(path: &Path) -> io::Result<()> {
    let region = Region::of_file(path, 1, true)?;
    let word = region.futex(0).ok_or(io::ErrorKind::UnexpectedEof)?;
    let died = with_lock(word, |_| {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
    });
    Ok(died.map_err(io::Error::other)??)
}

/// Whether the word in the file says that its owner has died.
pub fn says_so(path: &Path) -> io::Result<bool> {
    let region = Region::of_file(path, 1, false)?;
    let word = region.futex(0).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(word.load(Ordering::Relaxed) & OWNER_DIED != 0)
}
