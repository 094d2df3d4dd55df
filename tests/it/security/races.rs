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

#[test]
fn a_directory_exchanged_for_a_symlink_while_it_is_written_leads_nowhere() {
    let sandbox = Sandbox::new();
    for file in 0..60 {
        sandbox.write(format!("project/sub/deep/file-{file}"), "hostile");
        sandbox.write(format!("project/sub/file-{file}"), "hostile");
    }
    sandbox.ok(["ingest", "project", "--name", "w"]);
    for directory in ["outside/deep", "out/sub"] {
        fs::create_dir_all(sandbox.path(directory)).expect("made");
    }
    for victim in ["outside/file-7", "outside/deep/file-7"] {
        sandbox.write(victim, "untouched");
    }
    symlink(sandbox.path("outside"), sandbox.path("link")).expect("made");
    let (stop, turns) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| exchange(&sandbox.path("out"), &sandbox.path("link"), &stop, &turns));
        for _ in 0..20 {
            // It may fail, and then it says what was not written.
            let said = sandbox.run(["export", "--force", "w", "out"]);
            assert!(matches!(said.code, Some(0 | 1)), "{said:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(turns.into_inner() > 0, "nothing was exchanged");
    let count = |name: &str| fs::read_dir(sandbox.path(name)).expect("there").count();
    assert_eq!((count("outside"), count("outside/deep")), (2, 1), "something was written outside");
    for victim in ["outside/file-7", "outside/deep/file-7"] {
        assert_eq!(fs::read(sandbox.path(victim)).expect("there"), b"untouched");
    }
}
