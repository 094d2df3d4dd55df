//! A rename across the border of the tree: between two file systems, as every program has to expect, so that it is EXDEV,
//! before anything is said of either name. What can be moved nonetheless is moved.

use rustix::io::Errno;
use vrift_manifest::tree::RenameMode;

/// Whether the new name may be as it is: two files on two file systems do not change places.
pub fn may_replace(mode: RenameMode, taken: bool) -> bool {
    match mode {
        RenameMode::Replace => true,
        RenameMode::NoReplace => !taken,
        RenameMode::Exchange => false,
    }
}

/// What is said instead of what is wrong with a name. What is wrong with this machine is said as it is.
pub fn another(errno: Errno) -> Errno {
    match errno {
        Errno::IO | Errno::NOMEM | Errno::NFILE | Errno::MFILE => errno,
        _ => Errno::XDEV,
    }
}
