//! Somebody exchanges directories of an export's target for symlinks, all the time. Nothing is written where they lead.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use vrift_tests::sandbox::Sandbox;

/// A directory and a symlink to the outside change places, for ever.
fn exchange(to: &Path, link: &Path, stop: &AtomicBool, turns: &AtomicU64) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let sub = to.join("sub");
    while !stop.load(Ordering::Relaxed) {
        if renameat_with(CWD, &sub, CWD, link, RenameFlags::EXCHANGE).is_ok() {
            turns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A tree to be written, a directory to write to, and one that a symlink leads to.
fn scene() -> Sandbox {
    let sandbox = Sandbox::new();
    for file in 0..60 {
        sandbox.write(format!("project/sub/deep/file-{file}"), "hostile");
        sandbox.write(format!("project/sub/file-{file}"), "hostile");
    }
    for directory in ["outside/deep", "out/sub"] {
        fs::create_dir_all(sandbox.path(directory)).expect("made");
    }
    for victim in VICTIMS {
        sandbox.write(victim, "untouched");
    }
    symlink(sandbox.path("outside"), sandbox.path("link")).expect("made");
    sandbox
}

const VICTIMS: [&str; 2] = ["outside/file-7", "outside/deep/file-7"];

/// Writes while directories are exchanged, until `write` has enough: it is told how often it was called before.
fn race(sandbox: &Sandbox, mut write: impl FnMut(usize) -> bool) {
    let (stop, turns) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| exchange(&sandbox.path("out"), &sandbox.path("link"), &stop, &turns));
        // Also when it panics, for who exchanges would go on for ever.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..).take_while(|&time| write(time)).for_each(drop);
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(turns.into_inner() > 0, "nothing was exchanged");
}

/// Whether something was written where the symlink leads.
fn is_outside(sandbox: &Sandbox) -> bool {
    let count = |name: &str| fs::read_dir(sandbox.path(name)).expect("there").count();
    let touched = |victim: &&str| fs::read(sandbox.path(victim)).expect("there") != b"untouched";
    (count("outside"), count("outside/deep")) != (2, 1) || VICTIMS.iter().any(touched)
}

#[test]
fn a_directory_exchanged_for_a_symlink_while_it_is_written_leads_nowhere() {
    let sandbox = scene();
    sandbox.ok(["ingest", "project", "--name", "w"]);
    race(&sandbox, |time| {
        // It may fail, and then it says what was not written.
        let said = sandbox.run(["export", "--force", "w", "out"]);
        assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
        time < 20
    });
    assert!(!is_outside(&sandbox), "something was written outside");
}

/// The control: the same race is lost by who writes by paths.
#[test]
fn who_believes_paths_is_led_outside_by_the_same_race() {
    let sandbox = scene();
    let (from, to) = (sandbox.path("project"), sandbox.path("out"));
    race(&sandbox, |time| {
        for file in 0..60 {
            for name in [format!("sub/file-{file}"), format!("sub/deep/file-{file}")] {
                let path = to.join(&name);
                // What is not there at this moment, is there at another one.
                let _ = fs::create_dir_all(path.parent().expect("a directory"));
                let _ = fs::copy(from.join(name), path);
            }
        }
        time < 500 && !is_outside(&sandbox)
    });
    assert!(is_outside(&sandbox), "nobody is led anywhere by this race, so it shows nothing");
}
