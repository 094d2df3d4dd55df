//! `vrift doctor` and `vrift completions`: the machine and the shell.

use std::fs;

use vrift_tests::sandbox::{Sandbox, said};

#[test]
fn a_machine_that_can_run_the_tests_is_sound_and_nothing_is_left_behind() {
    let sandbox = Sandbox::new();
    let said = sandbox.ok(["doctor"]).text();
    for check in ["works    content: ", "works    journal and lock: ", "reflinks: "] {
        assert!(said.contains(check), "{said}");
    }
    assert!(!sandbox.path("store").exists(), "the doctor makes no store");
    let left: Vec<_> = fs::read_dir(sandbox.path(".")).expect("a directory").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let json = sandbox.ok(["doctor", "--json"]).json();
    assert_eq!((&json[1]["check"], &json[1]["outcome"]), (&"content".into(), &"works".into()));
}

#[test]
fn a_store_that_is_none_is_an_essential_that_fails() {
    let sandbox = Sandbox::new();
    sandbox.write("store/file", "not a store");
    let said = sandbox.run(["doctor"]);
    assert_eq!(said.code, Some(1));
    assert!(said.text().contains("FAILS    store: '"), "{}", said.text());
    assert!(said.text().contains("works    content: "), "{}", said.text());
}

#[test]
fn what_is_optional_and_missing_is_a_line() {
    let sandbox = Sandbox::new();
    let said = said(sandbox.command(".", ["doctor"]).env_remove("XDG_RUNTIME_DIR"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(said.text().contains("memory file system: "), "{}", said.text());
}

#[test]
fn every_shell_has_its_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = sandbox.ok(["completions", shell]).text();
        assert!(said.contains("vrift") && said.contains("snapshot"), "{shell}");
    }
    assert_eq!(sandbox.run(["completions", "nonsense"]).code, Some(2));
}
