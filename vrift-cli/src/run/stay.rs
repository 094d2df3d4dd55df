//! Staying when the command has ended, for what it has left and is answered for.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::WaitOptions;

use super::listeners::Listeners;
use super::signals::Signals;

/// Stays until nobody is left who could ask. Signals have no effect: what is answered for ends by them, and this process
/// then, too; if it went first, their last calls would fail.
pub fn stay(signals: &Signals, listeners: &Listeners) {
    loop {
        while signals.next().is_some() {}
        let children = reap();
        listeners.take();
        if !children || !listeners.are_used() {
            return;
        }
        let waiting = [signals.as_fd(), listeners.as_fd(), listeners.ended()];
        let mut waiting = waiting.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN));
        // Whatever it says, all that matters is looked at again.
        let _ = poll(&mut waiting, None);
    }
}

/// Takes note of every child that has ended; whether there are any left.
fn reap() -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}
