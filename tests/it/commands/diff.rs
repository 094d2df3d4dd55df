//! `vrift diff`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use vrift_manifest::tree::Change;
use vrift_tests::fixture::{Fixture, Planted, chmod, create, number, rename, unlink, write};
use vrift_tests::sandbox::{Sandbox, said};

/// A name that git writes in quotes.
const ODD: &[u8] = b"quo\"te\n\xff";

fn names(said: &str) -> Vec<&str> {
    said.lines().collect()
}

/// A workspace, its first state and one in which everything that can change has changed.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "README.md", "hello\nthere\nworld\n");
    write(&mut workspace, "src/added.c", "int added;\n");
    chmod(&mut workspace, "run", 0o700);
    unlink(&mut workspace, "link");
    create(&mut workspace, "link", 0o120777, "README.md");
    rename(&mut workspace, "src/deep", "deep");
    rename(&mut workspace, "src/copy.c", "src/moved.c");
    unlink(&mut workspace, ".hidden");
    unlink(&mut workspace, "pipe");
    create(&mut workspace, "pipe", 0o040755, "");
    create(&mut workspace, "pipe/inside", 0o100644, "");
    sandbox
}

#[test]
fn every_kind_of_difference_has_its_line() {
    let said = sandbox().ok(["diff", "w@0", "w"]).text();
    assert_eq!(
        names(&said),
        [
            "removed  .hidden",
            "changed  README.md (content)",
            "changed  also-readme (content)",
            "renamed  src/deep/ -> deep/",
            "changed  link (target)",
            "changed  pipe/ (fifo -> directory)",
            "added    pipe/inside",
            "changed  run (mode 0755 -> 0700)",
            "added    src/added.c",
            "renamed  src/copy.c -> src/moved.c",
        ]
    );
}

#[test]
fn the_same_is_no_difference_and_the_exit_code_tells_only_when_asked() {
    let sandbox = sandbox();
    assert_eq!(sandbox.ok(["diff", "--exit-code", "w", "w"]).text(), "");
    assert_eq!(sandbox.run(["diff", "--exit-code", "w@0", "w"]).code, Some(1));
    assert_eq!(sandbox.ok(["diff", "--json", "w", "w"]).text(), "[]\n");
}

#[test]
fn paths_alone_are_for_programs() {
    let sandbox = sandbox();
    let said = sandbox.ok(["diff", "--name-only", "w@0:src", "w:src"]).text();
    assert_eq!(names(&said), ["added.c", "deep", "deep/data.bin", "moved.c"]);
    let mut workspace = Fixture::of(&sandbox).open("w");
    let change = Change::Unlink { parent: 1, name: b"new\nline" };
    workspace.change(&change).expect("removed");
    let said =
        sandbox.ok(["diff", "--name-only", "-z", &format!("w@{}", workspace.head() - 1), "w"]);
    assert_eq!(said.out, b"new\nline\0");
    assert_eq!(
        sandbox.ok(["diff", "w@0", "w", "--name-only"]).text().matches("new\\nline").count(),
        1
    );
}

#[test]
fn json_describes_both_sides() {
    let said = sandbox().ok(["diff", "--json", "w@0", "w"]).json();
    let found = said.as_array().expect("an array");
    let one = |path: &str| found.iter().find(|row| row["path"] == path).expect(path);
    assert_eq!(one("src/moved.c")["change"], "renamed");
    assert_eq!(one("src/moved.c")["from"], "src/copy.c");
    assert_eq!(one("README.md")["aspects"], serde_json::json!(["content"]));
    assert_eq!(
        (&one("run")["old"]["mode"], &one("run")["new"]["mode"]),
        (&"0755".into(), &"0700".into())
    );
    assert_eq!(one("link")["new"]["target"], "README.md");
    assert_eq!(one("src/added.c")["old"], serde_json::Value::Null);
}

