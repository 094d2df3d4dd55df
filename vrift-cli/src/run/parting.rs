//! The calls by which one process becomes two, and what one of them hands the other; and what this process was started with:
//! its group and session, its descriptors, and what its runtime changes.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal};

/// Becomes two processes: `Some` child in the first one, `None` in the other. Nobody has started a thread yet, but for one that
/// runs all of this while the first does nothing but wait (`stack.rs`).
pub fn fork() -> std::io::Result<Option<Pid>> {
    // SAFETY: this is the one thread that does anything, so whatever its memory holds is as whole in the child as here.
    match unsafe { libc::fork() } {
        0 => Ok(None),
        child if child > 0 => Ok(Pid::from_raw(child)),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Sends a signal to `to`, with a number that says who has sent it here.
pub fn hand_on(to: Pid, signal: Signal, sender: i32) {
    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(sender as usize) };
    // SAFETY: numbers. Who is gone gets nothing.
    let _ = unsafe { libc::sigqueue(to.as_raw_nonzero().get(), signal.as_raw(), value) };
}

/// The process group of this process; `None`: one that this PID namespace has no number for.
pub fn group() -> Option<Pid> {
    // SAFETY: nothing is passed, and it cannot fail.
    Pid::from_raw(unsafe { libc::getpgrp() })
}

/// Its session; 0: one that this PID namespace has no number for.
pub fn session() -> i32 {
    // SAFETY: a number is passed, which means this process.
    unsafe { libc::getsid(0) }
}

/// Whether a descriptor would be in a program that is executed.
pub fn is_for_programs(number: i32) -> bool {
    // SAFETY: only numbers are passed.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Puts `file` in the place of a descriptor that was given to this process when it was executed.
pub fn put_in_place(file: impl AsFd, number: i32) {
    // SAFETY: who gave it is the only one who knows of its number, but for standard input, output and error, which stay open.
    let _ = unsafe { libc::dup2(file.as_fd().as_raw_fd(), number) };
}

/// Closes a descriptor that was given to this process when it was executed, or one that the runtime has opened in the place of
/// one that was not, before this process becomes another program.
pub fn close(number: i32) {
    // SAFETY: nothing in this process has made it as its own; who uses standard input, output and error by their number finds
    // an error there, as if they had been closed from the beginning.
    let _ = unsafe { libc::close(number) };
}

/// Whether who started this process ignores SIGPIPE.
static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Which of standard input, output and error who started this process had closed.
static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Looks before `main`: the standard library ignores SIGPIPE from there on, whatever it was, and opens `/dev/null` in the
/// place of what is closed.
extern "C" fn look() {
    for (number, closed) in (0..).zip(&CLOSED) {
        // SAFETY: only numbers are passed.
        closed.store(unsafe { libc::fcntl(number, libc::F_GETFD) } < 0, Ordering::Relaxed);
    }
    // SAFETY: an action is integers and a set of bits; the kernel writes one there.
    let ignored = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    };
    PIPE_IGNORED.store(ignored, Ordering::Relaxed);
}

// SAFETY: what stands there is called when the program starts, and uses nothing that would not be there yet.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// The descriptors that a program which is started is to find closed, as it would if it had been called directly.
pub fn closed() -> impl Iterator<Item = i32> {
    (0..)
        .zip(&CLOSED)
        .filter(|(_, closed)| closed.load(Ordering::Relaxed))
        .map(|(number, _)| number)
}

/// Whether a program that is started is to ignore SIGPIPE, as it would if it had been called directly.
pub fn is_pipe_ignored() -> bool {
    PIPE_IGNORED.load(Ordering::Relaxed)
}

/// Makes SIGPIPE do what it did when this process was started, which is about to become another program, and closes what was
/// closed.
pub fn restore() {
    if !is_pipe_ignored() {
        // SAFETY: no handler of this process's is called any more for it; there was none.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
    closed().for_each(close);
}
