//! `vrift fsck`: what is damaged is named with its paths, and healed where that can be done.

use std::fs;

use vrift_manifest::journal::Operation;
use vrift_manifest::journal::replay::Records;
use vrift_tests::damage::{blob_of, change, files};
use vrift_tests::fixture::{Fixture, open_segment};
use vrift_tests::installed::{self, is_real};
use vrift_tests::sandbox::{Said, Sandbox};

/// A workspace with two states and a fork of the first.
fn store() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("src/a/one.c", "the first content\n");
    sandbox.write("src/two.c", "the second content\n");
    sandbox.write("src/a/copy.c", "the first content\n");
    sandbox.ok(["ingest", "src"]);
    sandbox.ok(["fork", "src", "other"]);
    sandbox.write("src/two.c", "the third content\n");
    sandbox.ok(["ingest", "src"]);
    sandbox
}

fn has(said: &Said, parts: &[&str]) {
    for part in parts {
        assert!(said.text().contains(part), "no '{part}' in\n{}{}", said.text(), said.err);
    }
}

#[test]
fn a_sound_store_is_said_to_be_sound() {
    let sandbox = store();
    has(&sandbox.ok(["fsck"]), &["everything is sound", "2 workspaces"]);
    assert_eq!(sandbox.ok(["fsck", "other", "--json"]).json()["sound"].as_bool(), Some(true));
    assert_eq!(sandbox.run(["fsck", "nobody"]).code, Some(1));
}

#[test]
fn a_damaged_content_is_traced_to_its_paths_and_healed_from_the_directory() {
    let sandbox = store();
    let blob = blob_of(&sandbox, b"the first content\n");
    change(&blob, |bytes| bytes[3] ^= 1);
    let said = sandbox.run(["export", "src", "out"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("a/one.c: not written: what the store has"), "{}", said.err);
    assert!(!sandbox.path("out/a/one.c").exists());
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(1));
    has(&said, &["another digest", "src:a/one.c", "src:a/copy.c", "other:a/one.c", "--repair"]);
    has(&sandbox.ok(["fsck", "--repair"]), &["healed: moved aside", "put anew from", "1 healed"]);
    sandbox.ok(["fsck"]);
    assert_eq!(sandbox.ok(["cat", "src:a/one.c"]).text(), "the first content\n");
    assert_eq!(files(&sandbox, "damaged").len(), 1);
}

#[test]
fn a_missing_content_of_an_earlier_state_is_named_with_that_state() {
    let sandbox = store();
    fs::remove_file(blob_of(&sandbox, b"the second content\n")).unwrap();
    let said = sandbox.run(["fsck", "src"]);
    assert_eq!(said.code, Some(1));
    has(&said, &["it is missing", "src@0:two.c"]);
    let said = sandbox.run(["fsck", "--repair"]);
    assert_eq!(said.code, Some(1));
    has(&said, &["not healed: lost"]);
    let said = sandbox.run(["export", "src@0", sandbox.path("out").to_str().unwrap()]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("two.c: not written") && said.err.contains("fsck"), "{}", said.err);
    // The content comes again: all is well.
    sandbox.write("src/two.c", "the second content\n");
    sandbox.ok(["ingest", "src"]);
    sandbox.ok(["fsck"]);
}

#[test]
fn a_content_of_the_wrong_length_is_not_given_out() {
    let sandbox = store();
    change(&blob_of(&sandbox, b"the third content\n"), |bytes| bytes.truncate(4));
    let said = sandbox.run(["fsck"]);
    has(&said, &["it has 4 bytes instead of 18", "src:two.c"]);
    let out = sandbox.path("out");
    let said = sandbox.run(["export", "src", out.to_str().unwrap()]);
    assert_eq!(said.code, Some(1));
    assert!(!out.join("two.c").exists());
}

#[test]
fn an_image_with_any_bit_flipped_or_cut_short_is_found_and_nothing_panics() {
    let sandbox = store();
    for image in files(&sandbox, "images") {
        let whole = fs::read(&image).unwrap();
        for at in (0..whole.len()).step_by(61) {
            change(&image, |bytes| bytes[at] ^= 1 << (at % 8));
            check_damaged(&sandbox, at % 427 == 0);
            change(&image, |bytes| bytes.clone_from(&whole));
        }
        for length in [0, 7, 255, 256, whole.len() - 1] {
            change(&image, |bytes| bytes.truncate(length));
            check_damaged(&sandbox, true);
            change(&image, |bytes| bytes.clone_from(&whole));
        }
    }
    sandbox.ok(["fsck"]);
}

