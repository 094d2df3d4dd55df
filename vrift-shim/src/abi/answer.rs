//! What `vrift run` calls, which loads this library to answer for programs that it cannot be in.

use std::ffi::{c_char, c_int, c_long, c_void};

use rustix::io::Errno;

use super::args::CPath;
use super::syscall;
use crate::sys::{errno, fd};
use crate::vfs::session;

/// Answers the calls that `listener` tells of, until nobody is left who could make one. `handed`: the variable that hands the
/// workspace over, `NAME=VALUE`; `library`: that which names this library. Several threads may be here, each with a
/// listener. The descriptor stays the caller's.
///
/// Returns also when another thread goes on instead, which `relieve` has started: it is called, with `whom`, when this one is
/// about to wait for somebody whose calls it may have to answer meanwhile, or has been at one call for long; then by another
/// thread, and not after this has returned. It says whether it could.
// SAFETY (of the attribute): nobody else has a function of this name.
#[unsafe(no_mangle)]
pub extern "C" fn vrift_answer(
    listener: c_int,
    handed: *const c_char,
    library: *const c_char,
    relieve: extern "C" fn(*const c_void) -> bool,
    whom: *const c_void,
) {
    let (handed, library) = (CPath::at(handed).text(), CPath::at(library).text());
    let (Some(handed), Some(library), Some(listener)) = (handed, library, fd::borrow(listener))
    else {
        return;
    };
    if session::hand_over(handed, library).is_some() {
        let whom = whom.expose_provenance();
        let relieve = move || relieve(std::ptr::with_exposed_provenance(whom));
        crate::answer::serve(listener, Box::new(relieve));
    }
}

/// What the hook of a call returns, of which the arguments are here.
pub fn answer(number: c_long, words: [usize; 6]) -> Result<c_long, Errno> {
    match syscall::answer(number, words) {
        result if result < 0 => Err(errno::last()),
        result => Ok(result),
    }
}
