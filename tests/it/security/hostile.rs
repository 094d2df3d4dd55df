//! Trees and descriptions that were made to do harm.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use vrift_manifest::tree::{Change, ROOT};
use vrift_tests::damage::files;
use vrift_tests::fixture::{Fixture, Planted};
use vrift_tests::installed::run_in;
use vrift_tests::sandbox::{Said, Sandbox, said};

#[test]
fn a_description_leads_to_nothing_outside_of_the_store() {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "content\n");
    sandbox.write("secret", "what nobody shall read\n");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    let path = sandbox.path("store/workspaces/w/workspace.toml");
    let text = fs::read_to_string(&path).expect("it is ours");
    let secret = sandbox.path("secret").display().to_string();
    let values: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("image = ") || line.starts_with("id = "))
        .collect();
    assert!(values.len() > 2, "{text}");
    for line in values {
        let (key, value) = line.split_once(" = ").expect("a key");
        let relative = format!("../../../../..{secret}");
        let half =
            format!("{}/../../secret", value.trim_matches('"').get(..8).expect("a long value"));
        for evil in [&secret, &relative, &half, "..", ""] {
            let hostile = text.replacen(line, &format!("{key} = \"{evil}\""), 1);
            assert_ne!(hostile, text);
            fs::write(&path, hostile).expect("written");
            for words in
                [&["ls", "w"][..], &["cat", "w:file"], &["export", "w", "out"], &["fsck"], &["gc"]]
            {
                let said = sandbox.run(words);
                let all = said.text() + &said.err;
                assert!(!all.contains("what nobody shall read"), "{evil}: {words:?}: {all}");
                assert!(!all.contains("panicked"), "{evil}: {words:?}: {all}");
                assert!(said.code == Some(1) || words == ["gc"], "{evil}: {words:?}: {said:?}");
            }
            assert!(!sandbox.path("out").exists(), "{evil}");
        }
    }
    fs::write(&path, text).expect("written");
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
    let secret = fs::read_to_string(sandbox.path("secret")).expect("it is there");
    assert_eq!(secret, "what nobody shall read\n");
}

/// What leads somewhere else, or is none of what can be there.
fn evil_values(sandbox: &Sandbox) -> Vec<String> {
    let outside = sandbox.path("outside").display().to_string();
    let text = |value: &str| format!("\"{value}\"");
    let mut values = vec![
        text(&outside),
        text(&format!("{outside}/secret")),
        text("../../../outside/secret"),
        text(&format!("{outside}/../outside/./secret")),
        text(&sandbox.path("link").display().to_string()),
        text("../link/secret"),
        text("/"),
        text("/proc/self"),
        text("."),
        text(".."),
        text(""),
        text("/nul\\u0000/secret"),
        text("/nul%00/secret"),
        text("%2e%2e%2foutside"),
        text("/line\\nimage = 1"),
        text(&"x".repeat(70_000)),
        text(&format!("/{}", "../".repeat(20_000))),
        text(&"0".repeat(32)),
        text(&"f".repeat(64)),
    ];
    let others = ["-1", "0", "1", "9223372036854775807", "18446744073709551615", "1e3", "true"];
    values.extend(others.map(str::to_owned));
    values.extend(["[]".to_owned(), "[\"../outside\"]".to_owned(), "{}".to_owned()]);
    values
}

/// What a command says of a hostile store: nothing of what is outside, and it ends by itself.
#[track_caller]
fn says_nothing_of_outside(said: &Said, what: &str) {
    let all = said.text() + &said.err;
    assert!(!all.contains("what nobody shall read"), "{what}: {all}");
    ends_orderly(said, what);
}

#[track_caller]
fn ends_orderly(said: &Said, what: &str) {
    assert!(!said.err.contains("panicked"), "{what}: {said:?}");
    assert!(said.code.is_some_and(|code| code < 127 && code != 101), "{what}: {said:?}");
}

/// A workspace with all that a description can have, something outside, and a link that leads there.
fn described() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "content\n");
    sandbox.write("outside/secret", "what nobody shall read\n");
    symlink(sandbox.path("outside"), sandbox.path("link")).expect("made");
    sandbox.ok(["ingest", "project", "--name", "origin", "--exclude", "*.none"]);
    sandbox.ok(["compact", "origin"]);
    sandbox.ok(["fork", "origin", "w"]);
    sandbox.ok(["snapshot", "w", "s"]);
    sandbox.ok(["ls", "w"]);
    sandbox
}

#[track_caller]
fn is_untouched(sandbox: &Sandbox, what: &str) {
    let names = |name: &str| {
        let entries = fs::read_dir(sandbox.path(name)).expect("there");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("there").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("outside"), ["secret"], "{what}");
    assert_eq!(names("."), ["home", "link", "outside", "project", "store"], "{what}");
    let secret = fs::read(sandbox.path("outside/secret")).expect("there");
    assert_eq!(secret, b"what nobody shall read\n", "{what}");
}

