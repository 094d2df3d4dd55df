//! dlopen and dlmopen: the loader's, for the path of the file behind a library of the tree.
//!
//! The loader takes the caller's search path by the address that it returns to, so it is jumped to, never called.

use std::arch::naked_asm;
use std::ffi::{CString, c_char, c_int, c_void};

use super::args::CPath;
use super::objects;
use crate::sys::next::Next;
use crate::sys::{errno, gate};
use crate::vfs::exec::Loading;
use crate::vfs::library;

/// Path and function, in the two registers of a result.
#[repr(C)]
struct Jump {
    path: *const c_char,
    function: *mut c_void,
}

fn jump(path: CPath, next: impl Fn() -> *mut c_void, caller: Option<*const c_void>) -> Jump {
    let function = errno::kept(next);
    let told = || {
        errno::kept(|| match (path.bytes()?, caller) {
            (name, Some(caller)) if !name.contains(&b'/') => by_name(function, path, name, caller),
            (path, _) => library::for_loader(path),
        })
    };
    let path = match if gate::is_inside() { None } else { told() } {
        Some(Loading { path, needed }) => {
            let missing = if caller.is_some() { load(function, needed) } else { None };
            // It has to last as long as the loader's work; libraries are not loaded without end.
            missing.unwrap_or(path).into_raw().cast_const()
        }
        None => path.as_ptr(),
    };
    Jump { path, function }
}

type Open = extern "C" fn(*const c_char, c_int) -> *mut c_void;

fn open(dlopen: *mut c_void) -> Open {
    // SAFETY: the next definition of dlopen, which is called as C calls it.
    unsafe { core::mem::transmute::<*mut c_void, Open>(dlopen) }
}

/// What is to be loaded for a name, if that is the tree's by where the caller says that libraries are.
fn by_name(
    dlopen: *mut c_void,
    path: CPath,
    name: &[u8],
    caller: *const c_void,
) -> Option<Loading> {
    if name.is_empty() || !library::is_somewhere() {
        return None;
    }
    let loading = library::by_name(name, &objects::of(caller)?)?;
    // One that is loaded is that one.
    let loaded = open(dlopen)(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
    if !loaded.is_null() {
        // SAFETY: what dlopen gave.
        unsafe { libc::dlclose(loaded) };
        return None;
    }
    Some(loading)
}

/// Loads what a library needs before it: the loader then knows it by its name. One that cannot be loaded comes back: what
/// the loader says of it is what it would say.
fn load(dlopen: *mut c_void, needed: Vec<CString>) -> Option<CString> {
    let open = open(dlopen);
    let mut missing = needed;
    // What was found last needs nothing of what was found before, as a rule.
    missing.reverse();
    loop {
        let before = missing.len();
        missing.retain(|path| open(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL).is_null());
        if missing.is_empty() || missing.len() == before {
            return missing.into_iter().next();
        }
    }
}

extern "C" fn to_dlopen(path: CPath, caller: *const c_void) -> Jump {
    static NEXT: Next = Next::new();
    jump(path, || NEXT.get(c"dlopen"), Some(caller))
}

extern "C" fn to_dlmopen(path: CPath) -> Jump {
    static NEXT: Next = Next::new();
    jump(path, || NEXT.get(c"dlmopen"), None)
}

/// dlopen(3)
#[cfg(target_arch = "x86_64")]
// SAFETY: the name is libc's. What the caller passed is in its registers again, and the stack as it was, when it jumps.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn dlopen() {
    naked_asm!(
        "push rsi",
        "mov rsi, [rsp + 8]",
        "call {jump}",
        "pop rsi",
        "mov rdi, rax",
        "jmp rdx",
        jump = sym to_dlopen,
    )
}

/// dlmopen(3)
#[cfg(target_arch = "x86_64")]
// SAFETY: the name is libc's. What the caller passed is in its registers again, and the stack as it was, when it jumps.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn dlmopen() {
    naked_asm!(
        "push rdi",
        "push rdx",
        "sub rsp, 8",
        "mov rdi, rsi",
        "call {jump}",
        "mov rcx, rdx",
        "mov rsi, rax",
        "add rsp, 8",
        "pop rdx",
        "pop rdi",
        "jmp rcx",
        jump = sym to_dlmopen,
    )
}

/// dlopen(3)
#[cfg(target_arch = "aarch64")]
// SAFETY: the name is libc's. What the caller passed is in its registers again, and the stack as it was, when it jumps.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn dlopen() {
    naked_asm!(
        "stp x29, x30, [sp, #-32]!",
        "mov x29, sp",
        "str x1, [sp, #16]",
        "mov x1, x30",
        "bl {jump}",
        "mov x9, x1",
        "ldr x1, [sp, #16]",
        "ldp x29, x30, [sp], #32",
        "br x9",
        jump = sym to_dlopen,
    )
}

/// dlmopen(3)
#[cfg(target_arch = "aarch64")]
// SAFETY: the name is libc's. What the caller passed is in its registers again, and the stack as it was, when it jumps.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn dlmopen() {
    naked_asm!(
        "stp x29, x30, [sp, #-32]!",
        "mov x29, sp",
        "stp x0, x2, [sp, #16]",
        "mov x0, x1",
        "bl {jump}",
        "mov x9, x1",
        "mov x1, x0",
        "ldp x0, x2, [sp, #16]",
        "ldp x29, x30, [sp], #32",
        "br x9",
        jump = sym to_dlmopen,
    )
}
