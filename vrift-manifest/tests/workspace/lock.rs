//! One writer at a time; readers never wait, not even for a writer that is stopped with the lock in its hand.

use std::io::Read;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use vrift_manifest::tree::{Change, ROOT};
use vrift_manifest::workspace::Workspace;

use crate::support::{Fixture, child, create_file, from_parent, lock_word, names};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("the child lives");
}

/// Stops a busy child at a moment when it holds the lock.
pub fn stop_with_lock(fixture: &Fixture, child: &Child) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        signal(child, Signal::STOP);
        // The stop takes effect at once, as far as the child's own instructions are concerned, but not before
        // kill() returned on this processor: look twice.
        std::thread::sleep(Duration::from_millis(2));
        if lock_word(&fixture.root, "w") != 0 {
            return;
        }
        signal(child, Signal::CONT);
        std::thread::sleep(Duration::from_micros(300));
    }
    panic!("the child was never caught with the lock");
}

#[test]
fn readers_go_on_while_a_stopped_process_holds_the_lock() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    create_file(&mut workspace, ROOT, "there");
    let mut busy = child("lock::busy_child", &fixture.root, "w").spawn().expect("a child");
    wait_for_output(&mut busy);
    stop_with_lock(&fixture, &busy);

    // A reader that was there before, and a process that opens the workspace only now.
    for _ in 0..10_000 {
        assert!(
            workspace.tree().child(workspace.tree().root(), b"there").expect("sound").is_some()
        );
    }
    let late = Workspace::open(&fixture.home, "w").expect("opening takes no lock");
    assert!(names(late.tree(), "").contains(&"there".to_owned()));

    // A writer waits, and goes on when the holder does.
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            create_file(&mut workspace, ROOT, "waited");
            finished.store(true, Ordering::SeqCst);
        });
        std::thread::sleep(Duration::from_millis(200));
        assert!(!finished.load(Ordering::SeqCst), "the lock was not held after all");
        signal(&busy, Signal::CONT);
    });
    busy.kill().expect("killed");
    busy.wait().expect("reaped");
    assert!(names(late.tree(), "").contains(&"waited".to_owned()));
}

pub fn wait_for_output(child: &mut Child) {
    let mut byte = [0];
    let output = child.stdout.as_mut().expect("piped");
    loop {
        output.read_exact(&mut byte).expect("the child says that it is ready");
        if byte[0] == b'!' {
            return;
        }
    }
}

#[test]
#[ignore = "a child of other tests"]
fn busy_child() {
    let (home, name) = from_parent();
    let mut workspace = Workspace::open(&home, &name).expect("it exists");
    println!("!");
    let node = create_file(&mut workspace, ROOT, "busy").node;
    for mode in (0..).map(|round| round & 0o777) {
        workspace.change(&Change::SetMode { node, mode }).expect("a change");
        if workspace.journal_bytes() > 64 << 20 {
            workspace.compact().expect("compaction");
        }
    }
}
