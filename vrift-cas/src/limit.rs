//! The limit on the size of files (`ulimit -f`).

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// Says no where the limit does, with the error that a write would have. At the write itself the kernel would send
/// SIGXFSZ besides, which kills a program that did nothing wrong.
pub fn within_limit(length: u64) -> Result<(), Errno> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if length > limit => Err(Errno::FBIG),
        _ => Ok(()),
    }
}
