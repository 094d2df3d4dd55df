//! SIGINT, SIGTERM and SIGHUP of what writes to a directory or takes one in: it ends soon and by that signal, leaves whole
//! files and none of its own, and the next one finishes it.
//!
//! The signal comes at a system call, so at the same place each time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vrift_tests::installed::{command, is_real};
use vrift_tests::refusing::is_ignored;
use vrift_tests::sandbox::Sandbox;
use vrift_tests::traced::{Act, End, Stop, Whom, trace};

use super::kills::{Prepared, torn, without_ours};
use super::picture::{of_workspace, picture};
use super::status;

/// Sends a signal to a process at its stop number `at`, and lets it go on.
fn at(at: usize, signal: Signal) -> impl FnMut(&Stop) -> Act {
    let mut passed = 0;
    move |stop| {
        passed += 1;
        if passed == at {
            kill(Pid::from_raw(stop.process), signal).expect("it is there");
        }
        Act::Pass
    }
}

/// Of a number of stops, some from the first to the last; all if that is asked for.
fn places(stops: usize) -> impl Iterator<Item = usize> {
    let step = std::env::var("VRIFT_TEST_SWEEP").ok().and_then(|text| text.parse().ok());
    (1..=stops).step_by(step.unwrap_or(stops / 40 + 1))
}

/// Those that are not ignored where the tests run.
fn signals() -> impl Iterator<Item = Signal> + Clone {
    let all = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    all.into_iter().filter(|signal| !is_ignored(*signal as i32))
}

/// `vrift NAME w`, interrupted anywhere.
fn sweep(name: &str) {
    let prepared = Prepared::new();
    let sandbox = &prepared.sandbox;
    let project = sandbox.path("project");
    let pictures = || (picture(&project), of_workspace(sandbox));
    let before = pictures();
    prepared.again();
    let (mut stops, mut renames) = (0, Vec::new());
    let counted = prepared.trace(&[name, "w"], |stop| {
        stops += 1;
        if stop.number == nix::libc::SYS_renameat2 {
            renames.push(stops);
        }
        Act::Pass
    });
    let Some((end, said)) = counted else { return };
    assert_eq!(end, End::Code(0), "{name}: {said}");
    let after = pictures();
    let left = status(sandbox);

    let (mut ended, mut halfway) = (0, 0);
    // Between two of what an apply puts in force, too.
    let all: BTreeSet<usize> = places(stops).chain(renames).collect();
    for (place, signal) in all.into_iter().zip(signals().cycle()) {
        prepared.again();
        let Some((end, said)) = prepared.trace(&[name, "w"], at(place, signal)) else { return };
        let place = format!("{name}, {signal} at {place} of {stops}");
        match end {
            // Before it is ready for that, or when all is done.
            End::Signal(by) => {
                assert_eq!(by, signal, "{place}: {said}");
                ended += usize::from(said.contains("interrupted"));
            }
            End::Code(code) => assert_eq!(code, 0, "{place}: {said}"),
        }
        let found = picture(&project);
        assert_eq!(without_ours(found.clone()), found, "{place}: it cleared up");
        if let Some(wrong) = torn(&before.0, &after.0, &found) {
            panic!("{place}: {wrong}");
        }
        halfway += usize::from(found != before.0 && found != after.0);
        let said = sandbox.run([name, "w"]);
        assert_eq!(said.code, Some(0), "{place}, again: {} {}", said.text(), said.err);
        let (real, workspace) = pictures();
        assert_eq!(real, after.0, "{place}, again: the directory");
        assert_eq!(workspace, after.1, "{place}, again: the workspace");
        assert_eq!(status(sandbox), left, "{place}, again");
    }
    sandbox.ok(["fsck"]);
    println!("{name}: {ended} said that they were interrupted, {halfway} halfway");
    assert!(ended > 0, "{name}");
    assert!(name == "sync" || halfway > 0, "{name}: none was stopped between two files");
}

#[test]
fn an_apply_that_is_interrupted_leaves_whole_files_and_the_next_one_goes_on() {
    sweep("apply");
}

#[test]
fn a_sync_that_is_interrupted_is_done_by_the_next_one() {
    sweep("sync");
}

