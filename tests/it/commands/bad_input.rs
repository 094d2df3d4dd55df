//! What a user, a disk or a neighbour may do wrong: a clear message, the right exit code, never a panic.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use vrift_tests::fixture::{Fixture, write};
use vrift_tests::sandbox::{Sandbox, said};

/// Every command that only looks, with the workspace `w`.
const READING: [&[&str]; 12] = [
    &["list"],
    &["list", "--json"],
    &["ls", "-l", "w"],
    &["stat", "w"],
    &["cat", "w:README.md"],
    &["log", "w"],
    &["log", "--process", "w"],
    &["diff", "-p", "w@0", "w"],
    &["tree", "w"],
    &["find", "w"],
    &["du", "w"],
    &["completions", "bash"],
];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut workspace = Fixture::of(&sandbox).everything("w");
    write(&mut workspace, "README.md", "new\n");
    sandbox
}

#[test]
fn a_full_output_is_an_error_of_every_command() {
    let sandbox = sandbox();
    for arguments in READING {
        let full = File::options().write(true).open("/dev/full").expect("the device");
        let mut command = sandbox.command(".", arguments);
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().expect("started");
        let ended = child.wait_with_output().expect("ended");
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {err}");
        assert!(err.contains("cannot write the output: No space left"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_no_error_of_any_command() {
    let sandbox = sandbox();
    for arguments in READING {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = sandbox.command(".", arguments);
        let child = command.stdout(writer).stderr(Stdio::piped()).spawn().expect("started");
        let ended = child.wait_with_output().expect("ended");
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn an_output_that_is_closed_ends_every_command_without_a_panic() {
    let sandbox = sandbox();
    for arguments in READING {
        let mut line = String::from("exec \"$0\" \"$@\" >&-");
        line.push('\n');
        let mut command = sandbox.command(".", [""; 0]);
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line]).arg(command.get_program()).args(arguments);
        shell.current_dir(sandbox.path("."));
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        command.stdin(Stdio::null());
        let ended = said(&mut shell);
        assert!(matches!(ended.code, Some(0 | 1)), "{arguments:?}: {ended:?}");
        assert!(!ended.err.contains("panicked"), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn what_is_no_place_is_wrong_usage() {
    let sandbox = sandbox();
    for place in [
        "",
        "a b",
        "-",
        ".hidden",
        "w@",
        "w@a@b",
        "w@-x",
        "src/main.c",
        "../w",
        "w@99999999999999999999",
    ] {
        let said = sandbox.run(["ls", "--", place]);
        assert_eq!(said.code, Some(2), "{place}: {}", said.err);
    }
    let odd = sandbox.run(["ls".as_ref(), OsStr::from_bytes(b"\xff\n")]);
    assert_eq!(odd.code, Some(2));
    assert!(odd.err.contains("'\u{fffd}\\n'"), "{}", odd.err);
    let option = sandbox.run(["ls", "--\x1b[31m\nx"]);
    assert_eq!(option.code, Some(2));
    assert!(!option.err.contains('\x1b') && option.err.contains("\\033[31m\\nx"), "{}", option.err);
    assert_eq!(sandbox.run([""; 0]).code, Some(2));
    assert_eq!(sandbox.run(["nonsense"]).code, Some(2));
}

#[test]
fn a_path_that_is_not_text_is_found_and_named_without_harm() {
    let sandbox = sandbox();
    let place = OsStr::from_bytes(b"w:caf\xe9");
    assert_eq!(sandbox.ok(["cat".as_ref(), place]).text(), "latin\n");
    let missing = sandbox.run(["cat".as_ref(), OsStr::from_bytes(b"w:\xff\n\x1b[31m")]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("w:\\377\\n\\033[31m: no such file"), "{:?}", missing.err);
    assert_eq!(sandbox.ok(["cat", "w:new\nline"]).text(), "odd\n");
}

#[test]
fn a_path_that_leads_nowhere_says_why() {
    let sandbox = sandbox();
    let long = format!("w:{}", "x".repeat(300));
    let endless = format!("w:{}", "x/".repeat(3000));
    for (place, why) in [
        ("w:README.md/x", "not a directory"),
        ("w:src/nothing/x", "no such file or directory"),
        ("w:..", "leads out of the tree, to '"),
        ("w:/etc", "leads out of the tree, to '/etc'"),
        ("w:outside/x", "leads out of the tree"),
        ("w:loop/x", "too many symbolic links"),
        (&long, "file name too long"),
        (&endless, "file name too long"),
    ] {
        let said = sandbox.run(["cat", place]);
        assert_eq!(said.code, Some(1), "{place}");
        assert!(said.err.contains(why), "{place}: {}", said.err);
    }
}

#[test]
fn a_store_that_is_none_or_newer_is_refused_with_its_path() {
    let sandbox = sandbox();
    let run = |store: &str| {
        said(sandbox.command(".", ["ls", "w"]).env("VRIFT_HOME", sandbox.path(store)))
    };
    sandbox.write("file", "");
    sandbox.write("full/of/things", "");
    for (store, why) in
        [("file", "is not a store"), ("full", "is not a store"), ("none", "no store at")]
    {
        let said = run(store);
        assert_eq!(said.code, Some(1), "{store}");
        assert!(said.err.contains(why) && said.err.contains(store), "{}", said.err);
    }
    let format = fs::read_to_string(sandbox.path("store/format")).expect("text");
    fs::write(sandbox.path("store/format"), format.replace("vrift store 1", "vrift store 7"))
        .expect("written");
    let newer = run("store");
    assert_eq!(newer.code, Some(1));
    assert!(
        newer.err.contains("has format 7") && newer.err.contains("newer vrift"),
        "{}",
        newer.err
    );
    let relative = said(sandbox.command(".", ["list"]).env("VRIFT_HOME", "store"));
    assert_eq!(relative.code, Some(1));
    assert!(relative.err.contains("$VRIFT_HOME is 'store'"), "{}", relative.err);
}

#[test]
fn a_damaged_image_or_description_is_named() {
    let sandbox = sandbox();
    let workspace = sandbox.path("store/workspaces/w/workspace.toml");
    let description = fs::read_to_string(&workspace).expect("text");
    fs::write(&workspace, description.replace("format = 1", "format = 9")).expect("written");
    let newer = sandbox.run(["ls", "w"]);
    assert_eq!(newer.code, Some(1));
    assert!(newer.err.contains("workspace.toml' has format 9"), "{}", newer.err);
    fs::write(&workspace, &description).expect("written");

    let images = fs::read_dir(sandbox.path("store/images")).expect("a directory");
    let image = images.map(|entry| entry.expect("an entry").path()).next().expect("an image");
    let whole = fs::read(&image).expect("an image");
    fs::remove_file(&image).expect("removed");
    fs::write(&image, &whole[..whole.len() / 2]).expect("written");
    let short = sandbox.run(["ls", "w"]);
    assert_eq!(short.code, Some(1));
    assert!(short.err.contains("bytes instead of"), "{}", short.err);
    assert!(short.err.contains("hint: `vrift fsck`"), "{}", short.err);
    fs::remove_file(&image).expect("removed");
    let missing = sandbox.run(["ls", "w"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("store/images/"), "{}", missing.err);
}

#[test]
fn flipped_bits_of_an_image_are_never_a_panic() {
    let sandbox = sandbox();
    let images = fs::read_dir(sandbox.path("store/images")).expect("a directory");
    let image = images.map(|entry| entry.expect("an entry").path()).next().expect("an image");
    let whole = fs::read(&image).expect("an image");
    // Every part of the image is hit, always by the same bits.
    for (round, place) in (256..whole.len()).step_by(whole.len() / 40).enumerate() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (round % 8);
        bytes[place + 1] ^= 0x80;
        fs::remove_file(&image).expect("removed");
        fs::write(&image, bytes).expect("written");
        for arguments in
            [&["ls", "-lR", "w"][..], &["log", "--all", "w"], &["diff", "-p", "w@0", "w"]]
        {
            let said = sandbox.run(arguments);
            assert!(matches!(said.code, Some(0 | 1)), "{place} {arguments:?}: {said:?}");
            assert!(!said.err.contains("panicked"), "{place}: {}", said.err);
        }
    }
}

#[test]
fn help_and_version_are_no_errors_and_every_command_has_examples() {
    let sandbox = Sandbox::new();
    let help = sandbox.ok(["--help"]).text();
    assert!(sandbox.ok(["--version"]).text().starts_with("vrift "));
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let said = sandbox.ok([command, "--help"]).text();
        assert!(said.contains("Examples:") && said.contains(&format!("vrift {command}")), "{said}");
    }
}

#[test]
fn colours_are_for_terminals_or_those_who_ask() {
    let sandbox = sandbox();
    assert!(!sandbox.ok(["ls", "w"]).text().contains('\x1b'));
    assert!(sandbox.ok(["ls", "--color", "always", "w"]).text().contains("\x1b[1m\x1b[34msrc"));
    assert!(!sandbox.ok(["ls", "--color=always", "--json", "w"]).text().contains('\x1b'));
}

#[test]
fn a_name_that_is_nearly_right_brings_the_right_one() {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "");
    sandbox.ok(["ingest", "project", "--name", "experiment"]);
    sandbox.ok(["fork", "experiment", "experiment-2"]);
    let hint = |name: &str| sandbox.run(["ls", name]).err;
    assert!(hint("experimnet").contains("is it 'experiment'?"), "{}", hint("experimnet"));
    assert!(hint("experiment-3").contains("is it 'experiment-2'?"), "{}", hint("experiment-3"));
    assert!(hint("lua").contains("hint: `vrift list` shows"), "{}", hint("lua"));
}