#[test]
fn lines_are_counted() {
    let said = sandbox().ok(["diff", "--stat", "w@0", "w"]).text();
    let lines = names(&said);
    assert!(lines.contains(&" .hidden                   |    1 -"), "{said}");
    assert!(lines.contains(&" README.md                 |    1 +"), "{said}");
    assert!(lines.contains(&" run                       | (mode 0755 -> 0700)"), "{said}");
    assert!(said.ends_with(" 10 paths changed, 4 lines inserted, 2 deleted\n"), "{said}");
    let one = sandbox().ok(["diff", "--stat", "w@0:README.md", "w:README.md"]).text();
    assert!(one.ends_with(" 1 path changed, 1 line inserted, 0 deleted\n"), "{one}");
}

/// Applies a patch to a directory with git.
fn apply(directory: &std::path::Path, patch: &[u8]) {
    use std::io::Write;
    let mut git = Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .current_dir(directory)
        .env("GIT_CEILING_DIRECTORIES", directory.parent().expect("a parent"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("git can be started");
    git.stdin.take().expect("a pipe").write_all(patch).expect("written");
    assert!(git.wait().expect("ended").success(), "{}", String::from_utf8_lossy(patch));
}

#[test]
fn a_patch_is_one_that_git_applies() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    let mut tree = Planted::empty(&fixture);
    let long: String = (0..100).map(|line| format!("line {line}\n")).collect();
    tree.file("long", long.as_bytes());
    tree.file("no-newline", b"one\ntwo");
    tree.file("gone", b"gone\n");
    tree.file("old name", b"the same\n");
    tree.file(ODD, b"odd\n");
    tree.file("mode", b"#!/bin/sh\n");
    let mut workspace = fixture.workspace("w", tree);
    write(
        &mut workspace,
        "long",
        &long.replace("line 50\n", "line fifty\n").replace("line 3\n", ""),
    );
    write(&mut workspace, "no-newline", "one\nthree");
    unlink(&mut workspace, "gone");
    rename(&mut workspace, "old name", "new name");
    write(&mut workspace, "new", "new\n");
    chmod(&mut workspace, "mode", 0o755);
    create(&mut workspace, "link", 0o120777, "long");
    let odd = workspace.tree().child(workspace.tree().root(), ODD).expect("sound");
    let node = workspace.tree().number(odd.expect("there")).expect("a number");
    let put = workspace.store().put_bytes(b"odder\n").expect("stored");
    let change = Change::SetContent { node, digest: put.digest, size: put.size, mtime: None };
    workspace.change(&change).expect("content");
    let patch = sandbox.ok(["diff", "-p", "w@0", "w"]).out;

    // The old state as a real directory, patched, is the new state.
    let directory = sandbox.path("real");
    fs::create_dir(&directory).expect("a directory");
    for name in ["long", "no-newline", "gone", "old name", "mode"] {
        let content = sandbox.ok(["cat", &format!("w@0:{name}")]).out;
        fs::write(directory.join(name), content).expect("written");
    }
    fs::write(directory.join(OsStr::from_bytes(ODD)), "odd\n").expect("written");
    apply(&directory, &patch);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("set");
    let left = sandbox.ok(["diff", "w", "./real"]).text();
    assert_eq!(left, "");
}

#[test]
fn what_is_no_text_is_said_to_be_binary() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "src/deep/data.bin", "\0\u{1}other");
    let said = sandbox.ok(["diff", "-p", "w@0", "w"]).text();
    assert_eq!(
        said,
        "diff --git a/src/deep/data.bin b/src/deep/data.bin\n\
         Binary files a/src/deep/data.bin and b/src/deep/data.bin differ\n"
    );
    let said = sandbox.ok(["diff", "--stat", "w@0", "w"]).text();
    assert!(said.starts_with(" src/deep/data.bin | 9 B -> 7 B\n"), "{said}");
}

#[test]
fn forks_know_their_common_nodes_and_not_those_made_since() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    let mut one = fixture.everything("w");
    sandbox.ok(["fork", "w", "f"]);
    let mut other = fixture.open("f");
    // The same number, and nothing in common.
    create(&mut one, "mine", 0o100644, "");
    create(&mut other, "theirs", 0o100644, "");
    write(&mut one, "mine", "mine\n");
    write(&mut other, "theirs", "theirs\n");
    assert_eq!(number(&one, "mine"), number(&other, "theirs"));
    rename(&mut other, "src/main.c", "main.c");
    write(&mut other, "main.c", "int main;\n");
    let said = sandbox.ok(["diff", "w", "f"]).text();
    assert_eq!(
        names(&said),
        ["renamed  src/main.c -> main.c (content)", "removed  mine", "added    theirs"]
    );
}

