//! What stands in the way of an apply, and what a killed one has left.

use std::fs;
use std::process::{Command, Stdio};

use vrift_tests::sandbox::{Sandbox, said, vrift};

use super::picture::picture;
use super::{inside, on_disk, outside, scene, status};

/// The name that an apply of the workspace `w` uses.
fn name_of_ours(sandbox: &Sandbox, end: &str) -> String {
    let text = fs::read_to_string(sandbox.path("store/workspaces/w/workspace.toml")).expect("text");
    let id = text.lines().find_map(|line| line.strip_prefix("id = \"")).expect("an id");
    format!(".vrift-apply-{}-7{end}", id.trim_end_matches('"'))
}

#[test]
fn where_there_is_no_room_nothing_of_the_directory_is_touched_and_the_next_one_does_it() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > a; head -c 400000 /dev/zero > large; rm b; echo ours > sub/x");
    let before = picture(&sandbox.path("project"));
    let mut command = Command::new("sh");
    // What a file may have: less than the large one.
    command.args(["-c", "ulimit -f 500; exec \"$V\" apply w"]).current_dir(sandbox.path("."));
    command.env("V", vrift()).env("VRIFT_HOME", sandbox.path("store")).stdin(Stdio::null());
    command.env("XDG_RUNTIME_DIR", sandbox.path("home"));
    let said = said(&mut command);
    assert_eq!(said.code, Some(1), "{} {}", said.text(), said.err);
    assert!(said.err.contains("large") && said.err.contains("make room"), "{}", said.err);
    assert_eq!(picture(&sandbox.path("project")), before);
    sandbox.ok(["apply", "w"]);
    assert!(status(&sandbox).is_empty());
    assert_eq!(on_disk(&sandbox, "sub/x"), "ours\n");
}

#[test]
fn what_a_killed_apply_has_left_is_no_part_of_the_tree_and_goes_with_the_next() {
    let sandbox = scene();
    let (part, whole) = (name_of_ours(&sandbox, ".part"), name_of_ours(&sandbox, ".swap"));
    outside(&sandbox, &format!("echo half > sub/{part}; cp -p a {whole}; mkdir {whole}.d"));
    fs::rename(
        sandbox.path("project").join(format!("{whole}.d")),
        sandbox.path("project/sub").join(&whole),
    )
    .expect("renamed");
    outside(&sandbox, &format!("cp b sub/{whole}/in"));
    assert!(status(&sandbox).is_empty());
    sandbox.ok(["ingest", "project", "--name", "w"]);
    assert_eq!(sandbox.ok(["ls", "-a", "w:"]).text().matches("vrift-apply").count(), 0);
    inside(&sandbox, "echo ours > a");
    sandbox.ok(["apply", "w"]);
    let names: Vec<String> = picture(&sandbox.path("project")).into_keys().collect();
    assert!(!names.iter().any(|name| name.contains("vrift-apply")), "{names:?}");
}

#[test]
fn what_a_killed_apply_has_left_stays_if_it_is_nowhere_else() {
    let sandbox = scene();
    let whole = name_of_ours(&sandbox, ".swap");
    outside(&sandbox, &format!("echo written in the last moment > sub/{whole}"));
    let said = sandbox.run(["apply", "w"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("holds what is nowhere else"), "{}", said.err);
    assert_eq!(on_disk(&sandbox, &format!("sub/{whole}")), "written in the last moment\n");
}

#[test]
fn the_history_still_says_where_the_first_state_came_from() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > a");
    sandbox.ok(["apply", "w"]);
    let project = sandbox.path("project").display().to_string();
    assert!(sandbox.ok(["log", "w"]).text().contains(&project));
    assert!(sandbox.ok(["blame", "w:b"]).text().contains(&project));
}
