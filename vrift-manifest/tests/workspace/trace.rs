//! A child of a test whose system calls are stopped at, one by one.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};

use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::support::child;

/// A child that waits for the word, stopped.
pub struct Traced {
    pub thread: Pid,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// In the child: says that it is ready to be traced, and waits for the word.
pub fn ready() {
    println!("\nready {}", nix::unistd::gettid());
    std::io::stdin().read_line(&mut String::new()).expect("a line");
}

impl Traced {
    /// Starts the ignored test `name` and gives it the word, when it is traced. `None`: that is forbidden here.
    pub fn start(name: &str, root: &Path, argument: &str) -> Option<Traced> {
        let mut child = child(name, root, argument).stdin(Stdio::piped()).spawn().expect("a child");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let thread = find(&mut lines, "ready ").expect("the child says it");
        let thread = Pid::from_raw(thread.parse().expect("a number"));
        let mut traced = Traced { thread, child, lines };
        if let Err(errno) = ptrace::attach(thread) {
            println!("skipped: a child cannot be traced here: {errno}");
            traced.child.kill().expect("killed");
            traced.child.wait().expect("reaped");
            return None;
        }
        assert!(traced.stopped());
        traced.tell("go");
        Some(traced)
    }

    /// Waits until the child stops; `false`: it has ended.
    pub fn stopped(&self) -> bool {
        let status = waitpid(self.thread, Some(WaitPidFlag::__WALL));
        matches!(status, Ok(WaitStatus::Stopped(..)))
    }

    /// Lets it run to just before or just behind its next system call; `false`: it has ended.
    pub fn to_next_call(&self) -> bool {
        ptrace::syscall(self.thread, None).expect("it goes on");
        self.stopped()
    }

    pub fn tell(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().expect("piped"), "{word}").expect("written");
    }

    /// Waits for a line that begins with `word`; the rest of it.
    pub fn wait_for(&mut self, word: &str) -> String {
        find(&mut self.lines, word).expect("the child says it")
    }

    /// kill -9.
    pub fn kill(self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL).expect("killed");
        self.stopped();
        self.end();
    }

    /// Waits for the end; what it said.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let lines = self.lines.map_while(Result::ok).collect();
        (self.child.wait().expect("reaped"), lines)
    }
}

fn find(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) -> Option<String> {
    lines.find_map(|line| line.expect("readable").strip_prefix(word).map(str::to_owned))
}
