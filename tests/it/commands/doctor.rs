//! `vrift doctor`: what a machine allows, and each thing that one may lack.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use vrift_tests::installed::{is_real, run_in};
use vrift_tests::refusing::{is_ignored, refusing, with_mounts};
use vrift_tests::sandbox::{Said, Sandbox, said, vrift};

fn doctor(sandbox: &Sandbox) -> Command {
    run_in(sandbox, ".", ["doctor"])
}

/// The line of a check, and the one below it.
#[track_caller]
fn line(said: &Said, check: &str) -> String {
    let text = said.text();
    let mut lines = text.lines();
    let is_it =
        |line: &&str| line.get(9..).is_some_and(|rest| rest.starts_with(&format!("{check}  ")));
    let found = lines.find(is_it).unwrap_or_else(|| panic!("no {check}: {text} {}", said.err));
    let below = lines.next().filter(|line| line.starts_with(' ')).unwrap_or_default();
    format!("{found}\n{below}")
}

/// Whether a check is missing, and it is said what that means.
#[track_caller]
fn is_missing(said: &Said, check: &str, meaning: &str) {
    let line = line(said, check);
    assert!(line.starts_with("missing  ") && line.contains(&format!("-> {meaning}")), "{line}");
}

/// A directory of programs for PATH: those that a compiler needs, with `gcc` as the script says.
fn path_with(sandbox: &Sandbox, gcc: &str) -> PathBuf {
    let path = sandbox.write("bin/gcc", format!("#!/bin/sh\n{gcc}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("changed");
    sandbox.path("bin")
}

fn before(directory: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    format!("{}:{path}", directory.display())
}

#[track_caller]
fn nothing_is_left(sandbox: &Sandbox) {
    for place in [".", "home", "store"] {
        for entry in fs::read_dir(sandbox.path(place)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            assert!(!name.to_string_lossy().starts_with(".vrift-doctor-"), "{place}/{name:?}");
        }
    }
}

#[test]
fn a_machine_that_can_run_the_tests_is_sound_and_nothing_is_left_behind() {
    let sandbox = Sandbox::new();
    let said = said(&mut doctor(&sandbox));
    assert_eq!(said.code, Some(0), "{} {}", said.text(), said.err);
    for check in ["content", "journal", "robust lock", "/proc"] {
        assert!(line(&said, check).starts_with("works  "), "{}", said.text());
    }
    if is_real() {
        assert!(line(&said, "preloading").starts_with("works  "), "{}", said.text());
        assert!(
            line(&said, "compile").contains(" made a program in a workspace, "),
            "{}",
            said.text()
        );
    }
    assert!(said.text().contains("\nEverything works that vrift needs"), "{}", said.text());
    assert!(!sandbox.path("store").exists(), "the doctor makes no store");
    let left: Vec<_> = fs::read_dir(sandbox.path(".")).expect("a directory").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_store_that_there_is_stays_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "content");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    let (names, log) = (sandbox.store_names(), sandbox.ok(["log", "w"]).text());
    let said = said(&mut doctor(&sandbox));
    assert_eq!(said.code, Some(0), "{} {}", said.text(), said.err);
    assert!(line(&said, "store").contains("workspaces: 1"), "{}", said.text());
    assert_eq!(sandbox.store_names(), names);
    assert_eq!(sandbox.ok(["log", "w"]).text(), log);
    nothing_is_left(&sandbox);
}

#[test]
fn for_programs_it_is_an_array_of_what_was_found_and_what_that_means() {
    let sandbox = Sandbox::new();
    let mut command = run_in(&sandbox, ".", ["doctor", "--json"]);
    let said = said(&mut refusing(&["reflink"], command.env("TERM", "dumb")));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let json = said.json();
    let of =
        |name: &str| json.as_array().expect("an array").iter().find(|row| row["check"] == name);
    assert_eq!(of("content").expect("there")["outcome"], "works");
    assert!(of("content").expect("there")["means"].is_null());
    let reflinks = of("reflinks").expect("there");
    assert_eq!(reflinks["outcome"], "missing");
    assert!(reflinks["found"].as_str().expect("text").contains("not supported"), "{reflinks}");
    assert!(reflinks["means"].as_str().expect("text").contains("copy"), "{reflinks}");
}

#[test]
fn a_store_that_is_none_is_needed_and_fails() {
    let sandbox = Sandbox::new();
    sandbox.write("store/file", "not a store");
    let said = said(&mut doctor(&sandbox));
    assert_eq!(said.code, Some(1));
    assert!(line(&said, "store").starts_with("FAILS  "), "{}", said.text());
    assert!(line(&said, "content").starts_with("works  "), "{}", said.text());
    assert!(said.text().contains("\nNeeded and missing: 1"), "{}", said.text());
    let left: Vec<_> = fs::read_dir(sandbox.path("store")).expect("a directory").collect();
    assert_eq!(left.len(), 1, "what is no store is left alone: {left:?}");
}

#[test]
fn what_a_file_system_does_not_do_is_said_with_what_it_means() {
    let sandbox = Sandbox::new();
    let refused = ["lease", "reflink", "exchange", "nameless"];
    let said = said(&mut refusing(&refused, &doctor(&sandbox)));
    assert_eq!(said.code, Some(0), "optional, all of it: {} {}", said.text(), said.err);
    is_missing(&said, "leases", "what is written is stored by copying it");
    is_missing(&said, "reflinks", "ingest, export, apply");
    is_missing(&said, "exchange", "`vrift apply` to a directory of this file system");
    is_missing(&said, "nameless files", "programs that ask for one");
    nothing_is_left(&sandbox);
}

#[test]
fn a_kernel_that_does_not_mark_the_lock_of_the_dead_is_none_to_work_on() {
    let sandbox = Sandbox::new();
    let said = said(&mut refusing(&["robust"], &doctor(&sandbox)));
    assert_eq!(said.code, Some(1), "{}", said.text());
    let line = line(&said, "robust lock");
    assert!(line.starts_with("FAILS  ") && line.contains("-> a process that is killed"), "{line}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn where_a_sandbox_refuses_what_static_programs_need_it_is_said() {
    if !is_real() {
        return;
    }
    let sandbox = Sandbox::new();
    let listener = said(&mut refusing(&["listener"], &doctor(&sandbox)));
    assert_eq!(listener.code, Some(0), "{}", listener.text());
    is_missing(&listener, "user-notify", "static programs, Go's");
    assert!(line(&listener, "user-notify").contains("in a sandbox"), "{}", listener.text());
    assert!(line(&listener, "ptrace").starts_with("skipped  "), "{}", listener.text());
    assert!(line(&listener, "compile").starts_with("works  "), "{}", listener.text());

    let ptrace = said(&mut refusing(&["ptrace"], &doctor(&sandbox)));
    assert_eq!(ptrace.code, Some(0), "{}", ptrace.text());
    assert!(line(&ptrace, "user-notify").starts_with("works  "), "{}", ptrace.text());
    is_missing(&ptrace, "ptrace", "static programs, and Go's, read and write");
    nothing_is_left(&sandbox);
}

#[test]
fn without_a_directory_in_memory_it_is_slower_and_no_failure() {
    let sandbox = Sandbox::new();
    let shm = sandbox.path("home");
    let script = format!("mount --bind '{}' /dev/shm", shm.display());
    let Some(mut command) = with_mounts(&script, &doctor(&sandbox)) else { return };
    let said = said(&mut command);
    // The sandbox may itself be in memory.
    if rustix_is_tmpfs(&shm) {
        return;
    }
    assert_eq!(said.code, Some(0), "{} {}", said.text(), said.err);
    is_missing(&said, "memory files", "live indexes");
    nothing_is_left(&sandbox);
}

fn rustix_is_tmpfs(path: &Path) -> bool {
    let said = Command::new("stat").args(["-f", "-c", "%T"]).arg(path).output().expect("stat");
    said.stdout.starts_with(b"tmpfs")
}

#[test]
fn a_store_that_can_only_be_read_is_looked_at_and_the_rest_tried_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "content");
    sandbox.ok(["ingest", "project", "--name", "w"]);
    let root = sandbox.path(".");
    let script = format!(
        "mount --bind '{0}' '{0}' && mount -o remount,bind,ro '{0}'",
        root.canonicalize().expect("there").display()
    );
    let Some(mut command) = with_mounts(&script, &doctor(&sandbox)) else { return };
    let said = said(&mut command);
    assert_eq!(said.code, Some(0), "{} {}", said.text(), said.err);
    is_missing(&said, "store", "workspaces can be looked at");
    assert!(line(&said, "file system").starts_with("skipped  "), "{}", said.text());
    assert!(line(&said, "content").starts_with("works  "), "{}", said.text());
}

