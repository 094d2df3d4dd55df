//! dladdr, dl_iterate_phdr, dlinfo and dlerror: libraries of the tree by their paths there.
//!
//! The loader opened them by names in the store's farm, which are in its own list. A name there is never shorter than the
//! path in the tree (`vfs/exec/shelf.rs` sees to it), so that the path is written over it: once, before anybody reads it,
//! and while dl_iterate_phdr holds the loader's lock. So debuggers and who goes through the list by himself see it, too.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{Dl_info, dl_phdr_info};

use super::args::Out;
use crate::sys::errno;
use crate::sys::next::Next;
use crate::vfs::library;

type Callback = extern "C" fn(*mut dl_phdr_info, usize, *mut c_void) -> c_int;

/// Somebody is at it.
static AT_WORK: AtomicBool = AtomicBool::new(false);

/// Gives all that was loaded out of the tree its path there.
fn name_all() {
    static NEXT: Next = Next::new();
    type Function = extern "C" fn(Callback, *mut c_void) -> c_int;
    if !library::may_be_loaded() || AT_WORK.swap(true, Ordering::Acquire) {
        return;
    }
    // SAFETY: the next definition of dl_iterate_phdr, which is called as C calls it.
    let next = unsafe {
        core::mem::transmute::<*mut c_void, Function>(errno::kept(|| NEXT.get(c"dl_iterate_phdr")))
    };
    next(name_one, std::ptr::null_mut());
    AT_WORK.store(false, Ordering::Release);
}

extern "C" fn name_one(object: *mut dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the loader's own, for as long as the call lasts.
    let name = unsafe { (*object).dlpi_name }.cast_mut();
    // SAFETY: it is the name in the loader's list: in memory of its own, which it never writes again.
    unsafe { write_over(name) };
    0
}

/// Writes what programs see over a name of the farm.
///
/// # Safety
/// It is null or a C string; if it is a name of the farm, it is in memory that can be written, and nobody else writes it.
unsafe fn write_over(name: *mut c_char) {
    if name.is_null() {
        return;
    }
    // SAFETY: a C string.
    let text = unsafe { CStr::from_ptr(name) }.to_bytes();
    let Some((mount, rest)) = library::in_tree(text) else { return };
    let (length, start) = (rest.len(), text.len() - rest.len());
    if mount.len() > start {
        return;
    }
    // SAFETY: both ends lie in the string, the NUL with the second, and what is written ends no later than it did.
    unsafe {
        std::ptr::copy(name.add(start), name.add(mount.len()), length + 1);
        std::ptr::copy_nonoverlapping(mount.as_ptr().cast(), name, mount.len());
    }
}

/// The same for each name in what the loader says.
///
/// # Safety
/// It is null or a C string; if there is a name of the farm in it, it is in memory that can be written, and nobody else's.
unsafe fn write_over_all(text: *mut c_char) {
    if text.is_null() || !library::may_be_loaded() {
        return;
    }
    let mut at = 0;
    // SAFETY: a C string, which does not become longer, and a place in it.
    while let Some(next) = library::next_name(unsafe { CStr::from_ptr(text.add(at)) }.to_bytes()) {
        // SAFETY: what begins there is a C string as well.
        unsafe { write_over(text.add(at + next)) };
        at += next + 1;
    }
}

hook! {
    /// dlerror(3)
    real => fn dlerror() -> *mut c_char {
        let text = real();
        // SAFETY: null or a C string of this thread's until it asks again; with a name in it, not a text of libc's own.
        unsafe { write_over_all(text) };
        text
    }
}

hook! {
    /// dl_iterate_phdr(3)
    real => fn dl_iterate_phdr(callback: Option<Callback>, data: *mut c_void) -> c_int {
        name_all();
        real(callback, data)
    }
}

fn tell(result: c_int, info: Out<Dl_info>) -> c_int {
    let Some(found) = info.read().filter(|_| result != 0) else { return result };
    // SAFETY: the loader's, or the program's first argument.
    let name = (!found.dli_fname.is_null()).then(|| unsafe { CStr::from_ptr(found.dli_fname) });
    if name.is_some_and(|name| library::in_tree(name.to_bytes()).is_some()) {
        name_all();
    }
    result
}

hook! {
    /// dladdr(3)
    real => fn dladdr(address: *const c_void, info: Out<Dl_info>) -> c_int {
        tell(real(address, info), info)
    }
}

hook! {
    /// dladdr1(3)
    real => fn dladdr1(address: *const c_void, info: Out<Dl_info>, more: *mut *mut c_void, flags: c_int) -> c_int {
        tell(real(address, info, more, flags), info)
    }
}

/// The directory of a library, written where the caller says.
const ORIGIN: c_int = 6;

hook! {
    /// dlinfo(3)
    real => fn dlinfo(handle: *mut c_void, request: c_int, answer: *mut c_void) -> c_int {
        name_all();
        let result = real(handle, request, answer);
        if request == ORIGIN && result == 0 && library::may_be_loaded() {
            // SAFETY: the C string that was just written there.
            unsafe { write_over(answer.cast()) };
        }
        result
    }
}