/// fsck finds something; other commands fail or not, but end orderly.
#[track_caller]
fn check_damaged(sandbox: &Sandbox, others: bool) {
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(1), "{}{}", said.text(), said.err);
    assert!(said.text().contains("image '"), "{}{}", said.text(), said.err);
    if others {
        let _ = fs::remove_dir_all(sandbox.path("out"));
        for arguments in [
            &["list"][..],
            &["ls", "-lR", "src:"],
            &["cat", "other:two.c"],
            &["export", "src@0", "out"],
        ] {
            let said = sandbox.run(arguments);
            assert!(matches!(said.code, Some(0 | 1)), "{arguments:?}: {said:?}");
        }
        let said = sandbox.run(["gc", "--grace", "0"]);
        assert_eq!(said.code, Some(1), "{said:?}");
    }
}

#[test]
fn a_journal_with_any_byte_changed_ends_orderly_and_can_be_repaired() {
    let sandbox = store();
    sandbox.ok(["snapshot", "src", "named"]);
    let journals = files(&sandbox, "journals");
    let saved: Vec<_> = journals.iter().map(|path| fs::read(path).unwrap()).collect();
    for (path, whole) in journals.iter().zip(&saved) {
        let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
        for at in (0..used).step_by(13) {
            change(path, |bytes| bytes[at] ^= 0x10);
            for arguments in [&["fsck"][..], &["list"], &["log", "src"], &["fsck", "--repair"]] {
                let said = sandbox.run(arguments);
                assert!(matches!(said.code, Some(0..=2)), "{at} {arguments:?}: {said:?}");
            }
            assert_eq!(sandbox.run(["ls", "src:a"]).code.unwrap() & !1, 0);
            change(path, |bytes| bytes.clone_from(whole));
            break_less(&sandbox, &journals, &saved);
        }
    }
}

/// Puts the journals back as they were, without what a repair made of the workspaces.
fn break_less(sandbox: &Sandbox, journals: &[std::path::PathBuf], saved: &[Vec<u8>]) {
    for (path, whole) in journals.iter().zip(saved) {
        change(path, |bytes| bytes.clone_from(whole));
    }
    for path in files(sandbox, "journals") {
        if !journals.contains(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

#[test]
fn a_control_page_that_is_no_page_is_made_anew() {
    let sandbox = store();
    let control = sandbox.path("store/workspaces/src/control");
    fs::write(&control, "nonsense").unwrap();
    assert_eq!(sandbox.run(["ls", "src"]).code, Some(1));
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(1));
    has(&said, &["control", "cannot be opened"]);
    has(&sandbox.ok(["fsck", "--repair"]), &["made anew"]);
    sandbox.ok(["fsck"]);
    assert_eq!(sandbox.ok(["cat", "src:two.c"]).text(), "the third content\n");
}

#[test]
fn a_description_that_cannot_be_read_is_named_and_stops_gc() {
    let sandbox = store();
    fs::write(sandbox.path("store/workspaces/src/workspace.toml"), "format = 1\nnonsense").unwrap();
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(1));
    has(&said, &["workspace.toml", "src: all of it"]);
    let before = sandbox.store_names();
    let said = sandbox.run(["gc", "--grace", "0"]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("nothing is removed") && said.err.contains("workspace.toml"),
        "{}",
        said.err
    );
    assert_eq!(sandbox.store_names(), before);
}

/// Damages the record of `w` that says what is in the second last file that was written.
fn damage_a_seal(sandbox: &Sandbox) {
    let workspace = Fixture::of(sandbox).open("w");
    let segment = open_segment(&workspace);
    let id = workspace.config().expect("a description").open_segment().id;
    let bytes = fs::read(&segment).expect("a journal");
    let (mut begin, mut seals) = (0, Vec::new());
    for placed in Records::of(&bytes, id).expect("a segment") {
        if matches!(placed.record.operation, Operation::Sealed { .. }) {
            seals.push(begin);
        }
        begin = placed.end;
    }
    let at = seals[seals.len() - 2] + 20;
    change(&segment, |bytes| bytes[at] ^= 4);
}

/// A workspace in which `new-1` to `new-3` were written, and then the record of a sealing was damaged.
fn written_and_damaged() -> Sandbox {
    let sandbox = installed::sandbox();
    let writes = ["sh", "-c", "for i in 1 2 3; do echo $i >new-$i; done"];
    assert_eq!(installed::run(&sandbox, writes).code, Some(0));
    damage_a_seal(&sandbox);
    sandbox
}

/// As after a restart: without the indexes that are in force, which do not need the journal.
fn without_indexes(sandbox: &Sandbox) {
    fs::remove_dir_all(sandbox.path("home")).expect("removed");
    fs::create_dir(sandbox.path("home")).expect("made");
}

#[test]
fn a_file_whose_seal_is_lost_can_be_read_and_written_after_a_repair() {
    if !is_real() {
        return;
    }
    let sandbox = written_and_damaged();
    without_indexes(&sandbox);
    assert_eq!(sandbox.run(["fsck"]).code, Some(1));
    has(&sandbox.ok(["fsck", "--repair"]), &["'w' ends at state"]);
    has(&sandbox.ok(["fsck"]), &["everything is sound"]);
    let script =
        "cat new-1 new-2; ls; echo more >>new-2; cat new-2; rm new-2; echo 4 >new-2; cat new-2";
    let said = installed::run(&sandbox, ["sh", "-ec", script]);
    let shown = "1\nfile\nnew-1\nnew-2\nsub\nmore\n4\n";
    assert_eq!((said.code, said.text().as_str()), (Some(0), shown), "{}", said.err);
}

#[test]
fn a_draft_that_is_gone_is_named_and_its_file_gets_what_was_sealed_last() {
    if !is_real() {
        return;
    }
    let sandbox = installed::sandbox();
    // Nobody is left who could seal it.
    installed::run(&sandbox, ["sh", "-c", "exec 3>>file; echo more >&3; kill -9 $PPID $$"]);
    has(&sandbox.ok(["fsck"]), &["everything is sound"]);
    let drafts = files(&sandbox, "workspaces/w/drafts");
    assert_eq!(drafts.len(), 1, "{drafts:?}");
    fs::remove_file(&drafts[0]).expect("removed");
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(1));
    has(&said, &["drafts '", "what was written since they were sealed last is gone", "w:file"]);
    has(&sandbox.ok(["fsck", "--repair"]), &["these files have what was sealed last"]);
    has(&sandbox.ok(["fsck"]), &["everything is sound"]);
    assert_eq!(installed::run(&sandbox, ["cat", "file"]).text(), "content\n");
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
}

