//! Calls that close a descriptor, or give it another number.

use std::ffi::{c_int, c_long, c_uint};

use crate::vfs::{close, descriptor, lock};

fn one(real: extern "C" fn(c_int) -> c_int, fd: c_int) -> c_int {
    let ends = close::before(fd);
    let closed = real(fd);
    close::after(ends);
    closed
}

spellings!(one: fn(fd: c_int) -> c_int: close, __close);

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
    let ends = close::before(number);
    let new = noted(fd, real(fd, number));
    close::after(ends);
    new
}

spellings!(second: fn(fd: c_int, number: c_int) -> c_int: dup2, __dup2);

hook! {
    /// dup3(2)
    real => fn dup3(fd: c_int, number: c_int, flags: c_int) -> c_int {
        if fd == number {
            return real(fd, number, flags);
        }
        let ends = close::before(number);
        let new = noted(fd, real(fd, number, flags));
        close::after(ends);
        new
    }
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
        | libc::F_OFD_GETLK => {
            lock::pin(fd);
            real(fd, command, argument)
        }
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
