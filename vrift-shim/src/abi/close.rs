//! Calls that close a descriptor, or give it another number.

use std::ffi::{c_int, c_long, c_uint};

use crate::sys::{fd, own, stdio};
use crate::vfs::{close, descriptor, lock};

// close is told where it was called from: what this library opened for itself it closes by the same name, and that ends
// nothing of the program's.
#[cfg(target_arch = "x86_64")]
macro_rules! with_caller {
    ($body:path) => {
        core::arch::naked_asm!("mov rsi, [rsp]", "jmp {body}", body = sym $body)
    };
}
#[cfg(target_arch = "aarch64")]
macro_rules! with_caller {
    ($body:path) => {
        core::arch::naked_asm!("mov x1, x30", "b {body}", body = sym $body)
    };
}

/// close(2)
// SAFETY (of the attributes): libc's name and signature; the body is one jump.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn close(fd: c_int) -> c_int {
    // SAFETY: the caller's address goes into the second argument, which the caller does not use, and the body returns to
    // the caller.
    with_caller!(close_from)
}

/// Another spelling.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub extern "C" fn __close(fd: c_int) -> c_int {
    // SAFETY: as above.
    with_caller!(close_from)
}

extern "C" fn close_from(fd: c_int, caller: usize) -> c_int {
    if own::is_code(caller) {
        // It may have been opened for the program, and noted.
        descriptor::forget(fd);
        fd::close_own(fd);
        return 0;
    }
    let ends = close::before(fd);
    if ends.is_nothing() {
        // The last thing that is done, so that it is a jump.
        return stdio::close_next(fd);
    }
    let closed = stdio::close_next(fd);
    close::after(ends);
    closed
}

hook! {
    /// dup(2)
    real => fn dup(fd: c_int) -> c_int {
        noted(fd, real(fd))
    }
}

/// What has the number is closed first.
fn second(real: extern "C" fn(c_int, c_int) -> c_int, fd: c_int, number: c_int) -> c_int {
    if fd == number {
        return real(fd, number);
    }
    replacing(fd, number, || real(fd, number))
}

spellings!(second: fn(fd: c_int, number: c_int) -> c_int: dup2, __dup2);

hook! {
    /// dup3(2)
    real => fn dup3(fd: c_int, number: c_int, flags: c_int) -> c_int {
        if fd == number {
            return real(fd, number, flags);
        }
        replacing(fd, number, || real(fd, number, flags))
    }
}

fn replacing(fd: c_int, number: c_int, replace: impl FnOnce() -> c_int) -> c_int {
    let known = descriptor::known(number);
    let ends = close::before(number);
    let new = noted(fd, replace());
    if new < 0 {
        // Nothing was closed.
        descriptor::know(number, known);
        return new;
    }
    close::after(ends);
    new
}

/// Notes that `new` is the same as `old`.
fn noted(old: c_int, new: c_int) -> c_int {
    if new >= 0 {
        descriptor::duplicated(old, new);
    }
    new
}

fn control(
    real: extern "C" fn(c_int, c_int, c_long) -> c_int,
    fd: c_int,
    command: c_int,
    argument: c_long,
) -> c_int {
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => noted(fd, real(fd, command, argument)),
        libc::F_SETLK
        | libc::F_SETLKW
        | libc::F_GETLK
        | libc::F_OFD_SETLK
        | libc::F_OFD_SETLKW
        | libc::F_OFD_GETLK => lock::taken(fd, || real(fd, command, argument)),
        _ => real(fd, command, argument),
    }
}

spellings!(control: fn(fd: c_int, command: c_int, argument: c_long) -> c_int: fcntl, fcntl64, __fcntl);

/// Descriptors that are looked at one by one when many are closed at once: those that are noted.
const NOTED: c_uint = 1024;

/// The CLOSE_RANGE_CLOEXEC flag: nothing is closed now.
const CLOEXEC: c_int = 4;

hook! {
    /// close_range(2)
    real => fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
        if flags & CLOEXEC != 0 {
            return real(first, last, flags);
        }
        closing(first, last, || real(first, last, flags))
    }
}

hook! {
    /// closefrom(3)
    real => fn closefrom(first: c_int) -> () {
        closing(c_uint::try_from(first).unwrap_or(0), c_uint::MAX, || real(first));
    }
}

/// Closes many, and seals what that ended, a few at a time so that no list of them is needed.
fn closing<T>(first: c_uint, last: c_uint, close_all: impl FnOnce() -> T) -> T {
    let mut ended = [None; 32];
    let mut room = ended.iter_mut();
    for number in first..last.saturating_add(1).min(NOTED) {
        let Ok(number) = c_int::try_from(number) else { break };
        if descriptor::is_noted(number)
            && let Some(place) = room.next()
        {
            *place = Some(close::before(number));
        }
    }
    let result = close_all();
    ended.into_iter().flatten().for_each(close::after);
    result
}
