//! Taking in what changed in the directory.

use std::fs;

use super::{does_nothing, holds, inside, on_disk, outside, scene, settle, small, status};

#[test]
fn what_was_edited_in_the_directory_is_in_the_workspace_and_its_own_changes_stay() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > b; echo new > ours; rm sub/y");
    outside(&sandbox, "echo theirs > a; echo new > theirs; rm c; mkdir more; echo in > more/it");
    assert_eq!(
        status(&sandbox),
        [
            "directory changed a (content)",
            "workspace changed b (content)",
            "directory removed c",
            "directory added more/ (2 entries)",
            "workspace added ours",
            "workspace removed sub/y",
            "directory added theirs",
        ]
    );
    let json = sandbox.ok(["sync", "w", "--json"]).json();
    assert_eq!((json["changed"].as_bool(), json["entries"].as_u64()), (Some(true), Some(5)));
    for (path, text) in [("a", "theirs\n"), ("b", "ours\n"), ("more/it", "in\n"), ("ours", "new\n")]
    {
        assert_eq!(holds(&sandbox, path), text, "{path}");
    }
    for path in ["w:c", "w:sub/y"] {
        assert_eq!(sandbox.run(["stat", path]).code, Some(1), "{path}");
    }
    let left = ["workspace changed b (content)", "workspace added ours", "workspace removed sub/y"];
    assert_eq!(status(&sandbox), left);
    does_nothing(&sandbox, "sync");
    assert_eq!(on_disk(&sandbox, "b"), "b as it was\n");
}

#[test]
fn a_sync_is_one_step_and_the_state_before_is_still_there() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > b");
    outside(&sandbox, "echo theirs > a");
    let head = || sandbox.ok(["log", "w", "--json"]).json();
    let seq = |log: &serde_json::Value| log[0]["seq"].as_u64().expect("a number");
    let before = head();
    let after = sandbox.ok(["sync", "w", "--json"]).json();
    let step = after["seq"].as_u64().expect("a number");
    assert_eq!(seq(&head()), step);
    let was = format!("w@{}:a", seq(&before));
    assert_eq!(sandbox.ok(["cat", &was]).text(), "a as it was\n");
    assert_eq!(sandbox.ok(["cat", &format!("w@{step}:a")]).text(), "theirs\n");
}

#[test]
fn nodes_keep_their_numbers_and_links_stay_links() {
    let sandbox = scene();
    outside(&sandbox, "ln a twin; echo changed > sub/x");
    let number =
        |path: &str| sandbox.ok(["stat", &format!("w:{path}"), "--json"]).json()[0]["node"].clone();
    let before = (number("a"), number("sub/x"));
    sandbox.ok(["sync", "w"]);
    assert_eq!((number("a"), number("sub/x")), before);
    assert_eq!(number("twin"), before.0);
    assert!(before.0.is_u64());
}

#[test]
fn only_what_changed_is_read() {
    let sandbox = scene();
    outside(&sandbox, "echo theirs > a");
    settle();
    sandbox.ok(["sync", "w"]);
    // What is not read is not missed: its owner may not read it.
    outside(&sandbox, "echo again > c");
    settle();
    sandbox.ok(["sync", "w"]);
    let json = sandbox.ok(["ingest", "project", "--name", "w", "--json"]).json();
    assert_eq!((json["changed"].as_bool(), json["new_contents"].as_u64()), (Some(false), Some(0)));
}

#[test]
fn an_ingest_after_a_sync_is_refused_only_if_the_workspace_has_changes_of_its_own() {
    let sandbox = scene();
    outside(&sandbox, "echo theirs > a");
    sandbox.ok(["sync", "w"]);
    outside(&sandbox, "echo theirs once more > a");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    inside(&sandbox, "echo ours > b");
    outside(&sandbox, "echo and again > a");
    sandbox.ok(["sync", "w"]);
    let said = sandbox.run(["ingest", "project", "--name", "w"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("has changes of its own"), "{}", said.err);
    sandbox.ok(["ingest", "project", "--name", "w", "--force"]);
    assert_eq!(holds(&sandbox, "b"), "b as it was\n");
    assert!(status(&sandbox).is_empty());
}

#[test]
fn what_is_common_outlives_compaction_a_forgotten_past_and_gc() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > b; rm sub/x");
    sandbox.ok(["compact", "w", "--forget"]);
    sandbox.ok(["gc", "--grace", "0s"]);
    sandbox.ok(["fsck"]);
    let expected = ["workspace changed b (content)", "workspace removed sub/x"];
    assert_eq!(status(&sandbox), expected);
    sandbox.ok(["fork", "w", "second"]);
    let text = sandbox.ok(["status", "second"]).text();
    assert_eq!(text.lines().count(), 2, "{text}");
    sandbox.ok(["apply", "w"]);
    sandbox.ok(["compact", "w", "--forget"]);
    sandbox.ok(["gc", "--grace", "0s"]);
    assert!(status(&sandbox).is_empty());
    // The fork sees what the directory has by now: the same as itself.
    assert!(sandbox.ok(["status", "second"]).text().is_empty());
    does_nothing(&sandbox, "apply");
}

#[test]
fn a_reset_is_a_change_of_the_workspace() {
    let sandbox = scene();
    inside(&sandbox, "echo ours > b");
    sandbox.ok(["apply", "w"]);
    assert_eq!(on_disk(&sandbox, "b"), "ours\n");
    sandbox.ok(["reset", "w", "w@0"]);
    assert_eq!(status(&sandbox), ["workspace changed b (content)"]);
    sandbox.ok(["apply", "w"]);
    assert_eq!(on_disk(&sandbox, "b"), "b as it was\n");
}

#[test]
fn a_touched_file_is_a_change_that_gives_way_to_any_other() {
    let sandbox = scene();
    inside(&sandbox, "touch -d @1000000000 a; echo ours > b; touch -d @1000000001 c");
    outside(&sandbox, "touch -d @1100000000 b; touch -d @1100000001 c; echo theirs > a");
    assert_eq!(
        status(&sandbox),
        ["directory changed a (content)", "workspace changed b (content)", "both changed c (time)"]
    );
    sandbox.ok(["sync", "w"]);
    assert_eq!(holds(&sandbox, "a"), "theirs\n");
    let time = sandbox.ok(["stat", "w:c", "--json"]).json()[0]["mtime"].to_string();
    assert!(time.contains("2004-11-09"), "{time}");
    sandbox.ok(["apply", "w"]);
    assert!(status(&sandbox).is_empty());
}

#[test]
fn a_workspace_of_no_directory_and_a_directory_that_is_gone_are_told() {
    let sandbox = small();
    fs::remove_dir_all(sandbox.path("project")).expect("removed");
    for command in ["status", "sync", "apply"] {
        let said = sandbox.run([command, "w"]);
        assert_eq!(said.code, Some(1), "{command}");
        assert!(said.err.contains("project"), "{}", said.err);
        assert!(said.err.contains("`vrift export w DIR`"), "{}", said.err);
    }
}
