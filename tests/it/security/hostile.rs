//! Trees and descriptions that were made to do harm.

use std::fs;
use std::os::unix::fs::symlink;

use vrift_manifest::tree::{Change, ROOT};
use vrift_tests::fixture::{Fixture, Planted};
use vrift_tests::sandbox::Sandbox;

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
