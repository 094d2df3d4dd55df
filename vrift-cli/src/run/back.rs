//! The process of a run that does its work: it is above all that the command starts, and answers for what no library is in.
//! Its parent (`front.rs`) is waited for by the caller, and may end before it, or be killed.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::message::Message;
use super::parting;
use super::processes::Process;

/// How long the first process may take to stop that was told to.
const STOPS_WITHIN: Duration = Duration::from_millis(300);

/// What this process knows of the first one.
pub struct Back {
    front: Pid,
    /// The process group that the command is to be in, and its session: those of the caller's.
    group: Option<Pid>,
    session: i32,
    socket: OwnedFd,
    /// Descriptors that the caller has given.
    given: Vec<i32>,
    is_gone: Cell<bool>,
    /// It was told to stop, and has not been told to go on since.
    is_stopped: Cell<bool>,
}

impl Back {
    /// In the process that was made by `front`, with its end of the pair.
    pub fn new(front: Pid, socket: OwnedFd) -> Back {
        Back {
            front,
            group: parting::group(),
            session: parting::session(),
            given: given(),
            socket,
            is_gone: Cell::new(false),
            is_stopped: Cell::new(false),
        }
    }

    /// The first process.
    pub fn front(&self) -> Pid {
        self.front
    }

    /// The process group of the caller's.
    pub fn group(&self) -> Option<Pid> {
        self.group
    }

    /// The caller's session.
    pub fn session(&self) -> i32 {
        self.session
    }

    /// Whether the first process leads the caller's session, so that it is told when the terminal goes.
    pub fn leads_session(&self) -> bool {
        self.session == self.front.as_raw_nonzero().get()
    }

    /// Goes into a session of its own, without a terminal, and with no other in its process group: signals come by the first
    /// process alone. The command must have been started: it is to be in the caller's session.
    pub fn go_apart(&self) {
        // Refused only to who leads a group, which a child does not.
        let _ = rustix::process::setsid();
    }

    /// Whether the first process has ended, without having been told to.
    pub fn is_alone(&self) -> bool {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        if !self.is_gone.get() {
            let mut waiting = [PollFd::new(&self.socket, PollFlags::empty())];
            let told = poll(&mut waiting, Some(&none));
            let [waiting] = waiting;
            self.is_gone.set(told.is_ok() && !waiting.revents().is_empty());
        }
        self.is_gone.get()
    }

    /// What tells when it ends, as long as it has not.
    pub fn ending(&self) -> Option<PollFd<'_>> {
        (!self.is_alone()).then(|| PollFd::new(&self.socket, PollFlags::empty()))
    }

    /// Has it stop as the command did.
    pub fn stop(&self, signal: i32) {
        self.is_stopped.set(true);
        Message::Stopped(signal).send(&self.socket);
    }

    /// It was told to go on.
    pub fn goes_on(&self) {
        self.is_stopped.set(false);
    }

    /// Has it give the terminal to a process group, and tell that to go on.
    pub fn give_terminal(&self, group: Pid) {
        Message::Group(group.as_raw_nonzero().get()).send(&self.socket);
    }

    /// The command has ended: if it was stopped, so is the first process, which is to see it.
    pub fn wake(&self) {
        if !self.is_stopped.replace(false) {
            return;
        }
        let front = pidfd_open(self.front, PidfdFlags::empty());
        let begun = Instant::now();
        let is_stopped = || {
            Process::of(self.front.as_raw_nonzero().get()).is_some_and(|front| front.state == b'T')
        };
        while !self.is_alone() && !is_stopped() && begun.elapsed() < STOPS_WITHIN {
            std::thread::sleep(Duration::from_millis(1));
        }
        // As long as it is there, it is who was opened.
        if let Ok(front) = front
            && !self.is_alone()
        {
            let _ = pidfd_send_signal(front, Signal::CONT);
        }
    }

    /// What came to the first process until now has been handed on when this returns: a key that has ended the command is to be
    /// known before its end is judged.
    pub fn settle(&self) {
        if self.is_alone() {
            return;
        }
        Message::Settle.send(&self.socket);
        while !self.is_alone() {
            let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], None);
            if Message::receive(&self.socket) == Some(Message::Settle) {
                return;
            }
        }
    }

    /// From here on signals are to have their own effect in this process.
    pub fn takes_signals(&self) {
        Message::Plain.send(&self.socket);
    }

    /// Has the first process end with an exit code, or by a signal. This one has given up all that it had of the caller's.
    pub fn release(&self, how: Message) {
        self.give_up();
        how.send(&self.socket);
    }

    /// Whoever waits for the end of what this process was given is to see it.
    fn give_up(&self) {
        let null = File::options().read(true).write(true).open("/dev/null");
        for &number in &self.given {
            match &null {
                Ok(null) if number <= 2 => parting::put_in_place(null, number),
                _ => parting::close(number),
            }
        }
        // Nor does it hold a file system.
        let _ = rustix::process::chdir("/");
    }
}

/// The descriptors that are open and would be in a program that is executed: those that were given to this one.
fn given() -> Vec<i32> {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|&number| parting::is_for_programs(number)).collect()
}
