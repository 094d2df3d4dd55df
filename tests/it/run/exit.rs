//! Exit codes, and what the command is started with.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use vrift_tests::installed::{called_by, is_real, run, run_in, sandbox};
use vrift_tests::sandbox::said;

#[test]
fn the_exit_code_is_that_of_the_command() {
    let sandbox = sandbox();
    for code in [0, 1, 7, 125, 255] {
        let said = run(&sandbox, ["sh", "-c", &format!("exit {code}")]);
        assert_eq!(said.code, Some(code));
        assert_eq!((said.err.as_str(), said.text().as_str()), ("", ""));
    }
}

#[test]
fn a_signal_that_ends_the_command_is_told_by_its_number() {
    let sandbox = sandbox();
    for (name, code) in [("TERM", 143), ("INT", 130), ("KILL", 137), ("SEGV", 139)] {
        let said = run(&sandbox, ["sh", "-c", &format!("ulimit -c 0; kill -{name} $$")]);
        assert_eq!(said.code, Some(code), "{name}: {}", said.err);
    }
}

#[test]
fn what_is_not_there_is_127_and_what_cannot_be_executed_is_126() {
    let sandbox = sandbox();
    let plain = sandbox.write("plain", "echo never\n");
    let none = run(&sandbox, ["there-is-no-such-program"]);
    assert_eq!(none.code, Some(127));
    assert!(none.err.contains("there is no program 'there-is-no-such-program'"), "{}", none.err);
    let nowhere = run(&sandbox, ["/there/is/no/such/program"]);
    assert_eq!(nowhere.code, Some(127), "{}", nowhere.err);
    let refused = run(&sandbox, [plain.as_os_str()]);
    assert_eq!(refused.code, Some(126));
    assert!(refused.err.contains("Permission denied"), "{}", refused.err);
    let directory = run(&sandbox, ["/tmp"]);
    assert_eq!(directory.code, Some(126), "{}", directory.err);
    let path = sandbox.write("bin/only-here", "echo never\n");
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "only-here"]);
    let in_path = said(command.env("PATH", path.parent().expect("a directory")));
    assert_eq!(in_path.code, Some(126), "{}", in_path.err);
}

#[test]
fn a_script_without_a_first_line_is_one_of_the_shell() {
    let sandbox = sandbox();
    let script = sandbox.write("script", "echo \"$# $1\"; exit 5\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("ours");
    let said = run(&sandbox, [script.as_os_str(), "a b".as_ref(), "--c".as_ref()]);
    assert_eq!((said.code, said.text().as_str()), (Some(5), "2 a b\n"), "{}", said.err);
}

#[test]
fn arguments_that_look_like_ours_are_the_commands() {
    let sandbox = sandbox();
    let words = ["printf", "%s.", "-w", "--help", "", "--", "a b"];
    assert_eq!(run(&sandbox, words).text(), "-w.--help..--.a b.");
    let said = said(&mut run_in(&sandbox, ".", ["run", "-w", "w", "echo", "--", "-n"]));
    assert_eq!(said.text(), "-- -n\n");
}

#[test]
fn the_command_gets_descriptors_and_environment_as_they_are() {
    let sandbox = sandbox();
    let script = "ls /proc/self/fd | wc -l; echo $KEPT; cat";
    let mut plain = std::process::Command::new("sh");
    plain.args(["-c", script]).env("KEPT", "a\u{e4} b").stdin(std::process::Stdio::null());
    let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", script]);
    let ours = said(command.env("KEPT", "a\u{e4} b"));
    assert_eq!(ours.text(), said(&mut plain).text(), "{}", ours.err);
}

#[test]
fn what_is_closed_is_closed_for_the_command() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    // What is in the tree is executed by another process of ours.
    assert_eq!(run(&sandbox, ["cp", "/bin/readlink", "."]).code, Some(0));
    for program in ["readlink", "./readlink"] {
        for (number, redirection) in [(0, "<&-"), (1, ">&-"), (2, "2>&-")] {
            let name = format!("/proc/self/fd/{number}");
            let started = run_in(&sandbox, "project", ["run", "-w", "w", "--", program, &name]);
            let script = format!("\"$@\" {redirection}");
            let said = said(&mut called_by(&["sh", "-c", &script, "sh"], &started));
            assert_eq!(said.code, Some(1), "{program} {redirection}: {}{}", said.text(), said.err);
        }
    }
}
