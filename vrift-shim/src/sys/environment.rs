//! The environment as it is now, without `getenv`, which the program may define itself.

use std::ffi::c_char;

use super::start::Environment;

// SAFETY: libc defines it, with this type.
unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The value of a variable.
pub fn variable(name: &[u8]) -> Option<&'static [u8]> {
    // SAFETY: libc's variable; that another thread may be changing the environment is as it is with `getenv`.
    let now = unsafe { environ };
    Environment(now).find_map(|variable| variable.bytes().strip_prefix(name)?.strip_prefix(b"="))
}
