//! Calls that change on whose behalf the process acts: its user, its groups, its rights, its umask. The kernel's; what is
//! known of them is forgotten.

use std::ffi::{c_int, c_void};

use super::args::CPath;
use crate::vfs::who;

/// Defines calls after which the ids are asked for again.
macro_rules! changes_ids {
    ($($name:ident($($arg:ident: $type:ty),*);)*) => {$(
        hook! {
            /// Changes the process's ids or rights.
            real => fn $name($($arg: $type),*) -> c_int {
                let result = real($($arg),*);
                who::forget();
                result
            }
        }
    )*};
}

changes_ids! {
    setuid(user: u32);
    seteuid(user: u32);
    setreuid(real: u32, effective: u32);
    setresuid(real: u32, effective: u32, saved: u32);
    setfsuid(user: u32);
    setgid(group: u32);
    setegid(group: u32);
    setregid(real: u32, effective: u32);
    setresgid(real: u32, effective: u32, saved: u32);
    setfsgid(group: u32);
    setgroups(count: usize, groups: *const u32);
    initgroups(user: CPath, group: u32);
    capset(header: *mut c_void, data: *const c_void);
}

hook! {
    /// umask(2)
    real => fn umask(mask: u32) -> u32 {
        let before = real(mask);
        who::umask_is(mask);
        before
    }
}
