//! `vrift blame`.

use vrift_manifest::workspace::{Author, Workspace};
use vrift_tests::fixture::{Fixture, chmod, create, rename, write};
use vrift_tests::sandbox::{Said, Sandbox};

/// Lines without times, and with single spaces.
fn lines(said: &Said) -> Vec<String> {
    let is_time =
        |word: &str| word.len() >= 8 && word.as_bytes().iter().all(|b| b"0123456789-:".contains(b));
    let words = |line: &str| {
        line.split_whitespace().filter(|word| !is_time(word)).collect::<Vec<_>>().join(" ")
    };
    said.text().lines().map(words).collect()
}

/// Goes on as another process, started by the one with the record `parent`.
fn become_process(workspace: &mut Workspace, parent: u64, pid: u32, line: &[&str]) {
    let arguments = line.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    workspace.set_author(Author {
        parent,
        pid,
        program: format!("/usr/bin/{}", line[0]).into_bytes(),
        arguments,
        directory: b"/work/project".to_vec(),
    });
}

/// make (record 1) makes the directory `out`, cc (3) writes `out/a.o`, mv (6) renames it.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    become_process(&mut workspace, 0, 70, &["make", "all", "CFLAGS=-O2 -g"]);
    assert_eq!(create(&mut workspace, "out", 0o040755, ""), 2);
    become_process(&mut workspace, 1, 71, &["cc", "-c", "a.c"]);
    assert_eq!(write(&mut workspace, "out/a.o", "object"), 5);
    become_process(&mut workspace, 1, 72, &["mv", "out/a.o", "out/b.o"]);
    assert_eq!(rename(&mut workspace, "out/a.o", "out/b.o"), 7);
    chmod(&mut workspace, "out/b.o", 0o600);
    sandbox
}

#[test]
fn a_file_names_the_command_that_wrote_it_its_parents_and_who_renamed_it() {
    let digest = vrift_cas::Digest::of(b"object").to_string();
    let expected = [
        &format!("5 cc[71] write out/a.o (6 B, {})", &digest[..12]),
        "program /usr/bin/cc",
        "arguments cc -c a.c",
        "directory /work/project",
        "parent make[70] make all 'CFLAGS=-O2 -g'",
        "since 7 mv[72] rename out/a.o -> out/b.o",
    ];
    assert_eq!(lines(&sandbox().ok(["blame", "w:out/b.o"])), expected);
}

#[test]
fn a_directory_names_who_made_it_and_an_earlier_state_what_was_so_then() {
    let sandbox = sandbox();
    assert_eq!(lines(&sandbox.ok(["blame", "w:out"]))[0], "2 make[70] mkdir out");
    let empty = sandbox.ok(["blame", "w@4:out/a.o"]);
    assert_eq!(lines(&empty)[0], "4 cc[71] create out/a.o");
    assert!(!empty.text().contains("since"), "{}", empty.text());
}

#[test]
fn a_file_that_nobody_wrote_came_with_the_ingest() {
    let sandbox = sandbox();
    let mount = sandbox.path("project");
    let said = lines(&sandbox.ok(["blame", "w:src/main.c"]));
    assert_eq!(said, [format!("0 - ingest {} (8 files, 114 B)", mount.display())]);
}

#[test]
fn a_later_ingest_is_named_for_what_it_changed_only() {
    let sandbox = Sandbox::new();
    sandbox.write("src/same", "same");
    sandbox.write("src/changed", "one");
    sandbox.ok(["ingest", "src"]);
    sandbox.write("src/changed", "two!");
    sandbox.write("src/new", "new");
    sandbox.ok(["ingest", "src"]);
    for name in ["changed", "new"] {
        let said = lines(&sandbox.ok(["blame", &format!("src:{name}")]));
        assert!(said[0].contains("] ingest (3 files, "), "{said:?}");
        assert!(said[2].ends_with(" ingest src"), "{said:?}");
    }
    let said = lines(&sandbox.ok(["blame", "src:same"]));
    assert!(said[0].starts_with("0 - ingest "), "{said:?}");
    assert_eq!(said.len(), 1);
}

#[test]
fn a_compaction_a_fork_and_a_reset_lose_nobody() {
    let sandbox = sandbox();
    sandbox.ok(["compact", "w"]);
    sandbox.ok(["fork", "w", "f"]);
    for place in ["w:out/b.o", "f:out/b.o"] {
        let said = lines(&sandbox.ok(["blame", place]));
        assert!(said[0].starts_with("5 cc[71] write "), "{said:?}");
        assert_eq!(said.len(), 6, "{said:?}");
    }
    sandbox.ok(["reset", "w", "w@5"]);
    let said = lines(&sandbox.ok(["blame", "w:out/a.o"]));
    assert!(said[0].starts_with("5 cc[71] write "), "the reset changed nothing of it: {said:?}");
    sandbox.ok(["reset", "w", "w@4"]);
    let said = lines(&sandbox.ok(["blame", "w:out/a.o"]));
    assert!(said[0].contains("] reset "), "{said:?}");
}

#[test]
fn json_has_the_same_in_members() {
    let said = sandbox().ok(["blame", "--json", "w:out/b.o", "w:run"]).json();
    assert_eq!(said[0]["path"], "out/b.o");
    assert_eq!(
        (&said[0]["made"]["seq"], &said[0]["made"]["operation"]),
        (&5.into(), &"write".into())
    );
    assert_eq!(said[0]["process"]["arguments"], serde_json::json!(["cc", "-c", "a.c"]));
    assert_eq!(said[0]["parents"][0]["pid"], 70);
    assert_eq!(
        (&said[0]["since"][0]["by"], &said[0]["since"][0]["to"]),
        (&"mv[72]".into(), &"out/b.o".into())
    );
    assert_eq!(said[1]["made"]["operation"], "ingest");
    assert!(said[1]["process"].is_null());
}

#[test]
fn what_is_not_there_is_said_and_the_rest_is_shown() {
    let said = sandbox().run(["blame", "w:out/a.o", "w:out"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("w:out/a.o: no such file or directory"), "{}", said.err);
    assert_eq!(lines(&said)[0], "2 make[70] mkdir out");
}
