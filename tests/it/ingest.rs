//! `vrift ingest`: first, again, forced, with entries that cannot be read, killed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use vrift_tests::sandbox::Sandbox;

/// A directory of a few files of different kinds.
fn source(sandbox: &Sandbox) -> String {
    sandbox.write("src/main.c", "int main() { return 0; }\n");
    sandbox.write("src/include/a.h", "#define A 1\n");
    sandbox.write("src/empty", "");
    symlink("main.c", sandbox.path("src/link")).expect("a symlink");
    fs::hard_link(sandbox.path("src/main.c"), sandbox.path("src/include/same.c")).expect("a link");
    settle();
    sandbox.path("src").to_str().expect("text").to_owned()
}

/// Waits until what was written is no longer racy.
fn settle() {
    std::thread::sleep(Duration::from_millis(40));
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn the_first_ingest_makes_a_workspace_and_the_next_writes_nothing() {
    let sandbox = Sandbox::new();
    let source = source(&sandbox);
    let said = sandbox.ok(["ingest", &source]);
    assert!(said.text().starts_with("src: 3 files, 37 B, 37 B new; "), "{}", said.text());
    let before = sandbox.store_names();
    let said = sandbox.ok(["ingest", &source]);
    assert!(said.text().starts_with("src: nothing changed: 3 files, 37 B; "), "{}", said.text());
    assert_eq!(sandbox.store_names(), before);
    let json = sandbox.ok(["ingest", &source, "--json"]).json();
    assert_eq!((json["seq"].as_u64(), json["changed"].as_bool()), (Some(0), Some(false)));
}

#[test]
fn what_changed_is_a_new_state_and_nodes_keep_their_numbers() {
    let sandbox = Sandbox::new();
    let source = source(&sandbox);
    sandbox.ok(["ingest", &source]);
    let number = |path: &str| {
        let json = sandbox.ok(["ls", "-d", &format!("src:{path}"), "--json"]).json();
        json["node"].as_u64().or_else(|| json[0]["node"].as_u64()).unwrap()
    };
    let (main, header) = (number("main.c"), number("include/a.h"));
    sandbox.write("src/include/a.h", "#define A 2\n");
    sandbox.write("src/new", "new");
    fs::remove_file(sandbox.path("src/empty")).unwrap();
    let said = sandbox.ok(["ingest", &source]);
    assert!(said.text().starts_with("src@"), "{}", said.text());
    assert_eq!((number("main.c"), number("include/a.h")), (main, header));
    assert_eq!(number("include/same.c"), main);
    assert!(number("new") > header);
    assert_eq!(sandbox.ok(["cat", "src:include/a.h"]).text(), "#define A 2\n");
    assert_eq!(sandbox.ok(["cat", "src@0:include/a.h"]).text(), "#define A 1\n");
    assert_eq!(sandbox.run(["cat", "src:empty"]).code, Some(1));
}

#[test]
fn a_name_that_another_directory_has_is_refused_with_a_hint() {
    let sandbox = Sandbox::new();
    let source = source(&sandbox);
    sandbox.ok(["ingest", &source]);
    sandbox.write("other/src/file", "x");
    let said = sandbox.run(["ingest", "other/src"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&source) && said.err.contains("--name"), "{}", said.err);
    sandbox.ok(["ingest", "other/src", "--name", "second", "--at", "/vrift/second"]);
    let said = sandbox.run(["ingest", "other/src", "--name", "second", "--at", "/elsewhere"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("/vrift/second"), "{}", said.err);
}

#[test]
fn excludes_are_remembered_until_others_are_given() {
    let sandbox = Sandbox::new();
    let source = source(&sandbox);
    sandbox.write("src/target/out", "out");
    sandbox.ok(["ingest", &source, "--exclude", "target/", "--exclude", "*.h"]);
    sandbox.write("src/target/more", "more");
    sandbox.write("src/b.h", "b");
    settle();
    let files = || sandbox.ok(["ingest", &source, "--json"]).json()["files"].as_u64().unwrap();
    assert_eq!(files(), 2);
    let json = sandbox.ok(["ingest", &source, "--exclude", "target", "--json"]).json();
    assert_eq!(json["files"].as_u64(), Some(4));
    assert_eq!(files(), 4);
    let said = sandbox.run(["ingest", &source, "--exclude", "a[b"]);
    assert_eq!(said.code, Some(2));
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_earlier_version_and_is_named() {
    if is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let source = source(&sandbox);
    sandbox.write("src/secret", "version 1");
    sandbox.write("src/closed/inside", "inside");
    settle();
    sandbox.ok(["ingest", &source]);
    sandbox.write("src/secret", "version 2, longer");
    sandbox.write("src/closed/inside2", "inside");
    let mode = |path: &str, mode| {
        fs::set_permissions(sandbox.path(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("src/secret", 0);
    mode("src/closed", 0);
    sandbox.write("src/never\nread", "x");
    mode("src/never\nread", 0);
    let said = sandbox.run(["ingest", &source]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    for part in ["secret: cannot be read", "closed: cannot be listed", "never\\nread: cannot"] {
        assert!(said.err.contains(part), "{}", said.err);
    }
    assert_eq!(sandbox.ok(["cat", "src:secret"]).text(), "version 1");
    assert_eq!(sandbox.ok(["cat", "src:closed/inside"]).text(), "inside");
    mode("src/secret", 0o600);
    mode("src/closed", 0o700);
    mode("src/never\nread", 0o600);
    sandbox.ok(["ingest", &source]);
    assert_eq!(sandbox.ok(["cat", "src:secret"]).text(), "version 2, longer");
    assert_eq!(sandbox.ok(["cat", "src:closed/inside2"]).text(), "inside");
}

#[test]
fn a_directory_that_is_not_there_or_none_is_an_error_that_names_it() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "x");
    for wrong in ["nothing", "file"] {
        let said = sandbox.run(["ingest", wrong]);
        assert_eq!(said.code, Some(1));
        assert!(said.err.contains(wrong), "{}", said.err);
    }
    let said = sandbox.run(["ingest", "/"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("--name"), "{}", said.err);
}

#[test]
fn the_store_leaves_itself_out_and_refuses_to_be_the_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "x");
    sandbox.ok(["ingest", ".", "--name", "all"]);
    let json = sandbox.ok(["ingest", ".", "--name", "all", "--json"]).json();
    assert_eq!(json["files"].as_u64(), Some(1), "{json}");
    assert_eq!(sandbox.run(["ingest", "store/blobs"]).code, Some(1));
}

#[test]
fn names_that_are_no_text_are_kept() {
    let sandbox = Sandbox::new();
    let odd = Path::new("src").join(std::ffi::OsStr::from_bytes(b"line\nbreak\xff"));
    sandbox.write(&odd, "odd");
    sandbox.ok(["ingest", "src"]);
    let mut place = b"src:".to_vec();
    place.extend_from_slice(b"line\nbreak\xff");
    let place = std::ffi::OsStr::from_bytes(&place);
    assert_eq!(sandbox.ok([std::ffi::OsStr::new("cat"), place]).text(), "odd");
}

#[test]
fn a_directory_with_a_hundred_thousand_entries_is_ingested() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("many")).unwrap();
    for number in 0..100_000 {
        // Links to one file: it is the entries that count.
        let path = sandbox.path(format!("many/{number}"));
        symlink("somewhere", path).unwrap();
    }
    sandbox.write("many/last", "x");
    sandbox.ok(["ingest", "many"]);
    assert_eq!(sandbox.ok(["cat", "many:last"]).text(), "x");
    let json = sandbox.ok(["ingest", "many", "--json"]).json();
    assert_eq!(json["files"].as_u64(), Some(1));
}

#[test]
fn an_ingest_that_is_killed_loses_nothing_and_the_next_one_works() {
    let sandbox = Sandbox::new();
    for number in 0..400 {
        sandbox.write(format!("src/{number}"), format!("content {number}"));
    }
    settle();
    for round in 0..30 {
        sandbox.write("src/changing", format!("round {round}"));
        let mut child = sandbox.command(".", ["ingest", "src"]);
        child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = child.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(round * 700));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    sandbox.write("src/changing", "the end");
    sandbox.ok(["ingest", "src"]);
    assert_eq!(sandbox.ok(["cat", "src:changing"]).text(), "the end");
    assert_eq!(sandbox.ok(["cat", "src:399"]).text(), "content 399");
}
