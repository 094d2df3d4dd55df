//! `vrift ls`.

use std::os::unix::ffi::OsStrExt;

use vrift_tests::fixture::Fixture;
use vrift_tests::sandbox::{Sandbox, said};

const LONG: &str = "\
-rw-r--r-- 2 0 0   12 2001-09-09 01:46 README.md
-rw-r--r-- 2 0 0   12 2001-09-09 01:46 also-readme
-rw-r--r-- 1 0 0    6 2001-09-09 01:46 caf\\351
drwxr-xr-x 2 0 0 4096 2001-09-09 01:46 empty
";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    sandbox
}

#[test]
fn names_are_sorted_escaped_and_without_those_that_are_hidden() {
    let said = sandbox().ok(["ls", "w"]);
    assert_eq!(
        said.text(),
        "README.md\nalso-readme\ncaf\\351\nempty\ninside\nlink\nloop\nnew\\nline\nnull\noutside\npipe\nrun\nsrc\n"
    );
}

#[test]
fn long_lines_have_mode_links_owner_size_time_target_and_device() {
    let sandbox = sandbox();
    let said = sandbox.ok(["ls", "-ln", "w"]).text();
    // Columns are as wide as the widest of the whole directory.
    let lines: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in LONG.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(lines.contains(&line), "{line} is not in\n{said}");
    }
    assert!(lines.contains(&"crw-rw-rw- 1 0 0 1, 3 2001-09-09 01:46 null".into()), "{said}");
    assert!(lines.iter().any(|line| line.ends_with(" link -> src/main.c")), "{said}");
    assert!(lines.iter().any(|line| line.starts_with("prw------- 1 0 0 0 ")), "{said}");
}

#[test]
fn all_names_are_listed_with_a_and_all_but_the_dots_with_capital_a() {
    let sandbox = sandbox();
    assert!(sandbox.ok(["ls", "-a", "w"]).text().starts_with(".\n..\n.hidden\nREADME.md\n"));
    assert!(sandbox.ok(["ls", "-A", "w"]).text().starts_with(".hidden\nREADME.md\n"));
}

#[test]
fn everything_below_is_listed_under_its_directory() {
    let said = sandbox().ok(["ls", "-R", "w:src"]);
    assert_eq!(said.text(), "w:src:\ncopy.c\ndeep\nmain.c\n\nw:src/deep:\ndata.bin\n");
}

#[test]
fn a_file_and_several_places_are_listed_as_they_were_called() {
    let sandbox = sandbox();
    let said = sandbox.ok(["ls", "w:src", "w:README.md", "w:empty"]);
    assert_eq!(said.text(), "w:README.md\n\nw:src:\ncopy.c\ndeep\nmain.c\n\nw:empty:\n");
    assert_eq!(sandbox.ok(["ls", "-d", "w:src"]).text(), "w:src\n");
}

#[test]
fn a_symlink_to_a_directory_is_followed_unless_it_is_looked_at() {
    let sandbox = sandbox();
    assert_eq!(sandbox.ok(["ls", "w:inside"]).text(), "copy.c\ndeep\nmain.c\n");
    assert!(sandbox.ok(["ls", "-l", "w:inside"]).text().contains("w:inside -> "));
    assert_eq!(sandbox.ok(["ls", "w:inside/"]).text(), "copy.c\ndeep\nmain.c\n");
    assert_eq!(sandbox.ok(["ls", "w:loop", "w:outside"]).text(), "w:loop\nw:outside\n");
}

#[test]
fn a_path_may_be_absolute_below_the_mount_path() {
    let sandbox = sandbox();
    let path = [b"w:", sandbox.path("project/src").as_os_str().as_bytes()].concat();
    let said = sandbox.ok(["ls".as_ref(), std::ffi::OsStr::from_bytes(&path)]);
    assert_eq!(said.text(), "copy.c\ndeep\nmain.c\n");
}

#[test]
fn node_numbers_are_shown_and_links_share_theirs() {
    let said = sandbox().ok(["ls", "-i", "w"]).text();
    let number = |name: &str| {
        let line = said.lines().find(|line| line.ends_with(name)).expect("it is listed");
        line.split(' ').next().expect("a number").parse::<u64>().expect("a number")
    };
    assert_eq!(number(" README.md"), number(" also-readme"));
    assert_ne!(number(" README.md"), number(" run"));
}

#[test]
fn json_has_every_name_without_loss() {
    let said = sandbox().ok(["ls", "--json", "-R", "w"]).json();
    let rows = said.as_array().expect("an array");
    let row = |path: &str| {
        rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("{path}: {rows:?}"))
    };
    assert_eq!(row("caf\u{fffd}")["path_hex"], "636166e9");
    assert_eq!(row("new\nline")["type"], "file");
    assert_eq!(row("src/main.c")["name"], "main.c");
    assert_eq!(row("src/main.c")["mode"], "0644");
    assert_eq!(row("src/main.c")["digest"], row("src/copy.c")["digest"]);
    assert_eq!(row("null")["device"], serde_json::json!([1, 3]));
    assert_eq!(row("link")["target"], "src/main.c");
}

#[test]
fn what_cannot_be_listed_is_said_and_the_rest_is_listed() {
    let sandbox = sandbox();
    let said = sandbox.run(["ls", "w:nothing", "w:empty", "w:README.md/x"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.text(), "w:empty:\n");
    assert!(said.err.contains("w:nothing: no such file or directory"), "{}", said.err);
    assert!(said.err.contains("w:README.md/x: not a directory"), "{}", said.err);
}

#[test]
fn the_workspace_may_be_left_out_where_its_tree_appears() {
    let sandbox = sandbox();
    std::fs::create_dir_all(sandbox.path("project/src")).expect("a directory");
    let listed = said(&mut sandbox.command("project/src", ["ls", ":src"]));
    assert_eq!(listed.text(), "copy.c\ndeep\nmain.c\n");
    assert!(said(&mut sandbox.command("project", ["ls"])).text().starts_with("README.md\n"));
    let outside = said(&mut sandbox.command("home", ["ls"]));
    assert_eq!(outside.code, Some(1));
    assert!(outside.err.contains("no workspace is mounted at or above"), "{}", outside.err);
    // A fork appears at the same path: the one that was ingested is meant.
    sandbox.ok(["fork", "w", "f"]);
    assert_eq!(said(&mut sandbox.command("project/src", ["ls", ":src"])).code, Some(0));
    sandbox.ok(["fork", "w", "g"]);
    sandbox.ok(["drop", "w"]);
    let several = said(&mut sandbox.command("project", ["ls"]));
    assert_eq!(several.code, Some(1));
    assert!(several.err.contains("f, g"), "{}", several.err);
}