#[test]
fn no_value_of_a_description_leads_out_of_the_store_or_ends_a_command_by_a_panic() {
    let sandbox = described();
    let path = sandbox.path("store/workspaces/w/workspace.toml");
    let text = fs::read_to_string(&path).expect("it is ours");
    let lines: Vec<&str> = text.lines().collect();
    let mut fields = BTreeSet::new();
    for (number, line) in lines.iter().enumerate() {
        let Some((key, value)) = line.split_once(" = ") else { continue };
        fields.insert(key);
        for evil in evil_values(&sandbox) {
            if evil == value {
                continue;
            }
            let line = format!("{key} = {evil}");
            let mut hostile = lines.clone();
            hostile[number] = &line;
            fs::write(&path, hostile.join("\n")).expect("written");
            let what = format!("line {number}, {line:.100}");
            for words in [
                &["ls", "w"][..],
                &["cat", "w:file"],
                &["log", "w"],
                &["list"],
                &["export", "w@s", "out"],
                &["fsck"],
                &["gc"],
                &["run", "-w", "w", "--", "true"],
            ] {
                let said = said(&mut run_in(&sandbox, ".", words));
                says_nothing_of_outside(&said, &format!("{what}: {words:?}"));
            }
            let _ = fs::remove_dir_all(sandbox.path("out"));
            is_untouched(&sandbox, &what);
        }
    }
    for field in ["id", "mount", "directory", "image", "first", "last", "name", "seq", "excludes"] {
        assert!(fields.contains(field), "{field} is not there to be changed: {text}");
    }
    fs::write(&path, text).expect("written");
    assert_eq!(sandbox.ok(["cat", "w:file"]).text(), "content\n");
    sandbox.ok(["fsck"]);
}

/// As in a store that came from somewhere else.
#[test]
fn nothing_is_written_or_given_out_through_symlinks_in_the_place_of_parts_of_a_store() {
    let sandbox = described();
    let parts = |directory: &str| files(&sandbox, directory);
    let all = [parts("blobs"), parts("images"), parts("journals"), parts("workspaces/w")].concat();
    assert!(all.len() > 6, "{all:?}");
    let copy = |from: &str, to: &str| {
        let _ = fs::remove_dir_all(sandbox.path(to));
        let mut cp = Command::new("cp");
        cp.arg("-a").args([from, to].map(|name| sandbox.path(name)));
        assert!(cp.status().expect("there is one").success());
    };
    copy("store", "home/aside");
    for part in all {
        fs::remove_file(&part).expect("it is ours");
        symlink(sandbox.path("outside/secret"), &part).expect("made");
        for words in [
            &["ls", "w"][..],
            &["cat", "w:file"],
            &["export", "w", "out"],
            &["fsck"],
            &["snapshot", "w", "further"],
            &["compact", "w"],
            &["gc", "--grace", "0s"],
            &["run", "-w", "w", "--", "sh", "-c", "cat file; echo written > file"],
        ] {
            let said = said(&mut run_in(&sandbox, "project", words));
            let what = format!("{}: {words:?}", part.display());
            // Of a description that is none, a line is shown.
            match part.ends_with("workspace.toml") {
                true => ends_orderly(&said, &what),
                false => says_nothing_of_outside(&said, &what),
            }
        }
        let out = fs::read(sandbox.path("project/out/file")).unwrap_or_default();
        assert_ne!(out, b"what nobody shall read\n", "{}: exported", part.display());
        let _ = fs::remove_dir_all(sandbox.path("project/out"));
        is_untouched(&sandbox, &part.display().to_string());
        copy("home/aside", "store");
    }
}

#[test]
fn symlinks_of_a_tree_lead_no_export_out_of_its_target() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    let victim = sandbox.write("outside/victim", "untouched");
    let outside = sandbox.path("outside").display().to_string();
    let mut tree = Planted::empty(&fixture);
    tree.node("up", 0o120777, 0, b"../outside");
    tree.node("away", 0o120777, 0, outside.as_bytes());
    tree.directory("sub");
    tree.file("sub/victim", b"hostile");
    tree.file("plain", b"hostile");
    drop(fixture.workspace("w", tree));
    // The destination has symlinks where the tree has directories and files.
    let to = sandbox.path("out");
    fs::create_dir(&to).expect("made");
    symlink(&outside, to.join("sub")).expect("made");
    symlink(&victim, to.join("plain")).expect("made");
    sandbox.ok(["export", "--force", "w", "out"]);
    assert_eq!(fs::read(&victim).expect("there"), b"untouched");
    assert_eq!(fs::read_dir(sandbox.path("outside")).expect("there").count(), 1);
    assert_eq!(fs::read(to.join("sub/victim")).expect("written"), b"hostile");
    assert_eq!(fs::read_link(to.join("away")).expect("written").to_string_lossy(), outside);
}

#[test]
fn names_that_are_paths_cannot_be_made() {
    let sandbox = Sandbox::new();
    let fixture = Fixture::of(&sandbox);
    let mut workspace = fixture.workspace("w", Planted::empty(&fixture));
    for name in [&b".."[..], b".", b"", b"../x", b"a/b", b"/x", b"nul\0", &[b'x'; 256]] {
        let change = Change::Create {
            parent: ROOT,
            name,
            mode: 0o100644,
            uid: 0,
            gid: 0,
            rdev: 0,
            target: b"",
        };
        workspace.change(&change).expect_err("such a name");
    }
    assert_eq!(sandbox.ok(["ls", "w"]).text(), "");
}
