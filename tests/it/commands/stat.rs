//! `vrift stat`.

use vrift_tests::fixture::{Fixture, chmod, write};
use vrift_tests::sandbox::Sandbox;

#[test]
fn everything_that_is_known_is_shown() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    let seq = chmod(&mut workspace, "src/main.c", 0o600);
    let said = sandbox.ok(["stat", "w:src/main.c"]).text();
    let digest = vrift_cas::Digest::of(b"int main(void)\n{\n    return 0;\n}\n");
    for part in [
        "  Place: w:src/main.c\n",
        "   Type: file                 Size: 33           Links: 1     \n",
        &format!(" Digest: {digest}\n"),
        "   Mode: 0600/-rw-------      Uid: 0 (root)  Gid: 0 (root)\n",
        " Modify: 2001-09-09 01:46:40.000000005 +0000\n",
        &format!(" Record: {seq} chmod, by cc[4711] in /work\n"),
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}

#[test]
fn what_no_record_changed_says_so_and_a_compaction_forgets_nothing() {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    let seq = write(&mut workspace, "new", "content");
    workspace.compact().expect("compacted");
    assert!(sandbox.ok(["stat", "w:run"]).text().contains(" Record: none since state 0\n"));
    let said = sandbox.ok(["stat", "w:new"]).text();
    assert!(said.contains(&format!(" Record: {seq} write, by cc[4711]")), "{said}");
    let json = sandbox.ok(["stat", "--json", "w:new"]).json();
    assert_eq!(json[0]["changed_by"]["seq"], seq);
    assert_eq!(json[0]["changed_by"]["program"], "/usr/bin/cc");
}

#[test]
fn links_devices_and_directories_are_shown_as_what_they_are() {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    let said = sandbox.ok(["stat", "w:link", "w:null", "w:src", "w"]).text();
    assert!(said.contains("  Place: w:link -> src/main.c\n   Type: symlink "), "{said}");
    assert!(said.contains(" Device: 1, 3\n"), "{said}");
    assert!(said.contains("  Place: w\n   Type: directory "), "{said}");
    assert!(sandbox.ok(["stat", "-L", "w:link"]).text().contains("   Type: file "));
    let json = sandbox.ok(["stat", "--json", "w:src", "w"]).json();
    assert_eq!(json[0]["nlink"], 3);
    assert_eq!((&json[1]["node"], &json[1]["path"]), (&1.into(), &"".into()));
}

#[test]
fn what_is_not_there_is_said_and_the_rest_is_shown() {
    let sandbox = Sandbox::new();
    Fixture::of(&sandbox).everything("w");
    let said = sandbox.run(["stat", "w:nothing", "w@99:run", "nobody:run", "w@never:run", "w:run"]);
    assert_eq!(said.code, Some(1));
    assert!(said.text().contains("  Place: w:run\n"), "{}", said.text());
    for message in [
        "w:nothing: no such file or directory",
        "workspace 'w' has no state 99: its history goes from 0 to 0",
        "there is no workspace 'nobody'",
        "workspace 'w' has no snapshot 'never'",
    ] {
        assert!(said.err.contains(message), "{message} is not in {}", said.err);
    }
}