#[test]
fn other_workspaces_know_a_renamed_file_by_its_content_if_only_one_has_it() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    let mut tree = Planted::empty(&fixture);
    tree.file("a", b"unique\n");
    tree.file("twice", b"twice\n");
    tree.file("nothing", b"");
    fixture.workspace("one", tree);
    let mut tree = Planted::empty(&fixture);
    // Other numbers: nothing may be found by them.
    tree.file("first", b"something else\n");
    tree.file("b", b"unique\n");
    tree.file("twice-1", b"twice\n");
    tree.file("twice-2", b"twice\n");
    tree.file("nothing-else", b"");
    fixture.workspace("two", tree);
    let said = sandbox.ok(["diff", "one", "two"]).text();
    assert_eq!(
        names(&said),
        [
            "renamed  a -> b",
            "added    first",
            "removed  nothing",
            "added    nothing-else",
            "removed  twice",
            "added    twice-1",
            "added    twice-2",
        ]
    );
}

#[test]
fn a_real_directory_is_compared_by_its_content() {
    let sandbox = Sandbox::new();
    let directory = sandbox.path("project");
    sandbox.write("project/same", "same\n");
    sandbox.write("project/changed", "old!\n");
    sandbox.write("project/sub/gone", "gone\n");
    sandbox.write("project/left-out.o", "object");
    symlink("same", directory.join("link")).expect("a link");
    sandbox.ok(["ingest", "project", "--exclude", "*.o"]);
    assert_eq!(sandbox.ok(["diff", "project", "./project"]).text(), "");
    sandbox.write("project/changed", "new!\n");
    fs::remove_file(directory.join("sub/gone")).expect("removed");
    fs::remove_file(directory.join("link")).expect("removed");
    symlink("other", directory.join("link")).expect("a link");
    sandbox.write("project/caf\u{e9}", "new\n");
    let expected = [
        "added    caf\u{e9}",
        "changed  changed (content)",
        "changed  link (target)",
        "removed  sub/gone",
    ];
    let path = directory.to_str().expect("text");
    assert_eq!(names(&sandbox.ok(["diff", "project", path]).text()), expected);
    let inside = said(&mut sandbox.command("project", ["diff", ":", "."]));
    assert_eq!(names(&inside.text()), expected);
    // The name of a workspace is a place, also where a directory has it.
    assert_eq!(sandbox.ok(["diff", "project", "project@0"]).text(), "");
    let turned = sandbox.ok(["diff", path, "project"]).text();
    assert!(turned.starts_with("removed  caf"), "{turned}");
    assert!(sandbox.ok(["diff", "-p", "project", path]).text().contains("-old!\n+new!\n"));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_compared() {
    if rustix::process::geteuid().is_root() {
        // Root may read everything; the tests are run as an ordinary user too.
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("project/secret", "one\n");
    sandbox.write("project/other", "one\n");
    sandbox.ok(["ingest", "project"]);
    sandbox.write("project/other", "two\n");
    let secret = sandbox.write("project/secret", "two\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("set");
    let said = sandbox.run(["diff", "project", "./project"]);
    assert_eq!(said.code, Some(1));
    assert!(said.text().contains("changed  other (content)"), "{}", said.text());
    assert!(said.err.contains("project/secret': Permission denied"), "{}", said.err);
}

#[test]
fn operands_that_name_nothing_are_refused() {
    let sandbox = sandbox();
    assert_eq!(sandbox.run(["diff", ".", "./home"]).code, Some(2));
    let missing = sandbox.run(["diff", "w", "./missing"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("./missing': No such file"), "{}", missing.err);
    assert_eq!(sandbox.run(["diff", "w", "missing"]).code, Some(1));
    assert_eq!(sandbox.run(["diff", "w", "a b"]).code, Some(2));
    assert_eq!(sandbox.run(["diff", "w"]).code, Some(2));
}
