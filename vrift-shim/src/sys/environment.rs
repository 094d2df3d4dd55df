//! The environment as it is now, without `getenv`, which the program may define itself.

use std::ffi::c_char;

use super::start::Environment;

// SAFETY: libc defines it, with this type.
unsafe extern "C" {
    static environ: *const *const c_char;
}

/// All of it.
pub fn now() -> Environment {
    // SAFETY: libc's variable; that another thread may be changing the environment is as it is with `getenv`.
    Environment(unsafe { environ })
}

/// The value of a variable.
pub fn variable(name: &[u8]) -> Option<&'static [u8]> {
    now().find_map(|variable| variable.bytes().strip_prefix(name)?.strip_prefix(b"="))
}
