//! `vrift list`.

use vrift_tests::fixture::{Fixture, Planted, create, write};
use vrift_tests::sandbox::Sandbox;

#[test]
fn a_store_that_does_not_exist_has_no_workspaces() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok(["list"]).text(), "");
    assert_eq!(sandbox.ok(["list", "--json"]).text(), "[]\n");
    let other = sandbox.run(["ls", "w"]);
    assert_eq!(other.code, Some(1));
    assert!(other.err.contains("there are no workspaces"), "{}", other.err);
    assert!(!sandbox.path("store").exists(), "looking makes no store");
}

#[test]
fn files_count_once_for_all_their_names_and_contents_once_for_all_their_files() {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    let said = sandbox.ok(["list", "--json"]).json();
    let row = &said[0];
    assert_eq!(row["name"], "w");
    assert_eq!(row["mount"], sandbox.path("project").to_str().expect("text"));
    assert_eq!(row["files"], 8);
    assert_eq!(row["directories"], 4);
    assert_eq!(row["others"], 6);
    let main = 33;
    let others = 12 + 7 + 9 + 10 + 4 + 6;
    assert_eq!(row["bytes"], others + 2 * main);
    assert_eq!(row["unique_bytes"], others + main);
    assert_eq!(row["journal_records"], 0);
    assert_eq!(row["ingested_from"], row["mount"]);
}

#[test]
fn changes_and_snapshots_are_counted_and_listing_is_no_use() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "new", "12345");
    create(&mut workspace, "directory", 0o040755, "");
    workspace.snapshot("named").expect("a snapshot");
    drop(workspace);
    let before = sandbox.ok(["list", "--json"]).json();
    assert_eq!(before[0]["files"], 9);
    assert_eq!(before[0]["directories"], 5);
    assert_eq!(before[0]["journal_records"], 5, "process, create, content, mkdir, synced");
    assert_eq!(before[0]["snapshots"][0]["name"], "named");
    assert_eq!(sandbox.ok(["list", "--json"]).json(), before);
    sandbox.ok(["ls", "w"]);
    assert_ne!(sandbox.ok(["list", "--json"]).json()[0]["last_use"], before[0]["last_use"]);
}

#[test]
fn the_table_has_a_heading_and_a_line_for_each() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    fixture.workspace("b", Planted::empty(&fixture));
    fixture.everything("a");
    let said = sandbox.ok(["list"]).text();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].starts_with("NAME  FILES  "), "{said}");
    assert!(lines[1].starts_with("a         8  "), "{said}");
    assert!(lines[2].starts_with("b         0    0 B"), "{said}");
    assert!(lines[1].ends_with("/project"), "{said}");
}

#[test]
fn a_damaged_workspace_is_named_and_the_others_are_listed() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    fixture.everything("bad");
    fixture.everything("good");
    std::fs::write(sandbox.path("store/workspaces/bad/workspace.toml"), "nonsense")
        .expect("written");
    let said = sandbox.run(["list", "--json"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.json()[0]["name"], "good");
    assert!(said.err.contains("bad/workspace.toml"), "{}", said.err);
}
