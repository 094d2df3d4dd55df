//! What goes wrong before the command is started: 125, with a reason, and the command never ran.

use std::fs;
use std::process::Command;

use vrift_tests::fixture::{Fixture, open_segment, write};
use vrift_tests::installed::{command, run_in, sandbox};
use vrift_tests::sandbox::{Said, Sandbox, said};

/// Runs a command that leaves a trace; it must not have come to that.
#[track_caller]
fn refused(sandbox: &Sandbox, directory: &str, arguments: &[&str], reason: &str) {
    let trace = sandbox.path("trace");
    let mut command = run_in(sandbox, directory, arguments);
    check(sandbox, &said(command.args(["--", "touch"]).arg(trace)), reason);
}

#[track_caller]
fn check(sandbox: &Sandbox, said: &Said, reason: &str) {
    assert_eq!(said.code, Some(125), "{}", said.err);
    assert!(said.err.contains(reason), "'{reason}' is not in: {}", said.err);
    assert!(!sandbox.path("trace").exists(), "it was started");
}

#[test]
fn a_workspace_that_is_not_there() {
    let sandbox = sandbox();
    refused(&sandbox, ".", &["run", "-w", "nobody"], "there is no workspace 'nobody'");
    refused(&sandbox, ".", &["run"], "no workspace is mounted at or above");
    refused(&Sandbox::new(), ".", &["run", "-w", "w"], "there are no workspaces");
}

#[test]
fn a_workspace_that_is_damaged() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "one", "1");
    write(&mut workspace, "two", "2");
    write(&mut workspace, "three", "3");
    let segment = open_segment(&workspace);
    drop(workspace);
    let mut bytes = fs::read(&segment).expect("a segment");
    let place = bytes.windows(3).position(|bytes| bytes == b"two").expect("the record");
    bytes[place] = b'X';
    fs::write(&segment, bytes).expect("written");
    for entry in fs::read_dir(sandbox.path("home")).expect("a directory") {
        fs::remove_dir_all(entry.expect("an entry").path()).expect("removed");
    }
    refused(&sandbox, ".", &["run", "-w", "w"], "is damaged at offset");
}

#[test]
fn a_current_directory_that_the_tree_does_not_have() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.path("project/newer")).expect("made");
    refused(&sandbox, "project/newer", &["run"], "is not in the tree of 'w'");
}

#[test]
fn a_library_that_is_missing_or_is_none() {
    let sandbox = sandbox();
    let bin = sandbox.path("bin");
    fs::create_dir(&bin).expect("made");
    fs::copy(command(), bin.join("vrift")).expect("copied");
    let attempt = || {
        let installed = run_in(&sandbox, ".", ["run", "-w", "w", "--", "touch"]);
        let mut command = Command::new(bin.join("vrift"));
        command.args(installed.get_args()).arg(sandbox.path("trace"));
        command.current_dir(sandbox.path(".")).env("VRIFT_HOME", sandbox.path("store"));
        command.env("XDG_RUNTIME_DIR", sandbox.path("home")).env_remove("LD_PRELOAD");
        said(&mut command)
    };
    check(&sandbox, &attempt(), "the library 'libvrift_shim.so' is missing");
    fs::write(bin.join("libvrift_shim.so"), "this is no library").expect("written");
    check(&sandbox, &attempt(), "is no library for the programs of this machine");
    fs::write(bin.join("libvrift_shim.so"), "").expect("written");
    check(&sandbox, &attempt(), "is no library for the programs of this machine");
    // Where packages put libraries.
    fs::remove_file(bin.join("libvrift_shim.so")).expect("removed");
    let library = sandbox.path("lib/vrift");
    fs::create_dir_all(&library).expect("made");
    let from = command().with_file_name("libvrift_shim.so");
    fs::copy(from, library.join("libvrift_shim.so")).expect("copied");
    assert_eq!(attempt().code, Some(0));
    assert!(sandbox.path("trace").exists());
}

#[test]
fn a_command_line_that_is_wrong() {
    let sandbox = sandbox();
    for arguments in [
        &["run"][..],
        &["run", "--"],
        &["run", "--nonsense", "--", "true"],
        &["run", "-w", "-x", "true"],
    ] {
        let said = said(&mut run_in(&sandbox, ".", arguments));
        assert_eq!(said.code, Some(125), "{arguments:?}: {}", said.err);
    }
    let help = said(&mut run_in(&sandbox, ".", ["run", "--help"]));
    assert_eq!(help.code, Some(0));
    assert!(help.text().contains("vrift run -- make -j8"));
}
