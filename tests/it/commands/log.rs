//! `vrift log`.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use vrift_tests::fixture::{Fixture, chmod, create, open_segment, rename, unlink, write};
use vrift_tests::sandbox::{Said, Sandbox};

/// Lines without time, and with single spaces.
fn lines(said: &Said) -> Vec<String> {
    said.text()
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let kept = words.iter().enumerate().filter(|(place, _)| *place != 1 && *place != 2);
            kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// A workspace with some history: 1 process, 2 mkdir, 3 create, 4 write, 5 rename, 6 rename of the directory, 7 chmod,
/// 8 unlink, 9 synced.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    create(&mut workspace, "out", 0o040755, "");
    write(&mut workspace, "out/a.o", "object");
    rename(&mut workspace, "out/a.o", "out/b.o");
    rename(&mut workspace, "out", "build");
    chmod(&mut workspace, "build/b.o", 0o600);
    unlink(&mut workspace, "run");
    workspace.snapshot("built").expect("a snapshot");
    sandbox
}

#[test]
fn the_newest_state_comes_first_and_the_ingest_last() {
    let sandbox = sandbox();
    let mount = sandbox.path("project");
    let expected = [
        "8 cc[4711] unlink run (snapshot built)".to_owned(),
        "7 cc[4711] chmod 0600 build/b.o".to_owned(),
        "6 cc[4711] rename out -> build".to_owned(),
        "5 cc[4711] rename out/a.o -> out/b.o".to_owned(),
        "4 cc[4711] write out/a.o (6 B, ".to_owned()
            + &vrift_cas::Digest::of(b"object").to_string()[..12]
            + ")",
        "3 cc[4711] create out/a.o".to_owned(),
        "2 cc[4711] mkdir out".to_owned(),
        format!("0 - ingest {} (8 files, 114 B)", mount.display()),
    ];
    assert_eq!(lines(&sandbox.ok(["log", "w"])), expected);
    let mut reversed = expected.to_vec();
    reversed.reverse();
    assert_eq!(lines(&sandbox.ok(["log", "--reverse", "w"])), reversed);
    assert_eq!(lines(&sandbox.ok(["log", "-n2", "w"])), expected[..2]);
    assert_eq!(lines(&sandbox.ok(["log", "-n2", "--reverse", "w"])), reversed[6..]);
    assert_eq!(lines(&sandbox.ok(["log", "w@4"])), expected[4..]);
    assert_eq!(sandbox.ok(["log", "-n0", "w"]).text(), "");
}

#[test]
fn records_that_change_no_tree_are_shown_when_asked_for() {
    let said = sandbox().ok(["log", "--all", "w"]);
    let lines = lines(&said);
    assert_eq!(lines[0], "9 - sync through 8");
    assert_eq!(lines[8], "1 - process /usr/bin/cc -c main.c");
}

#[test]
fn a_path_shows_what_touched_it_also_under_earlier_names() {
    let sandbox = sandbox();
    let numbers = |place: &str| -> Vec<String> {
        let said = sandbox.ok(["log", place]);
        lines(&said).iter().map(|line| line.split(' ').next().expect("a number").into()).collect()
    };
    assert_eq!(numbers("w:build/b.o"), ["7", "5", "4", "3"]);
    assert_eq!(numbers("w:build"), ["7", "6", "5", "4", "3", "2"]);
    assert_eq!(numbers("w:run"), ["8", "0"], "what is gone has a past");
    assert_eq!(numbers("w:src"), ["0"]);
    assert_eq!(numbers("w:out"), ["6", "5", "4", "3", "2"], "no node has that path any more");
    let never = sandbox.run(["log", "w:never"]);
    assert_eq!(never.code, Some(1));
    assert!(never.err.contains("w:never: no such file or directory"), "{}", never.err);
}

#[test]
fn history_goes_back_beyond_a_compaction() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "src/new.c", "one");
    rename(&mut workspace, "src/new.c", "src/newer.c");
    workspace.compact().expect("compacted");
    write(&mut workspace, "src/newer.c", "two");
    let said = lines(&sandbox.ok(["log", "w:src/newer.c"]));
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].contains(" write src/newer.c"), "{said:?}");
    assert!(said[1].ends_with(" rename src/new.c -> src/newer.c"), "{said:?}");
    assert!(said[3].ends_with(" create src/new.c"), "{said:?}");
    let all = lines(&sandbox.ok(["log", "w"]));
    assert!(all[1].contains(" compact (9 files, "), "{all:?}");
    assert_eq!(lines(&sandbox.ok(["log", "-n4", "w"])), all[..4]);
    assert_eq!(lines(&sandbox.ok(["log", "-n4", "--reverse", "w"])).last(), all.first());
}

