//! Staying with a command until it has ended, and what it left behind too.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::back::Back;
use super::left::Left;
use super::listeners::Listeners;
use super::processes::{Process, is_descendant};
use super::signals::{Received, Sender, Signals};
use crate::home;

/// How long what is left behind may take to end before it is counted as a daemon.
const GRACE: Duration = Duration::from_millis(200);

/// How often it is looked at meanwhile, and while somebody writes.
const SOON: Duration = Duration::from_millis(5);
const LATER: Duration = Duration::from_millis(50);

/// How long somebody may go on writing before the user is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, or 128 and the number of the signal that ended it.
    pub code: u8,
    /// It was ended by SIGINT, which came to this process, too: by the terminal's key, or to the whole group. A script that
    /// waits ends as well only if it sees that its command was ended by it.
    pub interrupted: bool,
    /// What goes on without it.
    pub left: Vec<Left>,
}

/// Stays with the child `command` until it has ended, no process below this one can write in `drafts` any more, but for
/// daemons, and the others have had a moment to end. Meanwhile those are answered that no library is in.
pub fn supervise(
    command: Pid,
    back: &Back,
    signals: &Signals,
    listeners: Option<&Listeners>,
    drafts: &Path,
) -> Ended {
    let mut state =
        State { command, back, status: None, alone: false, interrupt: false, hurry: false };
    let mut ended_at = None;
    let (mut told, mut settled) = (false, false);
    loop {
        let any = state.reap();
        if state.status.is_some() && !std::mem::replace(&mut settled, true) {
            back.wake();
            back.settle();
        }
        // What came before the command ended is known only now.
        let mut ended_since = false;
        while let Some(received) = signals.next() {
            ended_since |= received.signal == Signal::CHILD;
            state.receive(received);
        }
        if ended_since {
            // Perhaps only after the look at the children above, and nothing else will tell.
            continue;
        }
        let mut wait = None;
        // Without children there is nothing to wait for, whatever became of the command.
        if state.status.is_some() || !any {
            state.alone = true;
            let passed = ended_at.get_or_insert_with(Instant::now).elapsed();
            let left = if any { Left::all(drafts, back.session()) } else { Vec::new() };
            let writers: Vec<&Left> =
                left.iter().filter(|left| left.writes && !left.is_daemon).collect();
            if left.is_empty() || state.hurry || (writers.is_empty() && passed >= GRACE) {
                return state.ended(left);
            }
            if !writers.is_empty() && passed >= PATIENCE && !std::mem::replace(&mut told, true) {
                tell(&writers);
            }
            wait = Some(if passed < GRACE { SOON } else { LATER });
        }
        let timeout = wait.and_then(|wait| Timespec::try_from(wait).ok());
        let mut waiting = vec![PollFd::new(signals, PollFlags::IN)];
        waiting.extend(listeners.map(|listeners| PollFd::new(listeners, PollFlags::IN)));
        waiting.extend(back.ending());
        // Whatever it says, all that matters is looked at again.
        let _ = poll(&mut waiting, timeout.as_ref());
        if let Some(listeners) = listeners {
            listeners.take();
        }
    }
}

fn tell(writers: &[&Left]) {
    if std::io::stderr().is_terminal() {
        let names: Vec<String> = writers.iter().map(|left| left.short()).collect();
        home::warn(&format!(
            "the command has ended; waiting for {}, which can still write in the tree (^C does not wait)",
            names.join(", ")
        ));
    }
}

struct State<'s> {
    command: Pid,
    back: &'s Back,
    status: Option<WaitStatus>,
    /// Signals that come are for us: the command had ended before.
    alone: bool,
    /// SIGINT came.
    interrupt: bool,
    /// Nobody wants to wait for what is left.
    hurry: bool,
}

impl State<'_> {
    /// Takes note of every child that ended or stopped; whether there are any left.
    fn reap(&mut self) -> bool {
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        loop {
            match rustix::process::wait(options) {
                // One of our own threads has stopped it for a moment, or will go on with it.
                Ok(Some((_, status))) if is_traced(status) => {}
                Ok(Some((pid, status))) if pid == self.command => {
                    if let Some(signal) = status.stopping_signal() {
                        // The caller is to see it too.
                        self.back.stop(signal);
                    } else {
                        self.status = Some(status);
                    }
                }
                // An orphan, which has nobody else.
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    fn receive(&mut self, received: Received) {
        let signal = received.signal;
        self.interrupt |= signal == Signal::INT;
        let ends = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT].contains(&signal);
        if signal == Signal::CONT {
            self.back.goes_on();
        }
        match signal {
            Signal::CHILD => {}
            Signal::TSTP if self.alone => self.back.stop(signal.as_raw()),
            _ if self.alone => self.hurry |= ends,
            _ if self.status.is_some() => {}
            Signal::CONT => self.go_on(),
            _ if self.is_for_command(received) => {
                let _ = rustix::process::kill_process(self.command, signal);
            }
            _ => {}
        }
    }

    /// Whether a signal reached this process only. A terminal's keys, and what the command sends to its own process
    /// group, have reached the command already.
    fn is_for_command(&self, received: Received) -> bool {
        match received.sender {
            Sender::Process(sender) => !is_descendant(sender),
            Sender::Outside => true,
            Sender::Kernel => match received.signal {
                // A terminal that is gone tells the leader of its session, which the command would be without us.
                Signal::HUP => self.back.leads_session(),
                // A timer that was set before this program was executed.
                Signal::ALARM | Signal::VTALARM | Signal::PROF => true,
                _ => false,
            },
        }
    }

    /// This process was told to go on, so the command is too, if nobody else told it.
    fn go_on(&self) {
        let Some(command) = Process::of(self.command.as_raw_nonzero().get()) else { return };
        if command.state != b'T' {
            return;
        }
        match Pid::from_raw(command.group).filter(|group| Some(*group) != self.back.group()) {
            None => {
                let _ = rustix::process::kill_process(self.command, Signal::CONT);
            }
            // An interactive shell has a group of its own, and had the terminal.
            Some(group) => self.back.give_terminal(group),
        }
    }

    fn ended(&self, left: Vec<Left>) -> Ended {
        let status = self.status;
        let signal = status.and_then(WaitStatus::terminating_signal);
        let code = match signal {
            Some(signal) => 128 + signal,
            None => status.and_then(WaitStatus::exit_status).unwrap_or(255),
        };
        Ended {
            code: u8::try_from(code).unwrap_or(u8::MAX),
            interrupted: self.interrupt && signal == Some(Signal::INT.as_raw()),
            left,
        }
    }
}

/// Whether a stop is that of who is traced, which says nothing to whoever waits for a child.
fn is_traced(status: WaitStatus) -> bool {
    let by_job_control =
        [Signal::STOP, Signal::TSTP, Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
    let stopped = status.stopping_signal();
    stopped.is_some_and(|signal| status.as_raw() >> 16 != 0 || !by_job_control.contains(&signal))
}
