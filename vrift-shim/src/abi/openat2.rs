//! openat2, which is only a system call.

use std::ffi::{c_int, c_long};

use rustix::io::Errno;

use super::args::{CPath, Out, fail};
use super::open;
use crate::vfs::Answer;
use crate::vfs::descriptor;
use crate::vfs::find::{self, Work};

/// How a walk is bounded, in which ours is anyway.
const NO_XDEV_NO_MAGICLINKS: u64 = 3;

/// The size of what says how, in its first version.
const FIRST_SIZE: usize = 24;

/// openat2(2)
pub fn openat2(
    directory: c_int,
    path: CPath,
    how: Out<[u64; 3]>,
    size: usize,
    kernel: impl FnOnce() -> c_long,
) -> c_long {
    let mut work = Work::default();
    let found = find::node(directory, path.bytes(), true, &mut work);
    if matches!(found, Ok(Answer::Kernel)) || size < FIRST_SIZE {
        let opened = kernel();
        if let Ok(opened @ 0..) = c_int::try_from(opened) {
            descriptor::opened_outside(opened);
        }
        return opened;
    }
    let Some([flags, mode, resolve]) = how.read() else { return fail(Errno::FAULT) };
    if is_odd(flags, mode) {
        return fail(Errno::INVAL);
    }
    if resolve & !NO_XDEV_NO_MAGICLINKS != 0 {
        // As a kernel that does not know the call: programs have another way.
        return fail(Errno::NOSYS);
    }
    open::openat(directory, path, flags as c_int, mode as libc::mode_t).into()
}

/// Whether the kernel refuses these, where for open(2) it leaves out what makes no sense.
fn is_odd(flags: u64, mode: u64) -> bool {
    const PATH: u64 = libc::O_PATH as u64;
    const WITH_PATH: u64 = PATH | (libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC) as u64;
    /// The bits that the kernel knows, the same on x86-64 and aarch64 as a whole.
    const KNOWN: u64 = 0o37777703;
    let makes = (libc::O_CREAT | (libc::O_TMPFILE & !libc::O_DIRECTORY)) as u64;
    let wrong_mode = if flags & makes != 0 { mode & !0o7777 != 0 } else { mode != 0 };
    flags & !KNOWN != 0 || wrong_mode || flags & PATH != 0 && flags & !WITH_PATH != 0
}
