//! What a command leaves behind: orphans, writers, daemons.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use vrift_tests::installed::{run_in, sandbox};
use vrift_tests::sandbox::{Sandbox, said};
use vrift_tests::stays::{back, until};

/// Runs a shell script with a file in the place where files lie that are being written; how long it took.
fn run(sandbox: &Sandbox, script: &str) -> (Option<i32>, Duration) {
    let draft = sandbox.write("store/workspaces/w/drafts/1000000.7", "");
    let begun = Instant::now();
    let mut command = run_in(sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    command.env("DRAFT", draft).env("OUT", sandbox.path("out"));
    let status = command.stdout(Stdio::null()).status().expect("started");
    (status.code(), begun.elapsed())
}

#[test]
fn an_orphan_is_ours_and_has_its_moment_to_end() {
    let sandbox = sandbox();
    let script = "(sleep 0.05; echo done > $OUT) & exit 3";
    let (code, _) = run(&sandbox, script);
    assert_eq!(code, Some(3));
    assert_eq!(fs::read_to_string(sandbox.path("out")).expect("it had the time"), "done\n");
}

#[test]
fn who_can_still_write_in_the_tree_is_waited_for() {
    let sandbox = sandbox();
    let (code, took) = run(&sandbox, "(sleep 0.8; echo late) >> $DRAFT & exit 4");
    assert_eq!(code, Some(4));
    assert!(took >= Duration::from_millis(800), "{took:?}");
}

#[test]
fn who_only_reads_is_not_waited_for_long() {
    let sandbox = sandbox();
    let (code, took) = run(&sandbox, ": > $DRAFT; sleep 5 < $DRAFT & exit 4");
    assert_eq!(code, Some(4));
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_daemon_is_not_waited_for_whatever_it_writes() {
    let sandbox = sandbox();
    let (code, took) = run(&sandbox, "setsid sleep 5 >> $DRAFT & sleep 0.1; exit 4");
    assert_eq!(code, Some(4));
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn nobody_waits_who_is_told_to_end() {
    let sandbox = sandbox();
    let draft = sandbox.write("store/workspaces/w/drafts/1000000.7", "");
    let script = "trap '' TERM; sleep 10 >> $DRAFT & : > $OUT; exit 4";
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    let begun = Instant::now();
    let child = command.env("DRAFT", draft).env("OUT", sandbox.path("out")).spawn();
    let mut child = child.expect("started");
    while !sandbox.path("out").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Until the command has ended; before, the signal would be its own.
    std::thread::sleep(Duration::from_millis(500));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is there");
    assert_eq!(child.wait().expect("a child").code(), Some(4));
    assert!(begun.elapsed() < Duration::from_secs(9));
}

#[test]
fn orphans_that_end_leave_nothing_of_themselves() {
    let sandbox = sandbox();
    let script = "for n in 1 2 3 4 5; do (sh -c 'sleep 0.01' &); done; sleep 0.2; \
        ps -o stat= --ppid $PPID | grep -c Z; exit 0";
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    assert_eq!(said(&mut command).text().trim(), "0");
}

#[test]
fn a_run_takes_its_own_traces_with_it_and_those_of_killed_ones() {
    let sandbox = sandbox();
    let counts = || {
        let runtime = fs::read_dir(sandbox.path("home")).expect("a directory");
        let below = runtime.flatten().filter_map(|entry| fs::read_dir(entry.path()).ok()).flatten();
        let names = below.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("run-")).count()
    };
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sleep", "0.3"]);
    let mut child = command.spawn().expect("started");
    until(|| counts() > 0);
    assert_eq!(counts(), 1, "while it runs");
    child.kill().expect("it is there");
    child.wait().expect("a child");
    // Who does the work goes on.
    until(|| counts() == 0);
    let mut child = command.spawn().expect("started");
    until(|| counts() > 0);
    let back = back(&child);
    rustix::process::kill_process(back, rustix::process::Signal::KILL).expect("it is there");
    child.wait().expect("a child");
    assert_eq!(counts(), 1, "nobody is left to do it");
    // What it had begun to start may not have got as far as to let go of the run's things.
    let begun = Instant::now();
    while counts() > 0 && begun.elapsed() < Duration::from_secs(20) {
        assert_eq!(run(&sandbox, "exit 0").0, Some(0));
    }
    assert_eq!(counts(), 0);
}
