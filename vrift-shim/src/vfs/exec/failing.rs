//! What a loader is told in the place of a path at which the tree has nothing that it may load: in the real directory
//! something else may lie there.

use std::ffi::{CString, c_int};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use vrift_manifest::name::NAME_MAX;

use super::CWD;
use crate::vfs::descriptor;

/// Symlinks that the kernel follows at most.
const LINKS_MAX: usize = 40;

/// A path at which a loader in `base` finds the same error. `None`: at the one that was asked for, which its message then
/// names. The error itself: at none.
pub fn instead_of(base: c_int, path: &[u8], errno: Errno) -> Result<Option<CString>, Errno> {
    if fails(base, path, errno) {
        return Ok(None);
    }
    let all = match errno {
        Errno::NOENT => vec![missing(path)],
        Errno::ISDIR => vec![b"/".to_vec()],
        Errno::NOTDIR => vec![[b"/dev/null/", path].concat()],
        Errno::LOOP => vec![b"/proc/self/root".repeat(LINKS_MAX)],
        Errno::NAMETOOLONG => vec![[&b"/"[..], &[b'n'; NAME_MAX + 1]].concat()],
        // Where no other user may look, or what nobody reads.
        Errno::ACCESS => vec![[b"/proc/1/root/", path].concat(), b"/proc/self/clear_refs".to_vec()],
        _ => Vec::new(),
    };
    let found = all.into_iter().find(|path| fails(base, path, errno)).ok_or(errno)?;
    CString::new(found).map(Some).map_err(|_| errno)
}

/// A path at which nothing is.
pub fn missing(path: &[u8]) -> Vec<u8> {
    [b"/proc/0/", path].concat()
}

/// Whether what the kernel finds at a path cannot be read, and this is why.
fn fails(base: c_int, path: &[u8], errno: Errno) -> bool {
    let directory = match base {
        CWD => Ok(rustix::fs::CWD),
        other => descriptor::borrow(other),
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file =
        directory.and_then(|directory| rustix::fs::openat(directory, path, flags, Mode::empty()));
    file.and_then(|file| rustix::io::pread(&file, &mut [0; 1], 0)).err() == Some(errno)
}
