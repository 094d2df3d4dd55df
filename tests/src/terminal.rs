//! A terminal that a test holds the other end of.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program on a terminal of its own, which is the terminal of a session of its own.
pub struct Terminal {
    master: File,
    child: Child,
    /// Everything that was shown.
    shown: String,
    /// How much of it was waited for.
    read: usize,
}

impl Terminal {
    /// Starts `command` there. It is a child of `setsid`, which gives it the terminal.
    pub fn start(command: &Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
        let master = master.expect("there are terminals");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("ours");
        let name = ptsname(&master, Vec::new()).expect("a name").into_string().expect("text");
        let end = File::options().read(true).write(true).open(name).expect("the other end");
        let mut wrapped = Command::new("setsid");
        wrapped.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        if let Some(directory) = command.get_current_dir() {
            wrapped.current_dir(directory);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        let other = || Stdio::from(end.try_clone().expect("a descriptor"));
        wrapped.stdin(other()).stdout(other()).stderr(other());
        let child = wrapped.spawn().expect("setsid can be started");
        Terminal { master: File::from(master), child, shown: String::new(), read: 0 }
    }

    /// Types something.
    pub fn send(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("the terminal takes it");
    }

    /// Waits until `text` is shown, behind what was waited for before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let begun = Instant::now();
        loop {
            let rest = self.shown.get(self.read..).unwrap_or("");
            if let Some(place) = rest.find(text) {
                self.read += place + text.len();
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE && self.more(),
                "'{text}' was not shown, but: {}",
                self.shown
            );
        }
    }

    /// Waits until the program has ended; its exit code, and everything that was shown.
    pub fn end(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("a child");
            if !self.more() || ended.is_some() {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.shown);
        }
        let status = self.child.wait().expect("a child");
        while self.more_at_once() {}
        (status.code(), std::mem::take(&mut self.shown))
    }

    /// Reads what there is; false at the end.
    fn more(&mut self) -> bool {
        self.wait(Duration::from_millis(100)) != Some(false)
    }

    fn more_at_once(&mut self) -> bool {
        self.wait(Duration::ZERO) == Some(true)
    }

    /// Whether something was read; false: there will be nothing more.
    fn wait(&mut self, time: Duration) -> Option<bool> {
        let time = Timespec::try_from(time).ok();
        let mut fds = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
        if poll(&mut fds, time.as_ref()) == Ok(0) {
            return None;
        }
        let mut buffer = [0; 4096];
        match self.master.read(&mut buffer) {
            Ok(length) if length > 0 => {
                self.shown += &String::from_utf8_lossy(buffer.get(..length).unwrap_or(&[]));
                Some(true)
            }
            // Nobody has the other end any more.
            _ => Some(false),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
