//! Libraries of the tree for the command itself.

use std::fs;
use std::process::Command;

use vrift_tests::installed::{is_real, run_in, sandbox};
use vrift_tests::sandbox::said;

#[test]
fn a_command_outside_finds_libraries_of_the_tree_where_library_path_says() {
    if !is_real() {
        return;
    }
    let sandbox = sandbox();
    let (tree, home) = (sandbox.path("project"), sandbox.path("home"));
    fs::create_dir(tree.join("lib")).expect("made");
    fs::write(home.join("f.c"), "int f(void) { return 42; }").expect("written");
    fs::write(home.join("m.c"), "int f(void); int main(void) { return f(); }").expect("written");
    let compile = |words: &[&str]| {
        let mut gcc = Command::new("gcc");
        assert!(gcc.current_dir(&home).args(words).status().expect("started").success());
    };
    compile(&["-shared", "-fPIC", "-o", "../project/lib/libf.so", "f.c"]);
    compile(&["-o", "m", "m.c", "-L../project/lib", "-lf"]);
    sandbox.ok(["ingest", "project", "--name", "w"]);
    fs::remove_dir_all(tree.join("lib")).expect("removed");

    let program = home.join("m").into_os_string().into_string().expect("text");
    let run = |path: &str| {
        let words = ["run", "-w", "w", "--", &program];
        said(run_in(&sandbox, "home", words).env("LD_LIBRARY_PATH", path))
    };
    let lib = tree.join("lib").into_os_string().into_string().expect("text");
    for path in [&lib, "lib", &format!("/nowhere:{lib}")] {
        assert_eq!(run(path).code, Some(42), "{path}: {}", run(path).err);
    }
    assert_eq!(run("/nowhere").code, Some(127));

    // A library that is being written: its file, which is to become content, has no name that a sealer does not know of.
    let drafts = sandbox.path("store/workspaces/w/drafts");
    let script = format!(
        "exec 5>>{lib}/libf.so; LD_LIBRARY_PATH={lib} {program}; echo $?; stat -c %h {}/*",
        drafts.display()
    );
    let said = said(&mut run_in(&sandbox, "home", ["run", "-w", "w", "--", "sh", "-c", &script]));
    assert_eq!(said.text(), "42\n1\n", "{}", said.err);
}
