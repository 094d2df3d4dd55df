//! Room of a size that is known only when it is needed, on the stack: a vfork child has no other memory that is not its
//! parent's for good.

use std::arch::naked_asm;
use std::ffi::{c_char, c_void};
use std::ptr;

use super::vfork;

/// What room can be made for: all zero is a value of it.
pub trait Plain: Copy {
    /// Zero.
    const ZERO: Self;
}

impl Plain for u8 {
    const ZERO: u8 = 0;
}

impl Plain for *const c_char {
    const ZERO: *const c_char = ptr::null();
}

/// More than this is not asked of a thread's stack, which may be small, where there is other memory.
const MUCH: usize = 16 << 10;

/// Gives `work` room for `count` values, zero at first.
pub fn with<T: Plain, R>(count: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    let bytes = count.saturating_mul(size_of::<T>());
    if bytes > MUCH && !vfork::is_child() {
        return work(&mut vec![T::ZERO; count]);
    }
    once(work, |work| {
        let mut work = |room: *mut u8| {
            let room = room.cast::<T>();
            for at in 0..count {
                // SAFETY: inside the room, which has space for `count` values and is aligned to 16.
                unsafe { room.add(at).write(T::ZERO) };
            }
            // SAFETY: just written; nobody else has it.
            work(unsafe { std::slice::from_raw_parts_mut(room, count) });
        };
        let mut work: Work<'_> = &mut work;
        // SAFETY: `enter` is called with the room and this address, at which there is what it takes it for.
        unsafe { below(bytes.max(16), enter, (&raw mut work).cast()) };
    })
}

type Work<'a> = &'a mut dyn FnMut(*mut u8);

extern "C" fn enter(room: *mut u8, work: *mut c_void) {
    // SAFETY: `with` passed the address of its own, which it does not touch meanwhile.
    let work = unsafe { &mut *work.cast::<Work<'_>>() };
    work(room);
}

/// Calls `go` with what does `work` and keeps its result: so that `go`, where it is long, is there once and not once for each
/// caller.
pub fn once<A, R>(work: impl FnOnce(A) -> R, go: impl FnOnce(&mut dyn FnMut(A))) -> R {
    let (mut work, mut result) = (Some(work), None);
    go(&mut |argument| result = work.take().map(|work| work(argument)));
    match result {
        Some(result) => result,
        // Each `go` calls it.
        None => std::process::abort(),
    }
}

type Enter = extern "C" fn(*mut u8, *mut c_void);

/// Calls `enter` with `bytes` of the stack and `frame`. Pages are touched in order, so that a stack that is too small
/// ends at its guard. `bytes` is not 0.
#[cfg(target_arch = "x86_64")]
// SAFETY: for its caller: `frame` is what `enter` takes it for. The stack is taken from its end and given back whole.
#[unsafe(naked)]
unsafe extern "C" fn below(bytes: usize, enter: Enter, frame: *mut c_void) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "add rdi, 15",
        "and rdi, -16",
        "2:",
        "cmp rdi, 4096",
        "jb 3f",
        "sub rsp, 4096",
        "mov qword ptr [rsp], 0",
        "sub rdi, 4096",
        "jmp 2b",
        "3:",
        "sub rsp, rdi",
        "mov rdi, rsp",
        "mov rax, rsi",
        "mov rsi, rdx",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

/// The same.
#[cfg(target_arch = "aarch64")]
// SAFETY: as above.
#[unsafe(naked)]
unsafe extern "C" fn below(bytes: usize, enter: Enter, frame: *mut c_void) {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "add x0, x0, #15",
        "and x0, x0, #-16",
        "2:",
        "cmp x0, #4096",
        "b.lo 3f",
        "sub sp, sp, #4096",
        "str xzr, [sp]",
        "sub x0, x0, #4096",
        "b 2b",
        "3:",
        "sub sp, sp, x0",
        "mov x0, sp",
        "mov x3, x1",
        "mov x1, x2",
        "blr x3",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ret",
    )
}
