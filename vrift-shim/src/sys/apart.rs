//! Whether threads that share this memory need not share the working directory, the umask or the descriptors: what is
//! kept of those in memory is then true of one of them only, and is not kept any more.
//!
//! A vfork child is told by [`super::vfork`]. This is about who stays: `unshare` in a thread, `clone` into one memory.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{alone, vfork};

/// Some thread has, or had, a working directory and a umask of its own.
static DIRECTORIES: AtomicBool = AtomicBool::new(false);
/// Some thread has, or had, descriptors of its own.
static DESCRIPTORS: AtomicBool = AtomicBool::new(false);

/// Whether a working directory or umask that was seen may be another thread's.
#[inline]
pub fn directories() -> bool {
    DIRECTORIES.load(Ordering::Acquire) || vfork::is_child()
}

/// Whether a descriptor of the same number may be another file to another thread.
#[inline]
pub fn descriptors() -> bool {
    DESCRIPTORS.load(Ordering::Relaxed)
}

/// unshare is about to be called with these flags. Namespaces of mounts and users bring a directory of their own. Whether
/// descriptors can be of one thread only from now on.
pub fn unshares(flags: c_int) -> bool {
    // With nobody in this memory who could share anything nothing changes, nor by what a vfork child has for itself.
    if alone::is() || vfork::is_child() {
        return false;
    }
    note(
        flags & (libc::CLONE_FS | libc::CLONE_NEWNS | libc::CLONE_NEWUSER) != 0,
        flags & libc::CLONE_FILES != 0,
    )
}

/// clone is about to be called with these flags: one memory, and not all else. Whether descriptors can be of one thread
/// only from now on.
pub fn clones(flags: c_int) -> bool {
    const VFORK: c_int = libc::CLONE_VM | libc::CLONE_VFORK;
    const OF_ITS_OWN: c_int =
        libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_THREAD | libc::CLONE_SETTLS;
    if flags & (VFORK | OF_ITS_OWN) == VFORK {
        // As vfork, on another stack.
        vfork::begins();
        return false;
    }
    let one_memory = flags & libc::CLONE_VM != 0;
    one_memory && note(flags & libc::CLONE_FS == 0, flags & libc::CLONE_FILES == 0)
}

/// From now on this thread has a working directory and a umask of its own, and numbers of descriptors mean nothing for long.
#[cfg(target_arch = "x86_64")]
pub fn own_directory() -> Result<(), rustix::io::Errno> {
    note(true, true);
    // SAFETY: no descriptor is another thread's alone by this.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS) }
}

fn note(directories: bool, descriptors: bool) -> bool {
    if directories {
        DIRECTORIES.store(true, Ordering::Release);
    }
    descriptors && !DESCRIPTORS.swap(true, Ordering::AcqRel)
}
