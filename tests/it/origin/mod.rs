//! A workspace against the directory that it was ingested from: `status`, `sync`, `apply` and `run --apply`.

mod applies;
mod by_chance;
mod conflicts;
#[cfg(target_arch = "x86_64")]
mod interrupted;
#[cfg(target_arch = "x86_64")]
mod kills;
mod picture;
mod refused;
mod runs;
mod syncs;

use vrift_tests::installed::{run, sandbox};
use vrift_tests::sandbox::{Said, Sandbox};

/// A sandbox with a workspace `w` of the directory `project`, with files to be changed on both sides.
fn scene() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c", "sub/x", "sub/y", "sub/deep/z"] {
        sandbox.write(format!("project/{name}"), format!("{name} as it was\n"));
    }
    settle();
    sandbox.ok(["ingest", "project", "--name", "w"]);
    sandbox
}

/// Waits until what was written is no longer racy.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(40));
}

/// Runs a script of the shell in the workspace; it has to succeed.
#[track_caller]
fn inside(sandbox: &Sandbox, script: &str) {
    let at = sandbox.path("project");
    let script = format!("cd '{}' && {script}", at.display());
    let said = run(sandbox, ["sh", "-ec", &script]);
    assert_eq!(said.code, Some(0), "{script}: {}", said.err);
}

/// Runs a script of the shell in the real directory; it has to succeed.
#[track_caller]
fn outside(sandbox: &Sandbox, script: &str) {
    let status = std::process::Command::new("sh")
        .args(["-ec", script])
        .current_dir(sandbox.path("project"))
        .status();
    assert!(status.expect("a shell").success(), "{script}");
}

/// The lines of `vrift status`.
#[track_caller]
fn status(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.ok(["status", "w"]).text();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// What a file of the workspace holds.
#[track_caller]
fn holds(sandbox: &Sandbox, path: &str) -> String {
    sandbox.ok(["cat", &format!("w:{path}")]).text()
}

/// What a file of the directory holds.
#[track_caller]
fn on_disk(sandbox: &Sandbox, path: &str) -> String {
    let read = std::fs::read_to_string(sandbox.path("project").join(path));
    read.unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// Whether a command found nothing to do.
#[track_caller]
fn does_nothing(sandbox: &Sandbox, command: &str) {
    let head = || sandbox.ok(["ls", "-d", "w", "--json"]).text();
    let (before, names) = (head(), sandbox.store_names());
    let said = sandbox.ok([command, "w"]);
    assert!(said.text().starts_with("w: nothing to "), "{}", said.text());
    assert_eq!(head(), before);
    assert_eq!(sandbox.store_names(), names, "{command} wrote nothing into the store");
}

/// A workspace of two files, whose library need not be there.
fn small() -> Sandbox {
    sandbox()
}

/// The exit code and what was said on standard error.
fn ended(said: &Said) -> (Option<i32>, &str) {
    (said.code, said.err.as_str())
}
