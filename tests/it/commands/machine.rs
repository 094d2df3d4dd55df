//! `vrift completions` and `vrift manual`: what a machine has of the command.

use vrift_tests::sandbox::Sandbox;

#[test]
fn every_shell_has_its_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = sandbox.ok(["completions", shell]).text();
        assert!(said.contains("vrift") && said.contains("snapshot"), "{shell}");
        assert!(!said.contains("exec-inside"), "{shell}: it is for us alone");
    }
    assert_eq!(sandbox.run(["completions", "nonsense"]).code, Some(2));
}

#[test]
fn every_command_has_its_page_in_the_manual() {
    let sandbox = Sandbox::new();
    let pages = sandbox.path("man/man1");
    sandbox.ok(["manual", pages.to_str().expect("text")]);
    let help = sandbox.ok(["--help"]).text();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = listed.map_while(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"run") && commands.contains(&"manual"), "{commands:?}");
    for command in &commands {
        let page = std::fs::read_to_string(pages.join(format!("vrift-{command}.1")));
        let page = page.expect("a page");
        assert!(page.contains(&format!("vrift\\-{command}")), "{page}");
    }
    assert!(pages.join("vrift.1").is_file());
    assert_eq!(std::fs::read_dir(&pages).expect("listed").count(), commands.len() + 1);
    let file = sandbox.write("file", "");
    let said = sandbox.run(["manual", file.to_str().expect("text")]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("cannot make"), "{}", said.err);
}