#[test]
fn where_no_store_can_be_made_that_fails() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    let said = said(doctor(&sandbox).env("VRIFT_HOME", sandbox.path("file/store")));
    assert_eq!(said.code, Some(1), "{}", said.text());
    assert!(said.text().contains("FAILS"), "{}", said.text());
}

#[test]
fn a_command_without_its_library_can_run_nothing() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("alone")).expect("made");
    let alone = sandbox.path("alone/vrift");
    fs::copy(vrift(), &alone).expect("copied");
    let template = doctor(&sandbox);
    let mut command = Command::new(alone);
    command
        .arg("doctor")
        .envs(template.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = said(&mut command);
    assert_eq!(said.code, Some(1), "{}", said.text());
    let line = line(&said, "preloading");
    assert!(line.starts_with("FAILS  ") && line.contains("is missing"), "{line}");
    nothing_is_left(&sandbox);
}

#[test]
fn a_full_disk_is_what_fails_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let command = doctor(&sandbox);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 0; exec \"$@\"", "sh"]).arg(command.get_program()).arg("doctor");
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = said(limited.current_dir(sandbox.path(".")));
    assert_eq!(said.code, Some(1), "{} {}", said.text(), said.err);
    assert!(line(&said, "content").starts_with("FAILS  "), "{}", said.text());
    nothing_is_left(&sandbox);
}

