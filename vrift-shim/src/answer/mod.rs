//! Answering calls of programs that no library is in: static ones, those of another C library, those that ask the kernel
//! by themselves. `vrift run` loads this library for it, and each of its threads that answers comes here with a listener.
//!
//! ```text
//! program --call--> kernel --told--> here: whose is it? --no path of the tree--> kernel goes on with it
//!                                    |  in the caller's place: directory, umask, descriptors, history
//!                                    +-> the body of the hook that a preloaded program would have come to
//! ```
//! So every rule of the tree is written once. All state is in kernel objects, as with preloaded programs: a descriptor that
//! is handed out is a blob, a draft or a placeholder, the working directory is a placeholder.
#![cfg(target_arch = "x86_64")]

mod caller;
pub mod calls;
mod change;
pub mod contents;
mod execute;
mod frame;
pub mod history;
mod relief;
mod seen;
mod socket;
mod task;

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use vrift_manifest::listener;

use crate::sys::tracee::{self, Said, Told};
use crate::sys::{apart, client};
use crate::vfs::session;
use calls::Makes;
use frame::Frame;

/// What is done about a call.
enum Reply {
    /// The kernel does it.
    Kernel,
    /// It returns this.
    Value(i64),
    /// It returns this descriptor, with these flags of a descriptor.
    Descriptor(OwnedFd, u32),
    /// It is to be made again, with this path as its argument of that number.
    Again(usize, CString),
    /// It was answered, or nobody waits any more.
    Done,
}

/// Answers until nobody is left who could ask, or another thread goes on with it.
pub fn serve(listener: BorrowedFd<'_>, relieve: relief::Relieve) {
    client::answers();
    let duty = relief::OnDuty::new(relieve);
    // Each thread has its directory and umask; and numbers of descriptors are not those of the programs.
    if apart::own_directory().is_err() {
        return;
    }
    tracee::wake_here(listener);
    let mut first = true;
    while duty.goes_on()
        && let Some(told) = tracee::next(listener)
    {
        duty.step();
        if std::mem::take(&mut first) {
            caller::first(&told);
        }
        client::act_for(told.thread);
        task::begin();
        match answer(listener, &told) {
            Ok(Reply::Kernel) => told.answer(listener, Said::Kernel),
            Ok(Reply::Value(value)) => told.answer(listener, Said::Value(value)),
            Ok(Reply::Descriptor(file, flags)) => {
                told.hand_out(listener, file.as_fd(), flags);
            }
            // What is made again was answered then.
            Ok(Reply::Done | Reply::Again(..)) => {}
            Err(errno) => told.answer(listener, Said::Error(errno.raw_os_error())),
        }
        client::act_for(0);
        duty.step();
    }
}

fn answer(listener: BorrowedFd<'_>, told: &Told) -> Result<Reply, Errno> {
    match told.number {
        libc::SYS_chdir => return change::directory(listener, told),
        libc::SYS_fchdir => return change::descriptor(told),
        libc::SYS_execve | libc::SYS_execveat => return execute::program(listener, told),
        libc::SYS_setuid | libc::SYS_setreuid | libc::SYS_setresuid | libc::SYS_setfsuid => {
            caller::changes();
            return Ok(Reply::Kernel);
        }
        libc::SYS_bind | libc::SYS_connect => return socket::named(listener, told),
        _ => {}
    }
    let Some(call) = calls::of(told.number) else { return Ok(Reply::Kernel) };
    if seen::is_found(told) && !frame::may_ask(told.number) {
        return Ok(Reply::Kernel);
    }
    let mut frame = Frame::take(told, call)?;
    if let Some(reply) = question(&frame) {
        return Ok(reply);
    }
    if let (Makes::Open(_), Some(path)) = (call.makes, frame.path()) {
        seen::opens(told, path);
    }
    // Who has the library in it may hold the workspace's lock: then nothing may be asked of the workspace before that is known.
    let by_descriptor = call.arguments.contains(&calls::Argument::Descriptor);
    if by_descriptor && seen::is_seen(told) || !frame.is_ours()? || seen::is_seen(told) {
        return Ok(Reply::Kernel);
    }
    if !told.is_waiting(listener) {
        return Ok(Reply::Done);
    }
    if let Some((at, path)) = frame.pipe()? {
        return change::argument(listener, told, at, &path);
    }
    caller::check(told)?;
    match frame.call()? {
        Reply::Again(at, path) => change::argument(listener, told, at, &path),
        other => Ok(other),
    }
}

/// Whether it is the question whether this run answers: see `vfs::exec::cover`.
fn question(frame: &Frame<'_>) -> Option<Reply> {
    let path = frame.path()?.strip_prefix(QUESTION)?;
    let given = session::given()?;
    let handover = &given.handover;
    let name = listener::name(handover.id.as_bytes(), handover.run);
    (path == name).then_some(Reply::Value(0))
}

/// What a name stands behind in the question whether its run answers: nothing can have such a path.
pub const QUESTION: &[u8] = b"/proc/";
