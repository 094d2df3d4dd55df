//! What goes on when the command has ended, or `vrift run` was killed, and is answered for.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use vrift_tests::installed::{run_in, sandbox};
use vrift_tests::sandbox::{Sandbox, said};
use vrift_tests::stays::{Stays, back, until};
use vrift_tests::terminal::Terminal;

/// `vrift run` of a shell's script in the tree, in which STAYS is the program.
fn script(sandbox: &Sandbox, stays: &Stays, script: &str) -> Command {
    let mut run = run_in(sandbox, "project", ["run", "-w", "w", "--", "sh", "-c", script]);
    stays.given(&mut run);
    run
}

/// It works in the tree as if nothing had happened, what it wrote is there, and nothing of a run is left behind it.
#[track_caller]
fn works(sandbox: &Sandbox, stays: &Stays) {
    stays.tell("go");
    assert_eq!(stays.hear("done"), "well 0");
    assert_eq!(sandbox.ok(["cat", "w:new/made"]).text(), "of the daemon\n");
    ends(sandbox, stays);
}

#[track_caller]
fn ends(sandbox: &Sandbox, stays: &Stays) {
    stays.tell("end");
    stays.nobody_is_left();
    assert_eq!(sandbox.ok(["cat", "w:kept"]).text(), "open\n");
    assert_eq!(drafts(sandbox), 0, "it was stored at the end, and not by whoever looked");
    assert_eq!(sandbox.ok(["fsck"]).err, "");
    assert_eq!(fs::read_dir(sandbox.path("project")).expect("read").count(), 2, "nothing is there");
}

fn drafts(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.path("store/workspaces/w/drafts")).map_or(0, Iterator::count)
}

fn end_of(mut child: Child) -> Option<i32> {
    child.wait().expect("a child").code()
}

#[test]
fn a_static_daemon_is_answered_when_the_command_has_ended() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    // Its output is read by a pipe, of which the end comes.
    let said = said(&mut script(&sandbox, &stays, "echo out; \"$STAYS\" d; exit 3"));
    assert_eq!((said.code, said.text().as_str(), said.err.as_str()), (Some(3), "out\n", ""));
    stays.hear("begun");
    works(&sandbox, &stays);
}

#[test]
fn what_a_static_command_has_left_itself_is_answered_and_stored() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let mut run = run_in(&sandbox, "project", ["run", "-w", "w", "--"]);
    let said = said(stays.given(run.arg(&stays.program)).arg("d"));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    stays.hear("begun");
    stays.tell("go");
    assert_eq!(stays.hear("done"), "well 0");
    // Without a look meanwhile, which would store it.
    ends(&sandbox, &stays);
}

#[test]
fn what_is_left_in_the_background_is_answered_and_a_preloaded_program_below_a_static_one_too() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    sandbox.write("outside/starts.c", "int main(int n, char **w) { return execvp(w[1], w + 1); }");
    let mut gcc = Command::new("gcc");
    gcc.current_dir(sandbox.path("outside")).args(["-static", "-w", "-o", "starts", "starts.c"]);
    assert!(gcc.status().expect("started").success());
    let below = "../outside/starts sh -c 'exec </dev/null >/dev/null 2>&1
        while ! [ -e \"$SAYS/go\" ]; do sleep 0.01; done
        cp file copied && echo more >>copied && : >\"$SAYS/below\"' &
        nohup \"$STAYS\" b >/dev/null 2>&1 &";
    let said = said(&mut script(&sandbox, &stays, below));
    assert_eq!(said.code, Some(0), "{}", said.err);
    stays.hear("begun");
    stays.tell("go");
    stays.hear("below");
    // It counts the names.
    stays.hear("done");
    stays.tell("end");
    stays.nobody_is_left();
    assert_eq!(sandbox.ok(["cat", "w:copied"]).text(), "content\nmore\n");
    assert_eq!(sandbox.ok(["cat", "w:new/made"]).text(), "of the daemon\n");
    sandbox.ok(["fsck"]);
}

#[test]
fn what_the_caller_has_given_is_given_up_when_the_command_has_ended() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    // A pipe by another number than those that everybody knows.
    let run = script(&sandbox, &stays, "\"$STAYS\" d 9>&-; exit 4");
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 9>&1 >/dev/null; exec \"$@\"", "sh"]).arg(run.get_program());
    shell.args(run.get_args()).current_dir(sandbox.path("project")).stdin(Stdio::null());
    for (name, value) in run.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    let mut shell = shell.stdout(Stdio::piped()).spawn().expect("started");
    let mut all = String::new();
    shell.stdout.take().expect("a pipe").read_to_string(&mut all).expect("read");
    assert_eq!((all.as_str(), end_of(shell)), ("", Some(4)));
    stays.hear("begun");
    works(&sandbox, &stays);
}

#[test]
fn a_signal_that_ends_the_command_is_told_though_a_daemon_is_left() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let said = said(&mut script(&sandbox, &stays, "\"$STAYS\" d; kill -TERM $$"));
    assert_eq!(said.code, Some(143), "{}", said.err);
    stays.hear("begun");
    // Who goes on does so until nobody can ask.
    let pids = stays.processes();
    for pid in pids {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if name == "vrift\n" {
            let pid = Pid::from_raw(pid).expect("a number");
            kill_process(pid, Signal::TERM).expect("it is there");
            kill_process(pid, Signal::HUP).expect("it is there");
        }
    }
    works(&sandbox, &stays);
}

