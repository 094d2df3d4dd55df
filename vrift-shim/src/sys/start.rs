//! The start of a process: what was handed over is read from the environment that the kernel gave it.

use std::ffi::{CStr, c_char, c_int};

/// The loader calls it before any other constructor, with what `main` gets: so nobody has to ask `getenv`, which the
/// program may define itself.
// SAFETY: the section holds pointers to functions of this signature, and this is one.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn(c_int, *const *const c_char, *const *const c_char) = start;

// What `crtbeginS.o` would define, which is not linked (see `build.rs`): by this the library's own data of a thread that
// ends is told from others'. A test is a program, which has it from there.
#[cfg(not(test))]
core::arch::global_asm!(
    ".pushsection .data.rel.ro.vrift, \"aw\"",
    ".hidden __dso_handle",
    ".weak __dso_handle",
    ".balign 8",
    "__dso_handle: .quad __dso_handle",
    ".popsection",
);

extern "C" fn start(_: c_int, _: *const *const c_char, environment: *const *const c_char) {
    // musl's loader passes nothing, and has put the environment where it belongs.
    let given = cfg!(target_env = "gnu").then_some(Environment(environment));
    let environment = given.unwrap_or_else(super::environment::now);
    super::own::begin();
    super::ample::begin(environment.0 as usize);
    crate::vfs::session::begin(environment);
}

/// The variables of an environment.
#[derive(Clone, Copy)]
pub struct Environment(pub *const *const c_char);

impl Iterator for Environment {
    type Item = Variable;

    #[inline]
    fn next(&mut self) -> Option<Variable> {
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
        Some(Variable(variable))
    }
}

impl Environment {
    /// Takes a variable away that keeps another, from its byte `start` on, and puts that back; if it keeps no value, the
    /// other had none.
    #[cold]
    #[inline(never)]
    pub fn put_back(self, keeping: Variable, start: usize) {
        let other = keeping.bytes().get(start..).unwrap_or(b"");
        let name = other.split(|&byte| byte == b'=').next().unwrap_or(b"");
        let is_set = name.len() < other.len();
        let is_other = |variable: Variable| {
            variable.bytes().strip_prefix(name).is_some_and(|rest| rest.starts_with(b"="))
        };
        let mut to = self.0.cast_mut();
        for variable in self {
            let put = match variable {
                Variable(pointer) if pointer == keeping.0 => None,
                other if is_other(other) && is_set => Some(keeping.0.wrapping_add(start)),
                other if is_other(other) => None,
                Variable(pointer) => Some(pointer),
            };
            let Some(pointer) = put else { continue };
            // SAFETY: the array is the process's own memory, and nobody else reads it yet; the place is that of this
            // variable, which was read, or of one before it.
            unsafe { *to = pointer };
            to = to.wrapping_add(1);
        }
        // SAFETY: at or before the null pointer at the end: `keeping` is gone.
        unsafe { *to = std::ptr::null() };
    }
}

/// A variable of the environment, `NAME=VALUE`: a C string.
#[derive(Clone, Copy)]
pub struct Variable(*const c_char);

impl Variable {
    /// Whether it begins with `start`. How long it is need not be known for that.
    #[inline]
    pub fn begins_with(self, start: &[u8]) -> bool {
        start.iter().enumerate().all(|(at, &byte)| {
            // SAFETY: a byte is looked at only if all before it were those of `start`, none of which is the end of the string.
            byte != 0 && unsafe { *self.0.add(at) } as u8 == byte
        })
    }

    /// All of it.
    pub fn bytes(self) -> &'static [u8] {
        // SAFETY: see `Environment`: a C string that stays.
        unsafe { CStr::from_ptr(self.0) }.to_bytes()
    }
}
