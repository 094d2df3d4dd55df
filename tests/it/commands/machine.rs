//! `vrift completions`: the shell.

use vrift_tests::sandbox::Sandbox;

#[test]
fn every_shell_has_its_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = sandbox.ok(["completions", shell]).text();
        assert!(said.contains("vrift") && said.contains("snapshot"), "{shell}");
    }
    assert_eq!(sandbox.run(["completions", "nonsense"]).code, Some(2));
}
