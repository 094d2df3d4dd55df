//! The signals that reach `vrift` while the command runs, read from a descriptor.
//!
//! They are blocked, not caught: what the caller has set to be ignored stays ignored in the command, as `nohup` needs.

use std::sync::Arc;

use nix::sys::signal::{SigSet, SigmaskHow, Signal as Name};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::{Pid, Signal};

use crate::error::{Error, Result};

/// Everything that is handed on or waited for. What tells of an error in `vrift` itself stays as it is.
const TAKEN: [Name; 18] = [
    Name::SIGCHLD,
    Name::SIGCONT,
    Name::SIGTSTP,
    Name::SIGTTIN,
    Name::SIGTTOU,
    Name::SIGHUP,
    Name::SIGINT,
    Name::SIGQUIT,
    Name::SIGTERM,
    Name::SIGUSR1,
    Name::SIGUSR2,
    Name::SIGALRM,
    Name::SIGVTALRM,
    Name::SIGPROF,
    Name::SIGIO,
    Name::SIGPWR,
    Name::SIGWINCH,
    Name::SIGURG,
];

/// The kernel sent it: a terminal's key, or that the terminal is gone.
const SI_KERNEL: i32 = 0x80;

/// It was sent with a value.
const SI_QUEUE: i32 = -1;

/// Who sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The kernel.
    Kernel,
    /// This process.
    Process(Pid),
    /// A process that has no number here: it is outside of the container.
    Outside,
}

impl Sender {
    /// As a number that can be handed on.
    pub fn to_number(self) -> i32 {
        match self {
            Sender::Kernel => 0,
            Sender::Process(pid) => pid.as_raw_nonzero().get(),
            Sender::Outside => -1,
        }
    }

    fn of_number(number: i32) -> Sender {
        match number {
            0 => Sender::Kernel,
            _ if number < 0 => Sender::Outside,
            _ => Pid::from_raw(number).map_or(Sender::Outside, Sender::Process),
        }
    }
}

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// From whom.
    pub sender: Sender,
}

/// The signals of this process from now on.
#[derive(Debug)]
pub struct Signals {
    descriptor: SignalFd,
    before: SigSet,
    /// Who hands on what it was sent.
    front: Option<Pid>,
}

impl Signals {
    /// Takes the signals. To be done before the command is started: what comes after that is read and not lost. What `front`
    /// hands on counts as what it was sent.
    pub fn take(front: Option<Pid>) -> Result<Signals> {
        // Where they are ignored the kernel forgets children that end, and nobody learns how.
        if crate::is_ignored(Name::SIGCHLD as i32) {
            let _ = signal_hook::flag::register(Name::SIGCHLD as i32, Arc::default());
        }
        let set: SigSet = TAKEN.into_iter().collect();
        let failed = |errno: nix::errno::Errno| {
            Error::failed("signals cannot be taken").caused_by(std::io::Error::from(errno))
        };
        let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(failed)?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let descriptor = SignalFd::with_flags(&set, flags).map_err(failed)?;
        Ok(Signals { descriptor, before, front })
    }

    /// Takes none any more, in the child of who has taken them.
    pub fn leave(self) {
        let _ = self.before.thread_set_mask();
    }

    /// The signals that the caller has blocked, and the command is to have blocked.
    pub fn before(&self) -> &SigSet {
        &self.before
    }

    /// Lets signals do again what they do by themselves. Those that came since the command ended and are to end this
    /// process are noted as such.
    pub fn give_back(&self) {
        while let Some(received) = self.next() {
            crate::interrupt::note(received.signal.as_raw());
        }
        let _ = self.before.thread_set_mask();
    }

    /// Takes them again.
    pub fn take_back(&self) {
        let set: SigSet = TAKEN.into_iter().collect();
        let _ = set.thread_block();
    }

    /// The next one that waits.
    pub fn next(&self) -> Option<Received> {
        loop {
            let told = self.descriptor.read_signal().ok()??;
            let number = i32::try_from(told.ssi_signo).ok()?;
            let Some(signal) = Signal::from_named_raw(number) else { continue };
            let sender = i32::try_from(told.ssi_pid).ok().and_then(Pid::from_raw);
            let sender = match told.ssi_code {
                SI_KERNEL => Sender::Kernel,
                SI_QUEUE if sender.is_some() && sender == self.front => {
                    Sender::of_number(told.ssi_int)
                }
                _ => sender.map_or(Sender::Outside, Sender::Process),
            };
            return Some(Received { signal, sender });
        }
    }

    /// Stops this process as `signal` stops one that does nothing about it, until it is told to go on.
    pub fn stop(&self, signal: Signal) {
        let own = rustix::process::getpid();
        let name = Name::try_from(signal.as_raw()).ok().filter(|name| TAKEN.contains(name));
        let _ = rustix::process::kill_process(own, signal);
        if let Some(name) = name {
            let set: SigSet = [name].into_iter().collect();
            let _ = set.thread_unblock();
            let _ = set.thread_block();
        }
    }

    /// Ends this process as `signal` does.
    pub fn die_of(&self, signal: Signal) {
        // A core of this process would help nobody.
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
        self.stop(signal);
    }
}

impl std::os::fd::AsFd for Signals {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
