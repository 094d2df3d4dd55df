//! The processes that come of an operation: who they are, and waiting until none of them is left.
//!
//! This program is their subreaper, so whoever loses his parent becomes its own child, and nobody is left unseen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A process as `/proc` shows it.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Whose child it is.
    pub parent: i32,
    /// R, S, D, T, Z ...
    pub state: char,
    /// Its program's name.
    pub name: String,
}

impl Process {
    /// What `/proc` says of a process; `None`: there is none.
    pub fn of(pid: i32) -> Option<Process> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, behind) = text.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let mut words = behind.split_whitespace();
        let state = words.next()?.chars().next()?;
        Some(Process { pid, parent: words.next()?.parse().ok()?, state, name })
    }

    fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    /// Whether it is a child of `vfork`, which has its parent's memory and lets it wait.
    pub fn is_vforked(&self) -> bool {
        if Process::of(self.parent).is_none_or(|parent| parent.state != 'D') {
            return false;
        }
        let call = fs::read_to_string(format!("/proc/{}/syscall", self.parent)).unwrap_or_default();
        let number = call.split_whitespace().next().and_then(|word| word.parse().ok());
        // vfork, clone and clone3, all of them with the parent waiting uninterruptibly.
        [nix::libc::SYS_clone, nix::libc::SYS_clone3].map(Some).contains(&number)
            || (cfg!(target_arch = "x86_64") && number == Some(58))
    }

    /// Stops it, and waits until it stands still; whether it does.
    pub fn stop(&self) -> bool {
        if kill(Pid::from_raw(self.pid), Signal::SIGSTOP).is_err() {
            return false;
        }
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            match Process::of(self.pid).map(|process| process.state) {
                Some('T' | 't') => return true,
                None | Some('Z' | 'X') => return false,
                // A child of vfork is in the way of nobody who would wait for it here.
                Some(_) => std::hint::spin_loop(),
            }
        }
        false
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        let _ = kill(Pid::from_raw(self.pid), Signal::SIGCONT);
    }

    /// kill -9; whether it lived until then.
    pub fn kill(&self) -> bool {
        let lived = Process::of(self.pid).is_some_and(|process| process.is_alive());
        lived && kill(Pid::from_raw(self.pid), Signal::SIGKILL).is_ok()
    }
}

/// All living processes below this one, in the order of their numbers.
pub fn below_this() -> Vec<Process> {
    below(std::process::id().cast_signed())
}

/// All living processes below another one.
pub fn below(root: i32) -> Vec<Process> {
    let mut all: BTreeMap<i32, Process> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(process) = pid.and_then(Process::of) {
            all.insert(process.pid, process);
        }
    }
    let mut found = BTreeSet::from([root]);
    loop {
        let more: Vec<i32> = all
            .values()
            .filter(|process| found.contains(&process.parent) && !found.contains(&process.pid))
            .map(|process| process.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    found.remove(&root);
    all.into_values().filter(|one| found.contains(&one.pid) && one.is_alive()).collect()
}

/// Makes this process the one that inherits orphans.
pub fn inherit_orphans() {
    if rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_err() {
        println!("orphans are not inherited here, and not waited for");
    }
}

/// How the process that was started has ended: its exit code, or `None` by a signal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// `None`: it has not ended yet.
    pub first: Option<Option<i32>>,
}

impl Ended {
    /// Takes note of all that have ended by now; whether there are others.
    pub fn reap(&mut self, first: i32) -> bool {
        loop {
            let (pid, code) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, Some(code)),
                Ok(WaitStatus::Signaled(pid, _, _)) => (pid, None),
                Ok(WaitStatus::StillAlive) => return true,
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(_) => return false,
            };
            if pid.as_raw() == first {
                self.first = Some(code);
            }
        }
    }

    /// Waits until all have ended. Otherwise it says who has not, and ends them.
    pub fn wait_for_all(&mut self, first: i32, until: Instant) -> Result<(), String> {
        let begun = Instant::now();
        while self.reap(first) {
            // `vrift run` stops when its command is stopped, and goes on when somebody tells it so.
            if begun.elapsed() > Duration::from_secs(1) {
                below_this().iter().filter(|one| one.state == 'T').for_each(Process::go_on);
            }
            if Instant::now() > until {
                let hang: Vec<_> = below_this().iter().map(describe).collect();
                while self.reap(first) {
                    for process in below_this() {
                        process.kill();
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                return Err(format!("hangs: {}", hang.join("; ")));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }
}

/// A process, and where in the kernel it waits.
fn describe(process: &Process) -> String {
    let of = |name: &str| {
        fs::read_to_string(format!("/proc/{}/{name}", process.pid)).unwrap_or_default()
    };
    let words = of("cmdline").replace('\0', " ");
    let words: String = words.chars().take(90).collect();
    let (call, place) = (of("syscall"), of("wchan"));
    let (pid, state) = (process.pid, process.state);
    format!("{pid} {state} '{}' in {place}, call {}", words.trim(), call.trim())
}