#[test]
fn a_machine_without_a_compiler_is_told_so_and_is_none_the_worse() {
    let sandbox = Sandbox::new();
    let said = said(doctor(&sandbox).env("PATH", sandbox.path("home")));
    assert_eq!(said.code, Some(0), "{} {}", said.text(), said.err);
    if is_real() {
        let line = line(&said, "compile");
        assert!(line.starts_with("skipped  ") && line.contains("nothing was compiled"), "{line}");
    }
}

#[test]
fn what_a_compiler_makes_is_compared_and_one_that_does_not_work_is_no_fault_of_ours() {
    if !is_real() {
        return;
    }
    let sandbox = Sandbox::new();
    let with = |gcc: &str| {
        let bin = path_with(&sandbox, gcc);
        said(doctor(&sandbox).env("PATH", before(&bin)).env("REAL", real_gcc()))
    };
    let broken = with("echo 'no cc1' >&2; exit 3");
    assert_eq!(broken.code, Some(0), "{}", broken.text());
    assert!(line(&broken, "compile").contains("outside of workspaces: exit code 3: no cc1"));

    let other = with(
        "\"$REAL\" \"$@\" && [ -n \"$VRIFT_SESSION\" ] && [ -e add.o ] && echo >>add.o; exit 0",
    );
    assert_eq!(other.code, Some(1), "{}", other.text());
    assert!(line(&other, "compile").contains("is not the same"), "{}", other.text());

    let never = with("\"$REAL\" \"$@\" && [ -e add.o ] && echo $$ >>add.o; exit 0");
    assert_eq!(never.code, Some(0), "{}", never.text());
    assert!(line(&never, "compile").contains("never the same twice"), "{}", never.text());

    let dynamic = with("case \"$*\" in *-static*) exit 1;; esac; exec \"$REAL\" \"$@\"");
    assert_eq!(dynamic.code, Some(0), "{}", dynamic.text());
    let line = line(&dynamic, "static program");
    assert!(line.starts_with("skipped  ") && line.contains("none can be linked"), "{line}");
}

fn real_gcc() -> String {
    let said = Command::new("sh").args(["-c", "command -v gcc"]).output().expect("a shell");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

#[test]
fn who_interrupts_it_finds_nothing_left_and_nothing_running() {
    if !is_real() {
        return;
    }
    for signal in [2, 15, 1].into_iter().filter(|signal| !is_ignored(*signal)) {
        let sandbox = Sandbox::new();
        let marker = sandbox.path("home/marker");
        let bin = path_with(
            &sandbox,
            "echo $$ >\"$MARKER.new\"; mv \"$MARKER.new\" \"$MARKER\"; exec sleep 600",
        );
        let mut command = doctor(&sandbox);
        command
            .env("PATH", before(&bin))
            .env("MARKER", &marker)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("started");
        let begun = Instant::now();
        while !marker.exists() {
            assert!(begun.elapsed() < Duration::from_secs(120), "no compiler was started");
            sleep(Duration::from_millis(5));
        }
        let kill =
            Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
        assert!(kill.expect("kill").success());
        let ended = child.wait_with_output().expect("it ends");
        assert_eq!(ended.status.signal(), Some(signal));
        assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted"));
        nothing_is_left(&sandbox);
        let sleeper = fs::read_to_string(&marker).expect("there");
        assert!(!Path::new("/proc").join(sleeper.trim()).exists(), "the compiler goes on");
    }
}

#[test]
fn what_a_killed_one_has_left_the_next_one_removes() {
    let sandbox = Sandbox::new();
    let left = sandbox.path(".vrift-doctor-1");
    fs::create_dir(&left).expect("made");
    fs::write(left.join("file"), "").expect("written");
    assert_eq!(said(&mut doctor(&sandbox)).code, Some(0));
    assert!(!left.exists());
}
