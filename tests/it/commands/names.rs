//! `vrift snapshot`, `vrift fork` and `vrift drop`: names for states and workspaces.

use vrift_tests::fixture::{Fixture, write};
use vrift_tests::sandbox::Sandbox;

#[test]
fn a_snapshot_is_a_place_until_it_is_dropped() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    let seq = write(&mut workspace, "README.md", "two\n");
    assert_eq!(sandbox.ok(["snapshot", "w", "two"]).text(), format!("w@two is state {seq}\n"));
    write(&mut workspace, "README.md", "three\n");
    assert_eq!(sandbox.ok(["cat", "w@two:README.md"]).text(), "two\n");
    assert_eq!(sandbox.ok(["drop", "w@two"]).text(), "dropped the snapshot w@two\n");
    let gone = sandbox.run(["cat", "w@two:README.md"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.contains("has no snapshot 'two'"), "{}", gone.err);
    assert_eq!(sandbox.ok(["cat", "w:README.md"]).text(), "three\n");
}

#[test]
fn a_name_is_taken_once_and_the_error_says_what_there_is() {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    sandbox.ok(["snapshot", "w", "one"]);
    let again = sandbox.run(["snapshot", "w", "one"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("has a snapshot 'one' already"), "{}", again.err);
    let other = sandbox.run(["ls", "w@two"]);
    assert!(other.err.contains("hint: its snapshots: one"), "{}", other.err);
    assert_eq!(sandbox.run(["snapshot", "w", "123"]).code, Some(2));
    assert_eq!(sandbox.run(["snapshot", "w", "-x"]).code, Some(2));
}

#[test]
fn a_fork_begins_with_any_state_and_goes_its_own_way() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    let seq = write(&mut workspace, "README.md", "two\n");
    write(&mut workspace, "README.md", "three\n");
    let said = sandbox.ok(["fork", &format!("w@{seq}"), "f"]);
    assert_eq!(said.text(), format!("f is w@{seq}\n"));
    assert_eq!(sandbox.ok(["cat", "f:README.md"]).text(), "two\n");
    let fork = sandbox.ok(["fork", "--json", "w", "g"]).json();
    assert_eq!(fork["forked_from"], "w");
    assert_eq!(sandbox.ok(["cat", "g:README.md"]).text(), "three\n");
    let taken = sandbox.run(["fork", "w", "f"]);
    assert_eq!(taken.code, Some(1));
    assert!(taken.err.contains("there is a workspace 'f' already"), "{}", taken.err);
    assert_eq!(sandbox.run(["fork", "w:src", "h"]).code, Some(2));
}

#[test]
fn dropping_a_workspace_hurts_no_fork_of_it() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "README.md", "two\n");
    drop(workspace);
    sandbox.ok(["fork", "w", "f"]);
    assert_eq!(sandbox.ok(["drop", "w"]).text(), "dropped the workspace w\n");
    assert_eq!(sandbox.run(["ls", "w"]).code, Some(1));
    assert_eq!(sandbox.ok(["cat", "f:README.md"]).text(), "two\n");
    assert_eq!(sandbox.ok(["cat", "f@0:README.md"]).text(), "hello\nworld\n");
}

#[test]
fn nothing_is_dropped_that_is_not_named() {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    std::fs::create_dir(sandbox.path("project")).expect("a directory");
    for what in [":", "@5", "w@5", "w:src", "@one"] {
        let said = vrift_tests::sandbox::said(&mut sandbox.command("project", ["drop", what]));
        assert_eq!(said.code, Some(2), "{what}: {}", said.err);
    }
    assert_eq!(sandbox.run(["drop", "nobody"]).code, Some(1));
    assert_eq!(sandbox.ok(["ls", "w:empty"]).text(), "");
}

#[test]
fn a_store_that_cannot_be_written_is_looked_at_and_not_changed() {
    if rustix::process::geteuid().is_root() {
        // Root may write everything; the tests are run as an ordinary user too.
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    let protect = |mode: u32| {
        for path in ["store/staging", "store/active", "store/workspaces", "store"] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(sandbox.path(path), permissions).expect("set");
        }
        for file in ["store/boot", "store/workspaces/w/control"] {
            let permissions = std::fs::Permissions::from_mode(mode & 0o666);
            let _ = std::fs::set_permissions(sandbox.path(file), permissions);
        }
    };
    protect(0o555);
    let (read, changed) =
        (sandbox.run(["cat", "w:README.md"]), sandbox.run(["snapshot", "w", "s"]));
    protect(0o755);
    assert_eq!((read.code, read.text().as_str()), (Some(0), "hello\nworld\n"), "{}", read.err);
    assert_eq!(changed.code, Some(1), "{}", changed.text());
}
