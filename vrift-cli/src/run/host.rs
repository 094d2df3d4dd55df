//! Loading the library into this process, for it to answer calls of programs that it cannot be in.
//!
//! The library knows every rule of the tree, and this process is above all others of the run, so it may look into them. Its
//! names do not take the place of libc's here: it is loaded late and for itself.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// What answers: a listener, `NAME=VALUE` of the variable that hands the workspace over, the path of the library, what starts
/// another thread in this one's place, and with what that is called.
type Answer = extern "C" fn(
    c_int,
    *const c_char,
    *const c_char,
    extern "C" fn(*const c_void) -> bool,
    *const c_void,
);

/// Starts another thread, and says whether it could. Any thread may call it.
pub type Relieve<'r> = &'r (dyn Fn() -> bool + Sync);

extern "C" fn relieve(whom: *const c_void) -> bool {
    // SAFETY: `answer` gives this to be called while it runs, with the address of what it was given itself.
    unsafe { (*whom.cast::<Relieve<'_>>())() }
}

/// Answers what `listener` tells of until nobody can ask, or another thread has taken this one's place, which `starts`
/// has started; at once, if the library cannot be loaded.
pub fn answer(listener: BorrowedFd<'_>, handed: &CStr, library: &CString, starts: Relieve<'_>) {
    static LOADED: OnceLock<Option<Answer>> = OnceLock::new();
    if let Some(answer) = LOADED.get_or_init(|| load(library)) {
        let whom = (&raw const starts).cast();
        answer(listener.as_raw_fd(), handed.as_ptr(), library.as_ptr(), relieve, whom);
    }
}

fn load(library: &CStr) -> Option<Answer> {
    // SAFETY: the path is a C string. The library's constructor looks at the environment, and does nothing else.
    let loaded = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if loaded.is_null() {
        return None;
    }
    // SAFETY: the handle is one, and the name a C string.
    let found = unsafe { libc::dlsym(loaded, c"vrift_answer".as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: the library has a function of this type by this name, and is never unloaded.
    Some(unsafe { std::mem::transmute::<*mut c_void, Answer>(found) })
}
