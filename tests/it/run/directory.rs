//! Where the command begins.

use std::process::Command;

use vrift_tests::fixture::{Fixture, number};
use vrift_tests::installed::{is_real, run_in, sandbox};
use vrift_tests::sandbox::{Sandbox, said};

/// What the command finds to be its directory: the kernel's, and `$PWD`.
fn begins(command: &mut Command) -> (String, String) {
    let said = said(command.args(["--", "sh", "-c", "/bin/pwd -P; echo \"$PWD\""]));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let text = said.text();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().expect("a path"), lines.next().expect("a path"))
}

/// Whether the kernel has a process in the placeholder of a node; the library shows that as the path in the tree.
#[track_caller]
fn is_at(sandbox: &Sandbox, kernel: &str, path: &str) {
    let mut node = 1;
    if !path.is_empty() {
        node = number(&Fixture::of(sandbox).open("w"), path);
    }
    let place = kernel.contains("/places-") && kernel.ends_with(&format!("/{node}"));
    let shown = is_real()
        && kernel
            == sandbox.path("project").join(path).to_str().unwrap_or("").trim_end_matches('/');
    assert!(place || shown, "{kernel} is not {path}");
}

#[test]
fn in_the_mount_path_it_begins_in_the_same_directory_of_the_tree() {
    let sandbox = sandbox();
    for path in ["", "sub"] {
        let at = sandbox.path("project").join(path);
        let mut command = run_in(&sandbox, &at, ["run"]);
        let (kernel, shown) = begins(command.env("PWD", &at));
        is_at(&sandbox, &kernel, path);
        assert_eq!(shown.trim_end_matches('/'), at.to_str().expect("text").trim_end_matches('/'));
    }
}

#[test]
fn elsewhere_it_begins_at_the_root_of_the_tree() {
    let sandbox = sandbox();
    let mut command = run_in(&sandbox, "home", ["run", "-w", "w"]);
    let (kernel, shown) = begins(command.env("PWD", sandbox.path("home")));
    is_at(&sandbox, &kernel, "");
    assert_eq!(shown, sandbox.path("project").to_str().expect("text"));
}

#[test]
fn a_fork_has_the_directories_of_its_own_tree_at_the_same_place() {
    let sandbox = sandbox();
    sandbox.ok(["fork", "w", "f"]);
    let script = "echo \"$VRIFT_SESSION\"";
    let words = ["run", "-w", "f", "--", "sh", "-c", script];
    let said = said(&mut run_in(&sandbox, "project/sub", words));
    assert!(said.text().starts_with("1:f:"), "{} {}", said.text(), said.err);
    let default = run_in(&sandbox, "project/sub", ["run", "--", "sh", "-c", script]).output();
    let default = default.expect("started").stdout;
    assert!(default.starts_with(b"1:w:"), "the ingested one, not its fork");
}

#[test]
fn a_mount_path_that_is_not_on_the_disk_will_do() {
    let sandbox = sandbox();
    sandbox.ok(["ingest", "project", "--name", "v", "--at", "/there/is/no/such/place"]);
    let (kernel, shown) = begins(&mut run_in(&sandbox, "project", ["run", "-w", "v"]));
    assert!(kernel.contains("/places-") || is_real() && kernel == "/there/is/no/such/place");
    assert_eq!(shown, "/there/is/no/such/place");
}

#[test]
fn a_current_directory_that_was_removed_is_outside() {
    let sandbox = sandbox();
    let gone = sandbox.path("gone");
    std::fs::create_dir(&gone).expect("made");
    let installed = run_in(&sandbox, "gone", ["run", "-w", "w", "--", "/bin/pwd", "-P"]);
    let script = "rmdir \"$PWD\"; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(installed.get_program()).args(installed.get_args());
    command.current_dir(&gone);
    for (name, value) in installed.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    let said = said(&mut command);
    assert_eq!(said.code, Some(0), "{}", said.err);
    is_at(&sandbox, said.text().trim_end(), "");
}

#[test]
fn placeholders_go_with_their_workspace() {
    let sandbox = sandbox();
    begins(&mut run_in(&sandbox, "project/sub", ["run"]));
    let placeholders = || {
        let runtime = std::fs::read_dir(sandbox.path("home")).expect("a directory");
        let below =
            runtime.flatten().filter_map(|entry| std::fs::read_dir(entry.path()).ok()).flatten();
        let names = below.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("places-")).count()
    };
    assert_eq!(placeholders(), 1);
    sandbox.ok(["drop", "w"]);
    assert_eq!(placeholders(), 0);
}