#[test]
fn run_apply_is_interrupted_when_it_writes_back() {
    if !is_real() {
        return;
    }
    for signal in signals() {
        let prepared = Prepared::new();
        let sandbox = &prepared.sandbox;
        let project = sandbox.path("project");
        // Permission is set where the file is; all else is put in force in the end.
        let contents = || {
            let entries = picture(&project).into_iter();
            entries.map(|(path, entry)| (path, entry.content)).collect::<Vec<_>>()
        };
        let before = contents();
        // What is new is written and is to go to the disk: nothing is in force yet.
        let mut sent = false;
        let words = ["run", "-w", "w", "--apply", "--", "true"];
        let traced = prepared.trace(&words, |stop| {
            if stop.number == nix::libc::SYS_syncfs && is_written(&project) && !sent {
                kill(Pid::from_raw(stop.process), signal).expect("it is there");
                sent = true;
            }
            Act::Pass
        });
        let Some((end, said)) = traced else { return };
        assert!(sent, "{said}");
        assert_eq!(end, End::Signal(signal), "{said}");
        assert!(said.contains("vrift: interrupted: "), "{said}");
        assert!(said.contains("hint: `vrift apply w` goes on"), "{said}");
        assert_eq!(contents(), before, "{said}");
        sandbox.ok(["apply", "w"]);
        assert_ne!(contents(), before);
    }
}

/// Whether an apply has written something that is not in force.
fn is_written(project: &Path) -> bool {
    let names = fs::read_dir(project).expect("it can be read").flatten();
    names.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(".part"))
}

fn big() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    for name in ["a", "b", "sub/c", "sub/deep/d"] {
        sandbox.write(format!("project/{name}"), &content);
    }
    sandbox.ok(["ingest", "project", "--name", "w"]);
    (sandbox, content)
}

#[test]
fn an_export_that_is_interrupted_has_written_whole_files() {
    let (sandbox, content) = big();
    let to = sandbox.path("exported");
    let words =
        [command().display().to_string(), "export".into(), "w".into(), to.display().to_string()];
    let (home, store) = (sandbox.path("home"), sandbox.path("store"));
    let environment = [("VRIFT_HOME", &*store), ("HOME", &*home), ("XDG_RUNTIME_DIR", &*home)];
    let mut stops = 0;
    let counted = trace(&words, &environment, &home, Whom::First, |_| {
        stops += 1;
        Act::Pass
    });
    if counted.is_none() {
        return;
    }
    let mut ended = 0;
    for (place, signal) in places(stops).zip(signals().cycle()) {
        fs::remove_dir_all(&to).ok();
        let Some((end, said)) = trace(&words, &environment, &home, Whom::First, at(place, signal))
        else {
            return;
        };
        assert!(matches!(end, End::Signal(_) | End::Code(0)), "{end:?} {said}");
        ended += usize::from(said.contains("vrift: interrupted: what was written so far"));
        let found = if to.exists() { picture(&to) } else { Default::default() };
        for (path, entry) in found.iter().filter(|(_, entry)| !entry.is_directory()) {
            assert!(
                entry.content == content,
                "{signal} at {place} of {stops}: {path} is not whole"
            );
        }
        sandbox.ok(["export", "w", to.to_str().expect("text"), "--force"]);
    }
    assert!(ended > 0);
}

#[test]
fn an_ingest_that_is_interrupted_is_done_by_the_next_one() {
    let (sandbox, _) = big();
    let project = sandbox.path("project").display().to_string();
    let words =
        [command().display().to_string(), "ingest".into(), project, "--name".into(), "w".into()];
    let (home, store) = (sandbox.path("home"), sandbox.path("store"));
    let environment = [("VRIFT_HOME", &*store), ("HOME", &*home), ("XDG_RUNTIME_DIR", &*home)];
    for (round, place) in [40, 90, 150, 220, 300].into_iter().enumerate() {
        sandbox.write("project/a", format!("round {round}"));
        let traced = trace(&words, &environment, &home, Whom::First, at(place, Signal::SIGTERM));
        let Some((end, said)) = traced else { return };
        assert!(matches!(end, End::Signal(Signal::SIGTERM) | End::Code(0)), "{end:?} {said}");
        sandbox.ok(["ingest", "project", "--name", "w"]);
        assert_eq!(sandbox.ok(["cat", "w:a"]).text(), format!("round {round}"));
    }
    sandbox.ok(["fsck"]);
}
