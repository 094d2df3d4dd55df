//! kill -9 of `vrift apply` and `vrift sync` before and behind every system call. Whatever was killed, each file of the
//! directory is as it was or as it is to be, and the next one finishes it.

use std::fs;
use std::path::Path;
use std::process::Command;

use vrift_tests::installed::command;
use vrift_tests::sandbox::Sandbox;
use vrift_tests::traced::{Act, End, Stop, Traced, Whom, trace};

use super::picture::{Picture, of_workspace, picture};
use super::{inside, outside, scene, settle, status};

const OURS: &str = "echo ours > b; rm c; rm -r sub/deep; mkdir -p d/e; echo in > d/e/f; ln d/e/f link; \
                    rm sub/y; mkdir sub/y; echo g > sub/y/g; chmod 600 sub/x; ln -s a symlink";
const THEIRS: &str = "echo theirs > a; echo new > sub/theirs";

/// A directory and a store with a workspace, and the same put aside.
pub struct Prepared {
    /// With a store and the directory `project`.
    pub sandbox: Sandbox,
}

impl Prepared {
    /// Both sides have changed.
    pub fn new() -> Prepared {
        let sandbox = scene();
        inside(&sandbox, OURS);
        outside(&sandbox, THEIRS);
        settle();
        let prepared = Prepared { sandbox };
        prepared.copy("project", "project.aside");
        prepared.copy("store", "store.aside");
        prepared
    }

    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.sandbox.path(from), self.sandbox.path(to));
        let _ = fs::remove_dir_all(&to);
        let status = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(status.expect("cp").success());
    }

    /// Everything as it was.
    pub fn again(&self) {
        self.copy("project.aside", "project");
        self.copy("store.aside", "store");
    }

    /// The command, stopped at its system calls.
    pub fn trace(&self, arguments: &[&str], each: impl FnMut(&Stop) -> Act) -> Traced {
        let (home, store) = (self.sandbox.path("home"), self.sandbox.path("store"));
        let environment: [(&str, &Path); 3] =
            [("VRIFT_HOME", &store), ("HOME", &home), ("XDG_RUNTIME_DIR", &home)];
        let mut words = vec![command().display().to_string()];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        trace(&words, &environment, &home, Whom::Forks, each)
    }
}

/// Without what a killed apply leaves for the next one.
pub fn without_ours(mut picture: Picture) -> Picture {
    picture.retain(|path, _| !path.split('/').any(|name| name.starts_with(".vrift-apply-")));
    picture
}

/// Why an entry is neither as before nor as after.
pub fn torn(before: &Picture, after: &Picture, found: &Picture) -> Option<String> {
    let of = |picture: &Picture, path: &String| picture.get(path).map(|entry| entry.substance());
    let mut paths = before.keys().chain(after.keys()).chain(found.keys());
    let wrong = paths.find(|path| {
        let found = of(found, path);
        // A permission is set for itself.
        let same = |other: Option<super::picture::Entry>| match (&found, &other) {
            (Some(one), Some(other)) => one.content == other.content,
            (one, other) => one.is_none() && other.is_none(),
        };
        !same(of(before, path)) && !same(of(after, path))
    });
    wrong.map(|path| format!("{path}: {:?}", found.get(path)))
}

fn sweep(name: &str) {
    let prepared = Prepared::new();
    let sandbox = &prepared.sandbox;
    let project = sandbox.path("project");
    let pictures = || (picture(&project), of_workspace(sandbox));
    let before = pictures();
    prepared.again();
    let mut stops = 0;
    let counted = prepared.trace(&[name, "w"], |_| {
        stops += 1;
        Act::Pass
    });
    let Some((end, said)) = counted else { return };
    assert_eq!(end, End::Code(0), "{name}: {said}");
    let after = pictures();
    let left = status(sandbox);
    assert!(before != after, "{name} does something");

    let number = |variable| std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let (step, mut kills) = (number("VRIFT_TEST_SWEEP").unwrap_or(29), 0);
    // Which ones: with as many seeds from 0 on as one is taken of, all are.
    let seed: usize = number("VRIFT_TEST_SEED").unwrap_or(0);
    // Until one comes to its end: how many stops there are, differs.
    for stop in (1 + seed % step..=2 * stops).step_by(step) {
        prepared.again();
        let mut passed = 0;
        let traced = prepared.trace(&[name, "w"], |_| {
            passed += 1;
            if passed == stop { Act::Kill } else { Act::Pass }
        });
        kills += usize::from(traced.is_some_and(|(end, _)| end != End::Code(0)));
        let place = format!("{name}, killed at {stop} of {stops}");
        let found = without_ours(picture(&project));
        if let Some(wrong) = torn(&before.0, &after.0, &found) {
            panic!("{place}: {wrong}");
        }
        let said = sandbox.run([name, "w"]);
        assert_eq!(said.code, Some(0), "{place}, again: {} {}", said.text(), said.err);
        let (real, workspace) = pictures();
        assert_eq!(real, after.0, "{place}, again: the directory");
        assert_eq!(workspace, after.1, "{place}, again: the workspace");
        assert_eq!(status(sandbox), left, "{place}, again");
        if step == 1 || kills % 5 == 0 {
            sandbox.ok(["fsck"]);
        }
        if passed < stop {
            break;
        }
    }
    println!("{name}: {kills} kills, one in {step} of {stops}");
    println!("tally\tsweep\t{kills}\t0\t{seed}-{seed}");
    assert!(kills > 50 / step, "{name}: {kills} kills");
}

#[test]
fn an_apply_killed_anywhere_is_finished_by_the_next_one() {
    sweep("apply");
}

#[test]
fn a_sync_killed_anywhere_is_finished_by_the_next_one() {
    sweep("sync");
}
