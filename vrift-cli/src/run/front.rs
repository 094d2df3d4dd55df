//! The process of a run that its caller waits for, and that signals are sent to. It knows nothing of the tree: what is to be
//! done is done by its child (`back.rs`), which goes on when this one has ended, or was killed.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, waitpid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::back::Back;
use super::message::Message;
use super::parting;
use super::signals::{Received, Signals};
use crate::error::{Error, Result};

/// Which of the two processes this is.
pub enum Part {
    /// The one that is waited for. The run has ended.
    Front(Ends),
    /// The one that does what is to be done.
    Back(Back),
}

/// How the first process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With this exit code.
    Code(u8),
    /// By this signal.
    Signal(i32),
    /// The other one was killed by this signal.
    Killed(i32),
}

/// Signals that end a process which has not asked for it: it has crashed, or somebody wanted just that.
const KILLING: [Signal; 8] = [
    Signal::KILL,
    Signal::ABORT,
    Signal::SEGV,
    Signal::BUS,
    Signal::ILL,
    Signal::FPE,
    Signal::SYS,
    Signal::TRAP,
];

/// Becomes two processes, and in the first one stays until it is to end. No thread was started yet.
pub fn part() -> Result<Part> {
    let failed = |error: std::io::Error| Error::failed("cannot start a process").caused_by(error);
    // What comes from here on is handed on, so that none of the two ends alone.
    let signals = Signals::take(None)?;
    let own = rustix::process::getpid();
    let (front, back) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(|errno| failed(errno.into()))?;
    Ok(match parting::fork().map_err(failed)? {
        Some(child) => {
            drop(back);
            let front = Front { back: child, socket: front, signals, asked: None, plain: false };
            Part::Front(front.stay())
        }
        None => {
            drop(front);
            signals.leave();
            Part::Back(Back::new(own, back))
        }
    })
}

struct Front {
    back: Pid,
    socket: OwnedFd,
    signals: Signals,
    /// It was stopped in place of this process, which got this signal.
    asked: Option<i32>,
    /// The command has ended, and signals are to do to the other what they do by themselves.
    plain: bool,
}

impl Front {
    /// Stays until it is to end; if that is by a signal, it does not come back but as the first process of a container, which
    /// cannot be ended by one of its own.
    fn stay(mut self) -> Ends {
        let ends = self.wait();
        if let Ends::Signal(signal) = ends
            && let Some(signal) = Signal::from_named_raw(signal)
        {
            self.signals.die_of(signal);
        }
        ends
    }

    fn wait(&mut self) -> Ends {
        let mut closed = false;
        loop {
            // In this order: what it has told before it ended counts.
            let ended = self.look();
            let mut looks_again = false;
            while let Some(message) = Message::receive(&self.socket) {
                match message {
                    Message::Code(code) => return Ends::Code(code),
                    Message::Signal(signal) => return Ends::Signal(signal),
                    Message::Stopped(signal) => self.stop(signal),
                    Message::Group(group) => give_terminal(group),
                    Message::Plain => self.plain = true,
                    Message::Settle => {
                        looks_again |= self.hand_on_all();
                        Message::Settle.send(&self.socket);
                    }
                }
            }
            if let Some(ended) = ended {
                return ended;
            }
            looks_again |= self.hand_on_all();
            if looks_again {
                continue;
            }
            let mut waiting = vec![PollFd::new(&self.signals, PollFlags::IN)];
            waiting.extend((!closed).then(|| PollFd::new(&self.socket, PollFlags::IN)));
            let _ = poll(&mut waiting, None);
            // It closes its end a moment before it has ended, of which a signal tells.
            closed |= waiting.iter().any(|one| one.revents().contains(PollFlags::HUP));
        }
    }

    /// How the other has ended; if it was stopped in place of this one, so is this one.
    fn look(&mut self) -> Option<Ends> {
        loop {
            let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
            let status: WaitStatus = match waitpid(Some(self.back), options) {
                Ok(Some((_, status))) => status,
                Ok(None) => return None,
                Err(Errno::INTR) => continue,
                Err(_) => return Some(Ends::Killed(Signal::KILL.as_raw())),
            };
            if status.stopped() {
                // By somebody else, it goes on when that one has it go on, of which this process would not hear.
                if let Some(signal) = self.asked.take() {
                    self.stop(signal);
                }
                continue;
            }
            return Some(match status.terminating_signal() {
                Some(signal) if KILLING.iter().any(|killing| killing.as_raw() == signal) => {
                    Ends::Killed(signal)
                }
                Some(signal) => Ends::Signal(signal),
                None => {
                    let code = status.exit_status().and_then(|code| u8::try_from(code).ok());
                    Ends::Code(code.unwrap_or(u8::MAX))
                }
            });
        }
    }

    /// Hands on what has come; whether a child has changed.
    fn hand_on_all(&mut self) -> bool {
        let mut changed = false;
        while let Some(received) = self.signals.next() {
            if received.signal == Signal::CHILD {
                changed = true;
            } else {
                self.hand_on(received);
            }
        }
        changed
    }

    fn hand_on(&mut self, received: Received) {
        let Received { signal, sender } = received;
        if self.plain && signal == Signal::TSTP {
            // It is in no job of the terminal, where this signal would have no effect.
            self.asked = Some(signal.as_raw());
            let _ = rustix::process::kill_process(self.back, Signal::STOP);
            return;
        }
        parting::hand_on(self.back, signal, sender.to_number());
    }

    fn stop(&self, signal: i32) {
        self.signals.stop(Signal::from_named_raw(signal).unwrap_or(Signal::STOP));
    }
}

/// An interactive shell has a group of its own, and the terminal with it when it stopped.
fn give_terminal(group: i32) {
    let Some(group) = Pid::from_raw(group) else { return };
    let terminal = std::io::stdin();
    if parting::group().is_some_and(|own| tcgetpgrp(&terminal) == Ok(own)) {
        let _ = tcsetpgrp(&terminal, group);
    }
    let _ = rustix::process::kill_process_group(group, Signal::CONT);
}
