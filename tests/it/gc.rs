//! `vrift gc`: what nobody needs goes, in two steps, and whatever goes on beside it loses nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vrift_tests::damage::files;
use vrift_tests::sandbox::Sandbox;

/// Longer than the granularity of file times.
fn tick() {
    std::thread::sleep(Duration::from_millis(40));
}

#[test]
fn what_a_dropped_workspace_alone_needed_goes_in_two_steps() {
    let sandbox = Sandbox::new();
    sandbox.write("a/one", "only in a");
    sandbox.write("a/both", "in both");
    sandbox.write("b/both", "in both");
    sandbox.ok(["ingest", "a"]);
    sandbox.ok(["ingest", "b"]);
    sandbox.ok(["drop", "a"]);
    tick();
    let before = sandbox.store_names();
    let json = sandbox.ok(["gc", "--dry-run", "--grace", "0", "--json"]).json();
    assert_eq!((json["moved"].as_u64(), json["moved_files"].as_u64()), (Some(1), Some(2)));
    assert_eq!(sandbox.store_names(), before);
    assert_eq!(sandbox.ok(["gc", "--json"]).json()["young"].as_u64(), Some(1));
    sandbox.ok(["gc", "--grace", "0"]);
    assert_eq!(files(&sandbox, "trash").len(), 3);
    tick();
    let json = sandbox.ok(["gc", "--grace", "0", "--json"]).json();
    assert_eq!((json["removed"].as_u64(), json["removed_files"].as_u64()), (Some(1), Some(2)));
    assert!(files(&sandbox, "trash").is_empty());
    assert_eq!(files(&sandbox, "images").len(), 1);
    sandbox.ok(["fsck"]);
    assert_eq!(sandbox.ok(["cat", "b:both"]).text(), "in both");
}

#[test]
fn what_is_in_the_trash_comes_back_when_it_is_needed_again() {
    let sandbox = Sandbox::new();
    sandbox.write("a/one", "content");
    sandbox.ok(["ingest", "a"]);
    sandbox.ok(["drop", "a"]);
    tick();
    sandbox.ok(["gc", "--grace", "0"]);
    sandbox.ok(["ingest", "a"]);
    sandbox.ok(["gc", "--grace", "0"]);
    tick();
    sandbox.ok(["gc", "--grace", "0"]);
    sandbox.ok(["fsck"]);
    assert_eq!(sandbox.ok(["cat", "a:one"]).text(), "content");
}

#[test]
fn earlier_states_and_forks_keep_what_they_show() {
    let sandbox = Sandbox::new();
    sandbox.write("a/one", "before");
    sandbox.ok(["ingest", "a"]);
    sandbox.ok(["fork", "a", "b"]);
    sandbox.write("a/one", "after it");
    sandbox.ok(["ingest", "a"]);
    for _ in 0..2 {
        tick();
        sandbox.ok(["gc", "--grace", "0"]);
    }
    assert_eq!(sandbox.ok(["cat", "a@0:one"]).text(), "before");
    sandbox.ok(["drop", "a"]);
    for _ in 0..2 {
        tick();
        sandbox.ok(["gc", "--grace", "0"]);
    }
    assert_eq!(sandbox.ok(["cat", "b:one"]).text(), "before");
    sandbox.ok(["fsck"]);
}

#[test]
fn a_duration_that_is_none_is_wrong_usage() {
    assert_eq!(Sandbox::new().run(["gc", "--grace", "soon"]).code, Some(2));
}

#[test]
fn nothing_is_lost_beside_ingests_forks_snapshots_and_drops() {
    let sandbox = Sandbox::new();
    for number in 0..120 {
        sandbox.write(format!("a/{number}"), format!("a {number}"));
        sandbox.write(format!("b/{number}"), format!("b {}", number / 2));
    }
    sandbox.ok(["ingest", "a"]);
    sandbox.ok(["ingest", "b"]);
    let (stop, end) = (AtomicBool::new(false), Instant::now() + Duration::from_secs(6));
    let over = || stop.load(Ordering::Relaxed) || Instant::now() > end;
    // Whoever finds that another has dropped what he works on gets an error, never a broken store.
    let orderly = |arguments: &[&str]| {
        let said = sandbox.run(arguments);
        // So often has the list of workspaces changed while it was read that nothing is removed; the hint speaks of damage.
        let gave_up = said.err.contains("resource busy");
        if !matches!(said.code, Some(0 | 1))
            || said.err.contains("not hold")
            || said.err.contains("damaged") && !gave_up
        {
            stop.store(true, Ordering::Relaxed);
            panic!("{arguments:?}: {said:?}");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over() {
                    orderly(&["gc", "--grace", "0"]);
                }
            });
        }
        scope.spawn(|| {
            let mut round = 0;
            while !over() {
                round += 1;
                // The same contents come and go, so that what gc has chosen is wanted again.
                sandbox.write(format!("a/{}", round % 120), format!("b {}", round % 7));
                orderly(&["ingest", "a"]);
            }
        });
        scope.spawn(|| {
            while !over() {
                orderly(&["ingest", "b", "--name", "coming"]);
                orderly(&["fork", "coming", "going"]);
                orderly(&["drop", "coming"]);
                orderly(&["fork", "going", "gone"]);
                orderly(&["drop", "going"]);
                orderly(&["export", "gone", "out"]);
                orderly(&["drop", "gone"]);
                let _ = std::fs::remove_dir_all(sandbox.path("out"));
            }
        });
        scope.spawn(|| {
            let mut round = 0;
            while !over() {
                round += 1;
                orderly(&["fork", "a", &format!("a{round}")]);
                orderly(&["snapshot", "a", &format!("s{round}")]);
                orderly(&["drop", &format!("a{}", round / 2)]);
            }
        });
    });
    let said = sandbox.run(["fsck"]);
    assert_eq!(said.code, Some(0), "{}{}", said.text(), said.err);
}

#[test]
fn a_live_index_in_the_store_is_no_workspace_to_gc() {
    let sandbox = Sandbox::new();
    sandbox.write("a/one", "content");
    sandbox.ok(["ingest", "a"]);
    // Where there is no memory to have it in, it lies beside the workspaces.
    sandbox.write("store/workspaces/index-1a23a4806c083a0f27af737c1920c601-fe00-990135.6", "");
    sandbox.ok(["gc", "--dry-run"]);
    sandbox.ok(["gc", "--grace", "0"]);
    assert_eq!(sandbox.ok(["list", "--json"]).json().as_array().map(Vec::len), Some(1));
    sandbox.ok(["fsck"]);
}
