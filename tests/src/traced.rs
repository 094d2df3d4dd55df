//! A program whose system calls are stopped at, one by one: to be killed there, or to let a call fail.
//!
//! The program is started with the preloaded library, so that what is tested is the library in a process as any other.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A program just before or just behind a system call.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// The process.
    pub process: i32,
    /// The call's number.
    pub number: i64,
    /// The call's second argument: of `fcntl`, what it is to do.
    pub second: u64,
    /// The call's fourth argument: what tells mappings of files from memory.
    pub flags: u64,
    /// Before the call, or behind it.
    pub before: bool,
    /// Whether the library makes it, and not the program or its C library.
    pub ours: bool,
}

/// What becomes of the program at a stop.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// It goes on.
    Pass,
    /// kill -9.
    Kill,
    /// The call, before which it stands, is not made and fails.
    Fail(Errno),
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The first process with this exit code.
    Code(i32),
    /// A process by this signal.
    Signal(Signal),
}

/// What the program ended with, and what it and its children said, or `None`: it cannot be traced here.
pub type Traced = Option<(End, String)>;

/// Which processes are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// The first one only.
    First,
    /// The first one and what it forks: both processes of a `vrift run`, and not its command, which is spawned.
    Forks,
    /// All that come of it.
    All,
}

#[derive(Default)]
struct Process {
    /// Between the stop before a call and the one behind it.
    in_call: bool,
    fails: Option<Errno>,
    /// Where code lies, and whether it is the library's.
    code: Vec<(u64, u64, bool)>,
}

/// Runs `words` with `environment` added, and asks `each` at every stop of the processes `whom`, once the library has made
/// its first call (`None` in place of the library: once the program itself runs). `room`: where what it says is kept.
pub fn trace(
    words: &[String],
    environment: &[(&str, &Path)],
    room: &Path,
    whom: Whom,
    mut each: impl FnMut(&Stop) -> Act,
) -> Traced {
    // The shell waits until it is traced; what is preloaded is for the program alone.
    let mut exports = String::from("read go; unset LC_ALL; LC_ALL=C; export LC_ALL; ");
    for (name, value) in environment {
        exports += &format!("{name}='{}'; export {name}; ", value.display());
    }
    let said = room.join("said");
    let output = File::create(&said).expect("the room can be written");
    let mut command = Command::new("sh");
    command.args(["-c", &(exports + "exec \"$@\""), "sh"]).args(words).stdin(Stdio::piped());
    command.stdout(output.try_clone().expect("a descriptor")).stderr(output);
    command.current_dir(room);
    // It is waited for with whatever comes of it.
    #[allow(clippy::zombie_processes, reason = "`follow` waits for it")]
    let mut shell = command.spawn().expect("a shell");
    let first = Pid::from_raw(shell.id().cast_signed());
    if let Err(errno) = ptrace::attach(first) {
        println!("skipped: a child cannot be traced here: {errno}");
        shell.kill().expect("killed");
        shell.wait().expect("reaped");
        return None;
    }
    waitpid(first, Some(WaitPidFlag::__WALL)).expect("it stops");
    let mut options =
        Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
    match whom {
        Whom::First => {}
        Whom::Forks => options |= Options::PTRACE_O_TRACEFORK,
        Whom::All => {
            options |= Options::PTRACE_O_TRACEFORK
                | Options::PTRACE_O_TRACEVFORK
                | Options::PTRACE_O_TRACECLONE;
        }
    }
    ptrace::setoptions(first, options).expect("options");
    ptrace::syscall(first, None).expect("it goes on");
    let library = environment.iter().any(|(name, _)| *name == "LD_PRELOAD");
    writeln!(shell.stdin.take().expect("piped"), "go").expect("it listens");
    let end = follow(first, library, &mut each);
    Some((end, String::from_utf8_lossy(&std::fs::read(&said).expect("it said it")).into_owned()))
}

/// Goes from stop to stop until none of the processes is left.
fn follow(first: Pid, library: bool, each: &mut impl FnMut(&Stop) -> Act) -> End {
    let mut processes = HashMap::from([(first, Process::default())]);
    let (mut armed, mut end) = (false, None);
    // Tests run in threads: only what this one has started.
    let flags = Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD);
    loop {
        let (pid, signal) = match waitpid(Pid::from_raw(-1), flags) {
            Ok(WaitStatus::PtraceSyscall(pid)) => {
                let process = processes.entry(pid).or_default();
                process.in_call = !process.in_call;
                at_stop(pid, process, library, &mut armed, each);
                (pid, None)
            }
            Ok(WaitStatus::PtraceEvent(pid, _, event)) => {
                if event == libc::PTRACE_EVENT_EXEC {
                    processes.entry(pid).or_default().code.clear();
                    armed |= !library;
                }
                (pid, None)
            }
            // The first stop of a child.
            Ok(WaitStatus::Stopped(pid, Signal::SIGSTOP)) => {
                processes.entry(pid).or_default();
                (pid, None)
            }
            Ok(WaitStatus::Stopped(pid, signal)) => (pid, Some(signal)),
            Ok(WaitStatus::Exited(pid, code)) => {
                end = end.or((pid == first).then_some(End::Code(code)));
                continue;
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                end = Some(End::Signal(signal));
                continue;
            }
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => return end.expect("the first process ended"),
        };
        // It may have been killed in this moment: then its end is what comes next.
        let _ = ptrace::syscall(pid, signal);
    }
}

fn at_stop(
    pid: Pid,
    process: &mut Process,
    library: bool,
    armed: &mut bool,
    each: &mut impl FnMut(&Stop) -> Act,
) {
    let Ok(mut registers) = ptrace::getregs(pid) else { return };
    if !process.in_call
        && let Some(errno) = process.fails.take()
    {
        registers.rax = (-i64::from(errno as i32)).cast_unsigned();
        let _ = ptrace::setregs(pid, registers);
    }
    let stop = Stop {
        process: pid.as_raw(),
        number: registers.orig_rax.cast_signed(),
        second: registers.rsi,
        flags: registers.r10,
        before: process.in_call,
        ours: library && is_ours(pid, registers.rip, &mut process.code),
    };
    *armed |= stop.ours;
    if !*armed {
        return;
    }
    match each(&stop) {
        Act::Pass => {}
        Act::Kill => drop(kill(pid, Signal::SIGKILL)),
        Act::Fail(errno) => {
            assert!(stop.before, "a call that was made cannot fail any more");
            registers.orig_rax = u64::MAX;
            process.fails = Some(errno);
            let _ = ptrace::setregs(pid, registers);
        }
    }
}

/// Whether the code at `place` is the library's.
fn is_ours(pid: Pid, place: u64, code: &mut Vec<(u64, u64, bool)>) -> bool {
    if !code.iter().any(|&(start, end, _)| start <= place && place < end) {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        *code = maps.lines().filter_map(mapping).collect();
    }
    code.iter().any(|&(start, end, ours)| ours && start <= place && place < end)
}

/// Of a line of `/proc/PID/maps`: where it begins and ends, and whether it is the library's.
fn mapping(line: &str) -> Option<(u64, u64, bool)> {
    let (start, rest) = line.split_once('-')?;
    let (end, rest) = rest.split_once(' ')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    Some((number(start)?, number(end)?, rest.contains("libvrift_shim")))
}
