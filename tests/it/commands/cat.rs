//! `vrift cat`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use vrift_tests::fixture::{Fixture, write};
use vrift_tests::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    sandbox
}

/// The file that holds a content.
fn blob(sandbox: &Sandbox, content: &[u8]) -> std::path::PathBuf {
    let digest = vrift_cas::Digest::of(content).to_string();
    sandbox.path("store/blobs").join(&digest[..2]).join(&digest[2..])
}

#[test]
fn contents_are_written_one_after_the_other_also_through_links() {
    let sandbox = sandbox();
    let said = sandbox.ok(["cat", "w:README.md", "w:link", "w:src/deep/data.bin"]);
    assert_eq!(said.out, b"hello\nworld\nint main(void)\n{\n    return 0;\n}\n\0\x01\x02binary");
    assert_eq!(sandbox.ok(["cat", "w:inside/main.c"]).text(), sandbox.ok(["cat", "w:link"]).text());
}

#[test]
fn an_earlier_state_has_its_own_content() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "README.md", "second\n");
    workspace.snapshot("two").expect("a snapshot");
    write(&mut workspace, "README.md", "third\n");
    assert_eq!(sandbox.ok(["cat", "w@0:README.md"]).text(), "hello\nworld\n");
    assert_eq!(sandbox.ok(["cat", "w@two:README.md"]).text(), "second\n");
    assert_eq!(sandbox.ok(["cat", "w:README.md"]).text(), "third\n");
}

#[test]
fn what_has_no_content_is_named_and_the_others_are_written() {
    let said = sandbox().run(["cat", "w:src", "w:README.md", "w:pipe", "w:outside", "w:loop"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.text(), "hello\nworld\n");
    for message in [
        "w:src: is a directory",
        "w:pipe: a fifo has no content",
        "w:outside: leads out of the tree, to '/etc/passwd'",
        "w:loop: too many symbolic links",
    ] {
        assert!(said.err.contains(message), "{message} is not in {}", said.err);
    }
}

#[test]
fn content_that_is_missing_or_wrong_is_an_error_with_path_and_digest() {
    let sandbox = sandbox();
    let path = blob(&sandbox, b"hello\nworld\n");
    let digest = vrift_cas::Digest::of(b"hello\nworld\n").to_string();
    let overwrite = |bytes: &[u8]| {
        fs::remove_file(&path).expect("removed");
        fs::write(&path, bytes).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o1555)).expect("set");
    };
    overwrite(b"HELLO\nworld\n");
    let wrong = sandbox.run(["cat", "w:README.md"]);
    assert_eq!((wrong.code, wrong.out.len()), (Some(1), 0), "no wrong byte is handed out");
    assert!(wrong.err.contains("w:README.md") && wrong.err.contains(&digest), "{}", wrong.err);
    assert!(wrong.err.contains("is damaged"), "{}", wrong.err);

    overwrite(b"short");
    let short = sandbox.run(["cat", "w:README.md"]);
    assert_eq!((short.code, short.out.len()), (Some(1), 0));
    assert!(short.err.contains("has 5 bytes instead of 12"), "{}", short.err);

    fs::remove_file(&path).expect("removed");
    let missing = sandbox.run(["cat", "w:README.md"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("w:README.md") && missing.err.contains(&digest));
    assert!(missing.err.contains("is missing in the store"), "{}", missing.err);
}
