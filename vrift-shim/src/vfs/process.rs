//! The record of this process in the workspace's history, and how those that it starts learn its number.
//!
//! A process has its record when it first changes something or starts another. A program that it becomes or starts gets
//! the number in a variable of its environment. A fork has no environment to be handed: it remembers whose copy it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::known;
use super::session::{self, Given};
use super::who;
#[cfg(target_arch = "x86_64")]
use crate::answer::history;
#[cfg(target_arch = "x86_64")]
use crate::sys::client;
use crate::sys::fork::{self, Asker};
use crate::sys::strings::{self, Strings};
use crate::sys::{gate, vfork};

/// Digits of the parent's number in the variable: always as many, so that it can be written over where it stands.
const DIGITS: usize = 20;

/// The record of this process; 0: it has none yet.
static OWN: AtomicU64 = AtomicU64::new(0);
/// That of the process that started it; 0: none is known.
static PARENT: AtomicU64 = AtomicU64::new(0);
/// This process is the copy of its parent, and has become no other program.
static COPY: AtomicBool = AtomicBool::new(false);

/// What was handed over names this parent.
pub fn started_by(parent: u64) {
    PARENT.store(parent, Ordering::Relaxed);
}

/// Where the number of this process's record is kept.
pub fn own() -> &'static AtomicU64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(thread) = client::thread() {
        return history::record(thread);
    }
    if fork::is_copy(Asker::Record) {
        // What was this process's before is its parent's now.
        let parent = OWN.swap(0, Ordering::AcqRel);
        if parent != 0 {
            PARENT.store(parent, Ordering::Relaxed);
            COPY.store(true, Ordering::Relaxed);
        }
    }
    &OWN
}

/// The record of the process that started this one; 0: none is known.
pub fn parent() -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(thread) = client::thread() {
        return history::parent(thread);
    }
    PARENT.load(Ordering::Relaxed)
}

/// This process starts another: the number that the other is to know as its parent's, 0 if there is none.
pub fn starts_another(given: &'static Given) -> u64 {
    known::forget();
    let own = own().load(Ordering::Acquire);
    if own != 0 {
        return own;
    }
    // A fork that did nothing and becomes another program is no step of history.
    let parent = parent();
    if parent != 0 && COPY.load(Ordering::Relaxed) { parent } else { note(given) }
}

#[cold]
fn note(given: &'static Given) -> u64 {
    let noted = gate::inside(|| session::with(given, |session| session.note(&who::who())));
    // History has a gap where it fails; what the program does is not to fail for it.
    noted.unwrap_or_else(|_| parent())
}

/// libc is about to start a process with the program's environment, unseen: the number is set right where it stands.
pub fn announce(given: &'static Given) {
    let number = digits(starts_another(given));
    for string in Strings::environment().pointers() {
        let rest = strings::bytes(string).strip_prefix(given.text.as_slice());
        if rest.is_some_and(|rest| rest.len() == DIGITS) {
            strings::overwrite(string, given.text.len(), &number);
        }
    }
}

/// A number as the variable has it.
pub fn digits(number: u64) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    let mut left = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    digits
}

/// The process that history is to name: in a vfork child its parent, whose memory this is.
pub fn pid() -> u32 {
    #[cfg(target_arch = "x86_64")]
    if let Some(thread) = client::thread() {
        return history::process(thread);
    }
    vfork::owner()
}
