//! system and popen: libc's, which start a shell with the process's environment. What the program has taken out of that and
//! the shell needs is there while it is started.

use std::ffi::{c_char, c_int, c_void};

use super::args::CPath;
use crate::sys::errno;
use crate::sys::strings::Strings;
use crate::vfs::{environment, process, session};

/// Starts a shell.
fn start<R>(start: impl FnOnce() -> R) -> R {
    let Some(given) = session::given() else { return start() };
    let before = Strings::environment();
    let lacks = errno::kept(|| {
        process::announce(given);
        environment::lacks(given, before)
    });
    if !lacks {
        return start();
    }
    // For good, because another thread may be reading it for as long as it likes.
    let complete = errno::kept(|| environment::lasting(given, before));
    complete.become_environment();
    let started = start();
    // Unless somebody has set something meanwhile.
    if Strings::environment().as_ptr() == complete.as_ptr() {
        before.become_environment();
    }
    started
}

hook! {
    /// system(3)
    real => fn system(command: CPath) -> c_int {
        if command.as_ptr().is_null() {
            return real(command);
        }
        start(|| real(command))
    }
}

fn stream(
    real: extern "C" fn(CPath, *const c_char) -> *mut c_void,
    command: CPath,
    mode: *const c_char,
) -> *mut c_void {
    start(|| real(command, mode))
}

spellings!(stream: fn(command: CPath, mode: *const c_char) -> *mut c_void: popen, _IO_popen);
