//! What the environment says, and `vrift env`.

use std::process::Command;

use vrift_tests::installed::{command, run_in, sandbox};
use vrift_tests::sandbox::said;

const SHOW: &str = "echo \"$LD_PRELOAD\"; echo \"$VRIFT_SESSION\"";

#[test]
fn what_is_preloaded_already_is_kept_and_comes_first() {
    let sandbox = sandbox();
    let library = command().with_file_name("libvrift_shim.so");
    let library = library.canonicalize().expect("it is installed").display().to_string();
    let with = |present: &str| {
        let mut command = run_in(&sandbox, ".", ["run", "-w", "w", "--", "sh", "-c", SHOW]);
        said(command.env("LD_PRELOAD", present)).text().lines().next().map(str::to_owned)
    };
    assert_eq!(with(""), Some(library.clone()));
    assert_eq!(with("/nothing.so"), Some(format!("/nothing.so:{library}")));
    assert_eq!(with(&library), Some(library.clone()), "once is enough");
}

#[test]
fn the_exports_say_the_same_to_a_shell_as_a_run_says_to_its_command() {
    let sandbox = sandbox();
    let run = said(&mut run_in(&sandbox, "project", ["run", "--", "sh", "-c", SHOW])).text();
    let exports = said(&mut run_in(&sandbox, "project", ["env"]));
    assert_eq!(exports.code, Some(0), "{}", exports.err);
    let script = format!("{}\n{SHOW}", exports.text());
    let shown = said(Command::new("sh").args(["-c", &script]).env_remove("LD_PRELOAD")).text();
    let (mut run, mut shown) = (run.lines(), shown.lines());
    assert_eq!(run.next(), shown.next());
    let (of_run, of_env) = (run.next().expect("a session"), shown.next().expect("a session"));
    // Only a run has a number.
    assert_eq!(of_run.rsplit_once(':').map(|(before, _)| before), Some(of_env));
}

#[test]
fn without_a_workspace_there_are_no_exports() {
    let sandbox = sandbox();
    let said = said(&mut run_in(&sandbox, ".", ["env"]));
    assert_eq!((said.code, said.text().as_str()), (Some(1), ""));
    assert!(said.err.contains("no workspace is mounted"), "{}", said.err);
}
