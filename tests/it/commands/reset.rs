//! `vrift reset` and `vrift compact`: steps of a history that concern the tree as a whole.

use vrift_tests::fixture::{Fixture, Planted, create, number, rename, write};
use vrift_tests::sandbox::Sandbox;

#[test]
fn an_earlier_state_comes_back_and_the_one_before_stays() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    let node = number(&workspace, "src/main.c");
    write(&mut workspace, "README.md", "two\n");
    workspace.snapshot("two").expect("a snapshot");
    write(&mut workspace, "README.md", "three\n");
    rename(&mut workspace, "src/main.c", "main.c");
    let before = workspace.head();
    let said = sandbox.ok(["reset", "w", "w@two"]).text();
    assert!(said.ends_with(&format!("; before, it was w@{before}\n")), "{said}");
    assert_eq!(sandbox.ok(["diff", "w@two", "w"]).text(), "");
    assert_eq!(sandbox.ok(["cat", &format!("w@{before}:README.md")]).text(), "three\n");
    assert_eq!(number(&Fixture::of(&sandbox).open("w"), "src/main.c"), node);
    let log = sandbox.ok(["log", "w"]).text();
    assert!(log.lines().next().expect("a line").contains("reset (8 files, "), "{log}");
    assert!(log.contains("vrift["), "the command is named: {log}");
    // Again there is nothing to do.
    let head = sandbox.ok(["list", "--json"]).json()[0]["seq"].clone();
    assert!(
        sandbox.ok(["reset", "w", &format!("w@{head}")]).text().contains("has not changed since")
    );
    assert_eq!(sandbox.ok(["list", "--json"]).json()[0]["seq"], head);
}

#[test]
fn a_fork_can_be_taken_over_with_its_nodes_and_another_workspace_with_new_ones() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    let mut one = fixture.everything("w");
    sandbox.ok(["fork", "w", "f"]);
    let mut fork = fixture.open("f");
    create(&mut one, "mine", 0o100644, "");
    create(&mut fork, "theirs", 0o100644, "");
    write(&mut fork, "run", "forked\n");
    let (mine, run) = (number(&one, "mine"), number(&one, "run"));
    assert_eq!(number(&fork, "theirs"), mine);
    drop((one, fork));
    sandbox.ok(["reset", "w", "f"]);
    assert_eq!(sandbox.ok(["diff", "w", "f"]).text(), "");
    let one = fixture.open("w");
    assert_eq!(number(&one, "run"), run, "a common node stays the same");
    assert!(number(&one, "theirs") > mine, "a number is never given twice");

    let mut tree = Planted::empty(&fixture);
    tree.file("other", b"other\n");
    fixture.workspace("o", tree);
    sandbox.ok(["reset", "w", "o"]);
    assert_eq!(sandbox.ok(["ls", "w"]).text(), "other\n");
    assert!(number(&fixture.open("w"), "other") > mine);
}

#[test]
fn a_part_of_a_tree_is_refused() {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    assert_eq!(sandbox.run(["reset", "w", "w:src"]).code, Some(2));
    assert_eq!(sandbox.run(["reset", "w", "w@77"]).code, Some(1));
    assert_eq!(sandbox.run(["reset", "nobody", "w"]).code, Some(1));
}

#[test]
fn folding_keeps_tree_and_history_and_forgetting_keeps_what_snapshots_name() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "README.md", "two\n");
    let early = workspace.head();
    drop(workspace);
    let said = sandbox.ok(["compact", "w"]).text();
    assert_eq!(said, "w: 2 records folded; its history begins with w@0\n");
    assert_eq!(sandbox.ok(["cat", &format!("w@{early}:README.md")]).text(), "two\n");
    assert_eq!(sandbox.ok(["cat", "w@0:README.md"]).text(), "hello\nworld\n");
    sandbox.ok(["snapshot", "w", "kept"]);
    write(&mut Fixture::of(&sandbox).open("w"), "README.md", "three\n");
    let forgot = sandbox.ok(["compact", "--forget", "--json", "w"]).json();
    assert!(forgot["oldest_seq"].as_u64() > Some(early), "{forgot}");
    let gone = sandbox.run(["cat", "w@0:README.md"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.contains("has no state 0: its history goes from"), "{}", gone.err);
    assert_eq!(sandbox.ok(["cat", "w@kept:README.md"]).text(), "two\n");
    assert_eq!(sandbox.ok(["cat", "w:README.md"]).text(), "three\n");
    assert!(sandbox.ok(["log", "w"]).text().lines().last().expect("a line").contains("  start ("));
}
