//! A loader that says which libraries a program needs (`ldd`): what it says is handed on with the paths that programs see.

use std::ffi::{c_int, c_long};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::sys::fd;
use crate::vfs::exec::by_loader;
use crate::vfs::session::Given;

/// Starts `go`, which executes, in a child, and ends as it does. Returns if there can be none.
pub fn hand_on(given: &'static Given, go: impl FnOnce() -> c_int) -> Result<c_int, Errno> {
    let (from, to) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // SAFETY: a fork without what belongs to libc's own; of two threads only this one goes on in the child, which executes
    // or ends.
    let child = unsafe { libc::syscall(libc::SYS_clone, c_long::from(libc::SIGCHLD), 0, 0, 0, 0) };
    match child {
        0 => {
            let _ = fd::replace(&to, libc::STDOUT_FILENO, false);
            go();
            end(127)
        }
        child if child > 0 => {
            drop(to);
            say(given, from);
            end(code(child as c_int))
        }
        _ => Err(Errno::AGAIN),
    }
}

/// Hands on all that comes.
fn say(given: &'static Given, from: OwnedFd) {
    let mut said = Vec::new();
    let mut part = [0; 4096];
    loop {
        match rustix::io::read(from.as_fd(), &mut part) {
            Ok(0) => break,
            Ok(length) => said.extend_from_slice(part.get(..length).unwrap_or(&part)),
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    let text = by_loader::as_seen(given, &said);
    let mut rest = text.as_slice();
    let Some(out) = fd::borrow(libc::STDOUT_FILENO) else { return };
    while !rest.is_empty() {
        match rustix::io::write(out, rest) {
            Ok(length) => rest = rest.get(length..).unwrap_or(b""),
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// How a child ended.
fn code(child: c_int) -> c_int {
    let mut status = 0;
    // SAFETY: a place for the status; the child is this process's own.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } < 0 {
        if crate::sys::errno::last() != Errno::INTR {
            return 127;
        }
    }
    if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) }
}

fn end(code: c_int) -> ! {
    // SAFETY: it may be called at any time.
    unsafe { libc::_exit(code) }
}
