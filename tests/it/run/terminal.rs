//! On a terminal: the closing line, the keys, and job control.

use vrift_tests::installed::{command, run_in, sandbox};
use vrift_tests::sandbox::{Sandbox, said};
use vrift_tests::terminal::Terminal;

#[test]
fn one_line_ends_a_run_on_a_terminal_and_nothing_without_one() {
    let sandbox = sandbox();
    let words = ["run", "-w", "w", "--", "sh", "-c", "exit 3"];
    let (code, shown) = Terminal::start(&run_in(&sandbox, ".", words)).end();
    assert_eq!(code, Some(3));
    assert!(shown.starts_with("vrift: w: 0 files written, 0 B new, "), "{shown}");
    assert_eq!(shown.lines().count(), 1, "{shown}");
    let plain = said(&mut run_in(&sandbox, ".", words));
    assert_eq!((plain.text().as_str(), plain.err.as_str()), ("", ""));
}

#[test]
fn a_daemon_that_is_left_behind_is_named() {
    let sandbox = sandbox();
    let words = ["run", "-w", "w", "--", "sh", "-c", "setsid sleep 2 > /dev/null 2>&1 & sleep 0.1"];
    let (code, shown) = Terminal::start(&run_in(&sandbox, ".", words)).end();
    assert_eq!(code, Some(0));
    assert!(shown.contains("left running: sleep["), "{shown}");
}

#[test]
fn the_interrupt_key_ends_the_command_and_the_script_that_runs_it() {
    let sandbox = sandbox();
    let vrift = command().display().to_string();
    // A shell that is about to become the program could lose the key, with us or without.
    let inner = "(sleep 0.3; echo ready) & exec sleep 100";
    let script = format!("{vrift} run -w w -- sh -c '{inner}'; echo went on");
    let mut terminal = shell(&sandbox, &["-c", &script]);
    terminal.expect("ready");
    terminal.send("\x03");
    let (_, shown) = terminal.end();
    assert!(!shown.contains("went on"), "{shown}");
}

#[test]
fn the_interrupt_key_reaches_a_command_that_catches_it_once() {
    let sandbox = sandbox();
    let script = "trap 'echo caught' INT; echo ready; for n in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done; exit 8";
    let words = ["run", "-w", "w", "--", "sh", "-c", script];
    let mut terminal = Terminal::start(&run_in(&sandbox, ".", words));
    terminal.expect("ready");
    terminal.send("\x03");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(8), "{shown}");
    assert_eq!(shown.matches("caught").count(), 1, "{shown}");
}

/// A shell on a terminal, with the installed command in its path.
fn shell(sandbox: &Sandbox, arguments: &[&str]) -> Terminal {
    let template = run_in(sandbox, ".", [""; 0]);
    let mut shell = std::process::Command::new("bash");
    shell.args(arguments).current_dir(sandbox.path("."));
    for (name, value) in template.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    shell.env("PS1", "outer> ").env("TERM", "dumb").env_remove("PROMPT_COMMAND");
    shell.env("INPUTRC", "/dev/null").env("V", command());
    Terminal::start(&shell)
}

#[test]
fn a_shells_job_control_stops_it_and_brings_it_back() {
    let sandbox = sandbox();
    let mut terminal = shell(&sandbox, &["--norc", "--noediting", "-i"]);
    terminal.expect("outer> ");
    terminal.send("$V run -w w -- sh -c 'echo rea''dy; read x; echo got $x; exit 4'\n");
    terminal.expect("ready");
    terminal.send("\x1a");
    terminal.expect("Stopped");
    terminal.expect("outer> ");
    terminal.send("jobs -l; fg\n");
    terminal.expect("run -w w");
    terminal.expect("run -w w");
    terminal.send("word\n");
    terminal.expect("got word");
    terminal.expect("outer> ");
    terminal.send("echo code=$?\n");
    terminal.expect("code=4");
    terminal.send("exit\n");
    terminal.end();
}

#[test]
fn a_shell_in_a_run_has_the_terminal_and_can_be_suspended() {
    let sandbox = sandbox();
    let mut terminal = shell(&sandbox, &["--norc", "--noediting", "-i"]);
    terminal.expect("outer> ");
    terminal.send("PS1='inner> ' $V run -w w -- bash --norc --noediting -i\n");
    terminal.expect("inner> ");
    terminal.send("sleep 100\n");
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminal.send("\x03");
    terminal.expect("inner> ");
    terminal.send("suspend\n");
    terminal.expect("Stopped");
    terminal.expect("outer> ");
    terminal.send("fg\n");
    terminal.expect("$V run");
    terminal.send("echo in$((1+1))side\n");
    terminal.expect("in2side");
    terminal.send("exit 5\n");
    terminal.expect("outer> ");
    terminal.send("echo code=$?\n");
    terminal.expect("code=5");
    terminal.send("exit\n");
    terminal.end();
}
