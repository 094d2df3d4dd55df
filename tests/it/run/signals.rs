//! Signals that are sent to `vrift run` reach the command as if it had been called directly.

use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use vrift_tests::installed::{called_by, is_real, run_in, sandbox};
use vrift_tests::sandbox::Sandbox;

/// Starts a shell script by `vrift run` and waits until it has made the file `ready`.
fn start(sandbox: &Sandbox, script: &str) -> Child {
    let mut command = run_in(sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    let child = command
        .env("OUT", sandbox.path("out"))
        .env("READY", sandbox.path("ready"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    until(|| sandbox.path("ready").exists());
    child
}

#[track_caller]
fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn code(mut child: Child) -> Option<i32> {
    child.wait().expect("a child").code()
}

/// The state of a process: `S`, `T` ...
fn state(pid: &str) -> char {
    let text = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    text.rsplit(") ").next().and_then(|rest| rest.chars().next()).unwrap_or('-')
}

#[test]
fn a_command_that_catches_a_signal_gets_it_and_has_the_last_word() {
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("WINCH", Signal::WINCH),
        ("TSTP", Signal::TSTP),
    ] {
        let sandbox = sandbox();
        let script = format!(
            "trap 'echo {name} >> $OUT; exit 42' {name}; : > $READY; while :; do sleep 0.02; done"
        );
        let child = start(&sandbox, &script);
        kill_process(pid(&child), signal).expect("it is there");
        assert_eq!(code(child), Some(42), "{name}");
        let seen = fs::read_to_string(sandbox.path("out")).expect("a trace");
        assert_eq!(seen, format!("{name}\n"), "once, and no other");
    }
}

#[test]
fn a_command_that_does_nothing_about_a_signal_is_ended_by_it() {
    let sandbox = sandbox();
    let child = start(&sandbox, ": > $READY; exec sleep 100");
    kill_process(pid(&child), Signal::TERM).expect("it is there");
    assert_eq!(code(child), Some(143));
}

#[test]
fn an_interrupt_of_the_group_ends_the_script_that_called_as_well() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let once = "echo >> $OUT; : > $READY; exec sleep 30";
    let run = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", once]);
    let script = "for round in 1 2 3; do \"$@\"; done; echo end >> $OUT";
    // Whoever tests may ignore it.
    let before = ["env", "--default-signal=INT", "bash", "-c", script, "bash"];
    let mut caller = called_by(&before, &run);
    caller.env("OUT", sandbox.path("out")).env("READY", sandbox.path("ready")).process_group(0);
    let mut caller = caller.spawn().expect("started");
    until(|| sandbox.path("ready").exists());
    kill_process_group(pid(&caller), Signal::INT).expect("it is there");
    let status = caller.wait().expect("a child");
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{status}");
    assert_eq!(fs::read_to_string(sandbox.path("out")).expect("a trace"), "\n");
}

#[test]
fn what_the_command_sends_to_its_process_group_comes_to_it_once() {
    let sandbox = sandbox();
    let script = "trap 'echo caught >> $OUT' TERM; : > $READY; kill -TERM 0; sleep 0.2; exit 6";
    let words = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    // In a group of its own, or this test would be meant too.
    let mut command = called_by(&["setsid", "--wait"], &words);
    command.env("OUT", sandbox.path("out")).env("READY", sandbox.path("ready"));
    let status = command.status().expect("started");
    assert_eq!(status.code(), Some(6));
    assert_eq!(fs::read_to_string(sandbox.path("out")).expect("a trace"), "caught\n");
}

/// The signals that are ignored, or blocked, in a command whose caller has asked for it by the start of a script.
fn set(sandbox: &Sandbox, kind: &str, before: &[&str], program: &str) -> u64 {
    let words = run_in(sandbox, ".", ["run", "-w", "w", "--", program, kind, "/proc/self/status"]);
    let said = vrift_tests::sandbox::said(&mut called_by(before, &words)).text();
    let set = said.split_whitespace().nth(1).and_then(|set| u64::from_str_radix(set, 16).ok());
    set.expect("a set of signals")
}

#[test]
fn what_the_caller_ignores_the_command_ignores() {
    let sandbox = sandbox();
    let trap = |names: &str| format!("trap '' {names}; exec \"$@\"");
    let ignored = |names: &str, program: &str| {
        set(&sandbox, "SigIgn", &["sh", "-c", &trap(names), "sh"], program)
    };
    let has = |set: u64, number: u32| set >> (number - 1) & 1 == 1;
    let some = ignored("HUP INT XFSZ", "grep");
    assert!([1, 2, 25].into_iter().all(|number| has(some, number)), "{some:x}");
    assert!(!has(some, 13), "a broken pipe ends it as usual: {some:x}");
    assert!(has(ignored("PIPE", "grep"), 13), "unless the caller ignores it");
    if !is_real() {
        return;
    }
    // A program in the tree, which is executed by one of ours.
    let copied = vrift_tests::installed::run(&sandbox, ["cp", "/bin/grep", "mine"]);
    assert_eq!(copied.code, Some(0), "{}", copied.err);
    let inside = sandbox.path("project/mine").display().to_string();
    assert!(!has(ignored("HUP", &inside), 13));
    let both = ignored("PIPE HUP", &inside);
    assert!(has(both, 13) && has(both, 1), "{both:x}");
    if Command::new("env")
        .args(["--block-signal=USR2", "true"])
        .status()
        .is_ok_and(|it| it.success())
    {
        let blocked = |program| set(&sandbox, "SigBlk", &["env", "--block-signal=USR2"], program);
        assert_eq!((blocked("grep"), blocked(inside.as_str())), (1 << 11, 1 << 11));
    }
}

#[test]
fn a_command_that_stops_stops_us_and_goes_on_with_us() {
    let sandbox = sandbox();
    let script = "echo $$ > $OUT; : > $READY; kill -STOP $$; exit 9";
    let child = start(&sandbox, script);
    let own = child.id().to_string();
    until(|| state(&own) == 'T');
    let command = fs::read_to_string(sandbox.path("out")).expect("a number");
    assert_eq!(state(command.trim()), 'T');
    kill_process(pid(&child), Signal::CONT).expect("it is there");
    assert_eq!(code(child), Some(9));
}

#[test]
fn whoever_stops_the_second_process_of_a_run_has_the_run_go_on_with_it() {
    let sandbox = sandbox();
    // The command's parent is that process.
    let script = ": > $READY; kill -STOP $PPID; while ! grep -q ') T ' /proc/$PPID/stat; do :; done; \
                  sleep 0.3; kill -CONT $PPID; exit 9";
    let child = start(&sandbox, script);
    assert_eq!(code(child), Some(9));
}

#[test]
fn a_command_that_is_killed_while_it_is_stopped_ends_us_too() {
    let sandbox = sandbox();
    let child = start(&sandbox, "echo $$ > $OUT; : > $READY; kill -STOP $$; exit 9");
    let own = child.id().to_string();
    until(|| state(&own) == 'T');
    let command = fs::read_to_string(sandbox.path("out")).expect("a number");
    let command = Pid::from_raw(command.trim().parse().expect("a number")).expect("one");
    kill_process(command, Signal::KILL).expect("it is there");
    assert_eq!(code(child), Some(137));
}

#[test]
fn a_signal_from_outside_of_a_container_reaches_the_command() {
    let sandbox = sandbox();
    let ready = sandbox.path("ready");
    let script = "trap 'exit 42' TERM; : > $READY; while :; do sleep 0.02; done";
    let words = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    let options = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    let empty = Command::new("unshare").args(options).arg("true").status();
    if !empty.is_ok_and(|empty| empty.success()) {
        println!("skipped: there can be no container");
        return;
    }
    let mut container = Command::new("unshare");
    container.args(options);
    container.arg(words.get_program()).args(words.get_args()).current_dir(sandbox.path("."));
    for (name, value) in words.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        container.env(name, value);
    }
    let child = container.env("READY", &ready).spawn().expect("started");
    until(|| ready.exists());
    let first = vrift_tests::stays::back(&child);
    kill_process(first, Signal::TERM).expect("it is there");
    assert_eq!(code(child), Some(42));
}

#[test]
fn a_signal_before_the_command_is_started_or_at_any_time_ends_all_of_it() {
    let sandbox = sandbox();
    for delay in 0..40 {
        let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sleep", "100"]);
        let mut child = command.spawn().expect("started");
        std::thread::sleep(Duration::from_micros(delay * 250));
        kill_process(pid(&child), Signal::TERM).expect("it is there");
        let status = child.wait().expect("a child");
        // By the signal itself, or by the command that it has ended.
        let by = std::os::unix::process::ExitStatusExt::signal(&status);
        assert!(by == Some(15) || status.code() == Some(143), "{status}");
    }
}

#[test]
fn a_caller_that_ignores_the_end_of_children_gets_the_exit_code() {
    let sandbox = sandbox();
    let words = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", "sleep 0.1; exit 7"]);
    let mut env = Command::new("env");
    env.arg("--ignore-signal=CHLD").arg(words.get_program()).args(words.get_args());
    for (name, value) in words.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        env.env(name, value);
    }
    assert_eq!(env.current_dir(sandbox.path(".")).status().expect("started").code(), Some(7));
}