#[test]
fn what_is_torn_in_a_copy_of_a_store_is_put_aside_by_fsck_as_by_any_command() {
    if !is_real() {
        return;
    }
    let sandbox = written_and_damaged();
    let copy = std::process::Command::new("cp")
        .args(["-a", "store", "copy"])
        .current_dir(sandbox.path("."))
        .status();
    assert!(copy.expect("cp").success());
    fs::rename(sandbox.path("store"), sandbox.path("first")).expect("renamed");
    fs::rename(sandbox.path("copy"), sandbox.path("store")).expect("renamed");
    without_indexes(&sandbox);
    has(&sandbox.ok(["fsck"]), &["the torn end of the journal of 'w' was kept in", "sound"]);
    assert!(!sandbox.ok(["fsck", "--repair"]).text().contains("torn end"));
    assert_eq!(sandbox.ok(["cat", "w:new-1"]).text(), "1\n");
}

#[test]
fn nothing_that_stays_is_made_of_a_tree_whose_image_is_damaged() {
    let sandbox = Sandbox::new();
    sandbox.write("project/name-to-be-hurt", "content");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    let image = files(&sandbox, "images").remove(0);
    sandbox.write("elsewhere/sound", "sound");
    sandbox.ok(["ingest", "elsewhere"]);
    change(&image, |bytes| {
        let at = bytes.windows(15).position(|part| part == b"name-to-be-hurt").expect("a name");
        bytes[at] ^= 1;
    });
    // Whoever only looks is shown it: that is what `--verify` is for.
    assert_eq!(sandbox.ok(["ls", "w"]).text(), "oame-to-be-hurt\n");
    sandbox.write("project/new", "new");
    let making: [&[&str]; 5] = [
        &["compact", "w"],
        &["sync", "w"],
        &["apply", "w"],
        &["reset", "elsewhere", "w"],
        &["ingest", "project", "--name", "w"],
    ];
    for words in making {
        let said = sandbox.run(words);
        assert_eq!(said.code, Some(1), "{words:?}: {}", said.text());
        assert!(said.err.contains("its bytes have another digest"), "{words:?}: {}", said.err);
    }
    assert_eq!(files(&sandbox, "images").len(), 2, "none was made");
    assert!(sandbox.path("project/name-to-be-hurt").exists());
    sandbox.ok(["ingest", "project", "--name", "w", "--force"]);
    assert_eq!(sandbox.ok(["ls", "--verify", "w"]).text(), "name-to-be-hurt\nnew\n");
}
