//! `--verify`: nothing is believed that can be compared with a digest or found out again.

use std::fs;

use vrift_tests::damage::{blob_of, change, files};
use vrift_tests::installed::{is_real, run, run_in, sandbox};
use vrift_tests::sandbox::{Said, Sandbox, said};

/// `vrift run -w w --verify -- WORDS`.
fn verified(sandbox: &Sandbox, words: &[&str]) -> Said {
    let options = ["run", "-w", "w", "--verify", "--"];
    said(run_in(sandbox, "project", options).args(words))
}

#[test]
fn what_is_damaged_is_an_error_and_is_named_and_what_is_not_is_read() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    change(&blob_of(&sandbox, b"content\n"), |bytes| bytes[2] ^= 1);
    let believing = run(&sandbox, ["cat", &sandbox.path("project/file").to_string_lossy()]);
    assert_eq!((believing.code, believing.text().as_str()), (Some(0), "cootent\n"), "the control");
    let said = verified(&sandbox, &["cat", "file"]);
    assert_eq!((said.code, said.text().as_str()), (Some(1), ""), "{}", said.err);
    assert!(said.err.contains("Input/output error"), "{}", said.err);
    assert!(said.err.contains("vrift: file: its content "), "{}", said.err);
    assert!(said.err.contains("damaged in the store: it was not opened"), "{}", said.err);
    let said = verified(&sandbox, &["sh", "-c", "cat file 2>/dev/null; cat sub/below sub/below"]);
    assert_eq!((said.code, said.text().as_str()), (Some(1), "below\nbelow\n"), "{}", said.err);
    assert_eq!(said.err.matches("was not opened").count(), 1, "{}", said.err);
    let said = verified(&sandbox, &["cat", "sub/below"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    fs::remove_file(blob_of(&sandbox, b"below\n")).expect("removed");
    let said = verified(&sandbox, &["cat", "sub/below"]);
    assert!(said.err.contains("sub/below: its content ") && said.code == Some(1), "{}", said.err);
    assert!(said.err.contains("is missing in the store"), "{}", said.err);
}

#[test]
fn an_image_is_compared_with_its_digest_before_anything_is_shown() {
    let sandbox = sandbox();
    let [image] = &files(&sandbox, "images")[..] else { panic!("one image") };
    let at = fs::read(image).expect("readable").windows(4).position(|name| name == b"file");
    let at = at.expect("a name");
    change(image, |bytes| bytes[at] = b'F');
    for words in [
        &["ls", "--verify", "w"][..],
        &["cat", "--verify", "w:sub/below"],
        &["export", "--verify", "w", "out"],
        &["env", "--verify", "-w", "w"],
        &["run", "--verify", "-w", "w", "--", "true"],
    ] {
        let said = said(&mut run_in(&sandbox, ".", words));
        assert_eq!(said.code.map(|code| code != 0), Some(true), "{words:?}: {}", said.text());
        assert!(said.text().is_empty(), "{words:?}: {}", said.text());
        assert!(said.err.contains("its bytes have another digest"), "{words:?}: {}", said.err);
    }
    assert!(!sandbox.path("out").exists());
}

/// The live index.
fn index(sandbox: &Sandbox) -> std::path::PathBuf {
    let directories = fs::read_dir(sandbox.path("home")).expect("readable");
    let directories = directories.map(|entry| entry.expect("readable").path());
    let mut entries = directories.filter(|path| path.is_dir()).flat_map(|directory| {
        fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable").path())
    });
    let is = |path: &std::path::PathBuf| path.to_string_lossy().contains("/index-");
    entries.find(is).expect("a live index")
}

#[test]
fn a_live_index_that_ends_too_early_is_built_anew_and_ends_no_process() {
    let sandbox = sandbox();
    let mut fixture = vrift_tests::fixture::Fixture::of(&sandbox).open("w");
    vrift_tests::fixture::chmod(&mut fixture, "file", 0o600);
    drop(fixture);
    let right = sandbox.ok(["ls", "-l", "w"]).text();
    for length in [0, 8, 119, 120, 121, 512, 4580, 7450, 100_000] {
        for read in [&["ls", "-l", "w"][..], &["ls", "-l", "--verify", "w"]] {
            change(&index(&sandbox), |bytes| bytes.truncate(length));
            assert_eq!(sandbox.ok(read).text(), right, "{length}");
        }
        sandbox.ok(["fsck"]);
        if is_real() {
            change(&index(&sandbox), |bytes| bytes.truncate(length));
            let said = run(&sandbox, ["cat", &sandbox.path("project/file").to_string_lossy()]);
            assert_eq!(said.text(), "content\n", "{length}: {}", said.err);
        }
    }
}

#[test]
fn a_live_index_that_says_something_else_than_the_journal_is_found_and_built_anew() {
    let sandbox = sandbox();
    let mut fixture = vrift_tests::fixture::Fixture::of(&sandbox).open("w");
    vrift_tests::fixture::chmod(&mut fixture, "file", 0o600);
    vrift_tests::fixture::write(&mut fixture, "new-name", "new\n");
    drop(fixture);
    let right = sandbox.ok(["ls", "-l", "w"]).text();
    sandbox.ok(["fsck"]);
    let spoil = || {
        let index = index(&sandbox);
        let bytes = fs::read(&index).expect("readable");
        let name = bytes.windows(8).position(|word| word == b"new-name").expect("a name");
        change(&index, |bytes| bytes[name] = b'N');
    };
    spoil();
    assert_ne!(sandbox.run(["ls", "-l", "w"]).text(), right, "the control");
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(1), "{}", said.text());
    assert!(said.text().contains("it is not what image and journal say"), "{}", said.text());
    let said = sandbox.ok(["fsck", "--repair"]);
    assert!(said.text().contains("built anew from image and journal"), "{}", said.text());
    sandbox.ok(["fsck"]);
    assert_eq!(sandbox.ok(["ls", "-l", "w"]).text(), right);
    spoil();
    assert_eq!(sandbox.ok(["ls", "-l", "--verify", "w"]).text(), right);
    sandbox.ok(["fsck"]);
}
