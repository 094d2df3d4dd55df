//! `vrift run --apply`, and what is asked for while something runs in the workspace.

use std::process::Stdio;

use vrift_tests::installed::run_in;
use vrift_tests::sandbox::{Sandbox, said};

use super::{holds, inside, on_disk, outside, scene, status};

fn run_apply(sandbox: &Sandbox, script: &str) -> vrift_tests::sandbox::Said {
    let mut command = run_in(sandbox, "project", ["run", "-w", "w", "--apply", "--"]);
    said(command.args(["sh", "-c", script]))
}

#[test]
fn what_a_command_has_changed_is_in_the_directory_if_it_ended_with_0() {
    let sandbox = scene();
    let said = run_apply(&sandbox, "echo ours > b; echo out; echo err >&2");
    assert_eq!((said.code, said.text().as_str(), said.err.as_str()), (Some(0), "out\n", "err\n"));
    assert_eq!(on_disk(&sandbox, "b"), "ours\n");
    assert!(status(&sandbox).is_empty());
}

#[test]
fn nothing_is_written_back_if_it_ended_with_anything_else() {
    let sandbox = scene();
    let said = run_apply(&sandbox, "echo ours > b; exit 3");
    assert_eq!(said.code, Some(3));
    assert!(said.err.contains("nothing was written back"), "{}", said.err);
    assert_eq!(on_disk(&sandbox, "b"), "b as it was\n");
    assert_eq!(holds(&sandbox, "b"), "ours\n");
    assert_eq!(run_apply(&sandbox, "kill -9 $$").code, Some(137));
    assert_eq!(on_disk(&sandbox, "b"), "b as it was\n");
}

#[test]
fn a_conflict_is_told_and_the_exit_code_is_1() {
    let sandbox = scene();
    outside(&sandbox, "echo theirs > b");
    let said = run_apply(&sandbox, "echo ours > b; echo ours > a");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("conflict: b"), "{}", said.err);
    assert_eq!(
        (on_disk(&sandbox, "a"), on_disk(&sandbox, "b")),
        ("ours\n".into(), "theirs\n".into())
    );
}

#[test]
fn a_workspace_that_came_from_nowhere_is_told_before_the_command_is_run() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > b");
    sandbox.ok(["ingest", "project", "--name", "w", "--force"]);
    sandbox.ok(["fork", "w@0", "early"]);
    let mut command =
        run_in(&sandbox, "project", ["run", "-w", "early", "--apply", "--", "touch", "ran"]);
    let ended = said(&mut command);
    assert_eq!(ended.code, Some(125));
    assert!(ended.err.contains("was not made of a directory"), "{}", ended.err);
    assert_eq!(sandbox.run(["stat", "early:ran"]).code, Some(1));
}

#[test]
fn what_is_being_written_in_the_workspace_is_named_and_the_rest_is_applied() {
    let sandbox = scene();
    let script =
        "exec 3>busy; echo part >&3; mkdir d; exec 4>d/too; echo done > b; echo ready; read go";
    let mut command = run_in(&sandbox, "project", ["run", "-w", "w", "--", "sh", "-c", script]);
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(running.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut out, &mut line).expect("a line");
    assert_eq!(line, "ready\n");

    let said = sandbox.run(["apply", "w"]);
    assert_eq!(said.code, Some(1));
    for path in ["busy", "d/too"] {
        let named = format!("{path}: is being written in the workspace");
        assert!(said.err.contains(&named), "{}", said.err);
    }
    assert_eq!(on_disk(&sandbox, "b"), "done\n");
    assert!(!sandbox.path("project/busy").exists() && !sandbox.path("project/d").exists());
    outside(&sandbox, "echo theirs > a");
    let said = sandbox.run(["sync", "w"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("are being written at this moment"), "{}", said.err);

    drop(running.stdin.take());
    assert!(running.wait().expect("it ends").code().is_some());
    sandbox.ok(["sync", "w"]);
    sandbox.ok(["apply", "w"]);
    assert_eq!(
        (on_disk(&sandbox, "busy"), holds(&sandbox, "a")),
        ("part\n".into(), "theirs\n".into())
    );
    assert!(status(&sandbox).is_empty());
}
