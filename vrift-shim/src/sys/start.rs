//! The start of a process: what was handed over is read from the environment that the kernel gave it.

use std::ffi::{CStr, c_char, c_int};

/// The loader calls it before any other constructor, with what `main` gets: so nobody has to ask `getenv`, which the
/// program may define itself.
// SAFETY: the section holds pointers to functions of this signature, and this is one.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn(c_int, *const *const c_char, *const *const c_char) = start;

extern "C" fn start(_: c_int, _: *const *const c_char, environment: *const *const c_char) {
    super::own::begin();
    crate::vfs::session::begin(Environment(environment));
}

/// The variables of an environment, as `NAME=VALUE`.
pub struct Environment(pub *const *const c_char);

impl Iterator for Environment {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<&'static [u8]> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: an environment is an array of C strings that ends with a null pointer; the kernel put this one on the
        // stack of the first thread, where it stays.
        let variable = unsafe { *self.0 };
        if variable.is_null() {
            return None;
        }
        // SAFETY: the end was not reached.
        self.0 = unsafe { self.0.add(1) };
        // SAFETY: as above.
        Some(unsafe { CStr::from_ptr(variable) }.to_bytes())
    }
}