#[test]
fn a_static_program_is_answered_when_vrift_run_is_killed() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let mut run = run_in(&sandbox, "project", ["run", "-w", "w", "--"]);
    let mut run = stays.given(run.arg(&stays.program)).spawn().expect("started");
    stays.hear("begun");
    run.kill().expect("killed");
    assert_eq!(run.wait().expect("waited for").signal(), Some(9));
    works(&sandbox, &stays);
}

#[test]
fn a_static_daemon_is_answered_when_vrift_run_is_killed_and_the_command_ends_later() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let text =
        "\"$STAYS\" d; while ! [ -e \"$SAYS/killed\" ]; do sleep 0.01; done; echo late >late";
    let mut run = script(&sandbox, &stays, text).spawn().expect("started");
    stays.hear("begun");
    run.kill().expect("killed");
    run.wait().expect("waited for");
    stays.tell("killed");
    until(|| sandbox.run(["cat", "w:late"]).text() == "late\n");
    // The names are others.
    stays.tell("go");
    stays.hear("done");
    ends(&sandbox, &stays);
}

#[test]
fn what_a_process_group_that_is_killed_has_written_is_stored() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let text = "exec 3>written; echo so far >&3; : >\"$SAYS/begun\"; sleep 100";
    let mut run = script(&sandbox, &stays, text);
    let mut run =
        std::os::unix::process::CommandExt::process_group(&mut run, 0).spawn().expect("started");
    stays.hear("begun");
    rustix::process::kill_process_group(Pid::from_child(&run), Signal::KILL).expect("it is there");
    assert_eq!(run.wait().expect("waited for").signal(), Some(9));
    stays.nobody_is_left();
    assert_eq!(drafts(&sandbox), 0);
    assert_eq!(sandbox.ok(["cat", "w:written"]).text(), "so far\n");
}

#[test]
fn whoever_kills_the_process_that_answers_is_told_and_no_other_tree_is_met_with() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let text = "\"$STAYS\" d; exec sleep 100";
    let run = script(&sandbox, &stays, text).stderr(Stdio::piped()).spawn().expect("started");
    stays.hear("begun");
    kill_process(back(&run), Signal::KILL).expect("it is there");
    let mut run = run;
    let mut told = String::new();
    let code = run.wait().expect("a child").code();
    // It ends by itself: it gets an error.
    until(|| stays.processes().len() == 1);
    for pid in stays.processes() {
        let _ = kill_process(Pid::from_raw(pid).expect("a number"), Signal::KILL);
    }
    run.stderr.take().expect("a pipe").read_to_string(&mut told).expect("read");
    assert_eq!(code, Some(137));
    assert!(told.contains("was ended by signal 9; the command may go on"), "{told}");
    stays.nobody_is_left();
}

#[test]
fn a_daemon_goes_on_beside_drops_of_others_gc_fsck_and_folding() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    sandbox.ok(["fork", "w", "other"]);
    let said = said(&mut script(&sandbox, &stays, "echo before >before; rm before; \"$STAYS\" d"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    stays.hear("begun");
    let clear = || {
        sandbox.ok(["gc", "--grace", "0"]);
        sandbox.ok(["gc", "--grace", "0"]);
        sandbox.ok(["fsck"]);
    };
    sandbox.ok(["drop", "other"]);
    clear();
    stays.tell("go");
    assert_eq!(stays.hear("done"), "well 0");
    clear();
    sandbox.ok(["compact", "w"]);
    clear();
    assert_eq!(sandbox.ok(["cat", "w:new/made"]).text(), "of the daemon\n");
    ends(&sandbox, &stays);
}

#[test]
fn a_daemon_whose_workspace_is_dropped_gets_errors_and_nothing_stays_when_it_ends() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    assert_eq!(said(&mut script(&sandbox, &stays, "\"$STAYS\" d")).code, Some(0));
    stays.hear("begun");
    sandbox.ok(["drop", "w"]);
    stays.tell("go");
    let done = stays.hear("done");
    assert!(!done.starts_with("well"), "{done}");
    stays.tell("end");
    stays.nobody_is_left();
    sandbox.ok(["gc", "--grace", "0"]);
    sandbox.ok(["fsck"]);
}

#[test]
fn nothing_of_ours_stays_for_who_is_not_answered_for() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    // It has ended when the command does.
    let text = "\"$STAYS\" f & wait; \
        setsid sh -c 'while ! [ -e \"$SAYS/end\" ]; do sleep 0.01; done' >/dev/null 2>&1 &";
    let run = script(&sandbox, &stays, text).stdout(Stdio::null()).spawn().expect("started");
    stays.hear("begun");
    stays.tell("go");
    stays.hear("done");
    let back = back(&run);
    // The first one ends.
    stays.tell("end");
    assert_eq!(end_of(run), Some(0));
    until(|| !std::path::Path::new("/proc").join(back.as_raw_nonzero().to_string()).exists());
    stays.nobody_is_left();
}

#[test]
fn the_closing_line_says_who_goes_on_for_whom() {
    let sandbox = sandbox();
    let Some(stays) = Stays::new(&sandbox) else { return };
    let text = "setsid sleep 1 >/dev/null 2>&1 & \"$STAYS\" d; while ! [ -e \"$SAYS/begun\" ]; do sleep 0.01; done";
    let (code, shown) = Terminal::start(&script(&sandbox, &stays, text)).end();
    assert_eq!(code, Some(0));
    assert!(shown.contains("left running: "), "{shown}");
    let (_, process) = shown.split_once(", process ").expect(&shown);
    let (process, rest) = process.split_once(' ').expect(&shown);
    assert!(rest.starts_with("goes on answering 1 program of these"), "{shown}");
    assert_eq!(fs::read_to_string(format!("/proc/{process}/comm")).expect("it lives"), "vrift\n");
    works(&sandbox, &stays);
}