#[test]
fn a_fork_has_the_history_of_what_it_was_forked_from() {
    let sandbox = sandbox();
    let before = lines(&sandbox.ok(["log", "w@5"]));
    sandbox.ok(["fork", "w@5", "f"]);
    sandbox.ok(["drop", "w"]);
    assert_eq!(lines(&sandbox.ok(["log", "f"])), before);
}

#[test]
fn processes_are_told_with_what_they_did() {
    let sandbox = sandbox();
    let said = sandbox.ok(["log", "--process", "w"]).text();
    let head = "process 1  cc[4711]\n  program    /usr/bin/cc\n  arguments  cc -c main.c\n  directory  /work\n";
    assert!(said.starts_with(head), "{said}");
    assert!(said.contains("without a process\n  0  "), "{said}");
    let json = sandbox.ok(["log", "--process", "--json", "-n1", "w"]).json();
    assert_eq!(json.as_array().map(Vec::len), Some(1));
    assert_eq!(json[0]["arguments"], serde_json::json!(["cc", "-c", "main.c"]));
    assert_eq!(json[0]["records"].as_array().map(Vec::len), Some(7));
    assert_eq!(json[0]["records"][0]["operation"], "unlink");
}

#[test]
fn json_has_the_same_in_members() {
    let said = sandbox().ok(["log", "--json", "w"]).json();
    assert_eq!(said.as_array().map(Vec::len), Some(8));
    assert_eq!(said[0]["seq"], 8);
    assert_eq!(said[0]["snapshots"], serde_json::json!(["built"]));
    assert_eq!(said[0]["by"], "cc[4711]");
    assert_eq!(said[3]["operation"], "rename");
    assert_eq!((&said[3]["path"], &said[3]["to"]), (&"out/a.o".into(), &"out/b.o".into()));
    assert_eq!(said[4]["digest"], vrift_cas::Digest::of(b"object").to_string());
    assert_eq!(said[7]["operation"], "ingest");
}

#[test]
fn names_that_are_not_text_are_kept() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    let odd = vrift_manifest::tree::Change::Unlink { parent: 1, name: b"caf\xe9" };
    workspace.change(&odd).expect("removed");
    assert!(lines(&sandbox.ok(["log", "w"]))[0].ends_with("unlink caf\\351"));
    assert_eq!(sandbox.ok(["log", "--json", "w"]).json()[0]["path_hex"], "636166e9");
}

#[test]
fn what_can_be_read_before_a_damaged_record_is_shown() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "one", "1");
    write(&mut workspace, "two", "2");
    write(&mut workspace, "three", "3");
    let segment = open_segment(&workspace);
    drop(workspace);
    let mut bytes = std::fs::read(&segment).expect("a segment");
    let place = bytes.windows(3).position(|bytes| bytes == b"two").expect("the record");
    bytes[place] = b'X';
    std::fs::write(&segment, bytes).expect("written");
    for entry in std::fs::read_dir(sandbox.path("home")).expect("a directory") {
        std::fs::remove_dir_all(entry.expect("an entry").path()).expect("removed");
    }
    let said = sandbox.run(["log", "w"]);
    assert_eq!(said.code, Some(1));
    assert!(lines(&said)[0].contains(" write one "), "{}", said.text());
    assert!(said.err.contains("is damaged at offset"), "{}", said.err);
    assert!(said.err.contains("vrift fsck --repair"), "{}", said.err);
    // The last state before it can be used, and nothing can be changed.
    let shown = sandbox.ok(["cat", "w:one"]);
    assert_eq!(shown.text(), "1");
    assert!(shown.err.contains("warning: ") && shown.err.contains("cannot be changed"));
    assert_eq!(sandbox.run(["cat", "w:two"]).code, Some(1));
    assert_eq!(sandbox.run(["snapshot", "w", "s"]).code, Some(1));
    assert!(sandbox.ok(["list"]).text().contains("damaged: read-only"));
}

#[test]
fn a_reader_that_goes_away_and_an_output_that_is_closed_are_no_errors() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    for number in 0..3000 {
        chmod(&mut workspace, "src", 0o700 + number % 2);
    }
    drop(workspace);
    let mut child = sandbox
        .command(".", ["log", "w"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut first = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().expect("a pipe"));
    out.read_line(&mut first).expect("a line");
    drop(out);
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("read");
    assert_eq!(child.wait().expect("ended").code(), Some(0));
    assert_eq!(said, "");
    assert!(first.contains("chmod"), "{first}");
}
