//! Row `load`: 64 writers and readers of one workspace, gc, fsck, snapshots, forks and foldings in a loop, beside four builds:
//! nothing that is needed is lost. Readers wait for nobody who is stopped or dead, and the lock of a dead one goes to the next.

mod busy;
pub mod crowd;
mod lock;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use vrift_tests::sandbox::Sandbox;

use crate::options::Options;
use crate::project;
use crate::tally::Tally;

const ROW: &str = "load";

/// Within this time 99 of 100 dead owners have a successor.
const HAND_OVER: Duration = Duration::from_millis(10);

/// This program, to be run in a workspace.
fn this() -> PathBuf {
    std::env::current_exe().expect("a program knows its own path")
}

/// How long something took, each time.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    fn note(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Least, median, 99 of 100, most; how many of them took longer than 10 ms; and, if there is a goal for 99 of 100, whether
    /// it was reached.
    fn say(&mut self, what: &str, goal: Option<Duration>) {
        self.0.sort();
        let at = |part: usize| self.0.get((self.0.len().max(1) - 1) * part / 100);
        let show = |part| {
            at(part).map_or("-".to_owned(), |took| format!("{:.3}", took.as_secs_f64() * 1e3))
        };
        let long = self.0.iter().filter(|took| took.as_millis() >= 10).count();
        let reached = goal.zip(at(99)).map_or(String::new(), |(goal, took)| {
            let word = if *took < goal { "reached" } else { "missed" };
            format!("; 99 % below {} ms: {word}", goal.as_millis())
        });
        println!(
            "figure\t{ROW}\t{what}: {} times, least {} ms, median {}, 99 % {}, most {}; {long} of 10 ms or more{reached}",
            self.0.len(),
            show(0),
            show(50),
            show(99),
            show(100)
        );
    }
}

/// A piece of this length is one seed.
const PIECE: u64 = 60;

/// Works until the time is over.
pub fn row(options: &Options) -> bool {
    let mut tally = Tally::new(ROW);
    let Some(outputs) = project::native() else { return false };
    let mut found = lock::Found::default();
    let mut done = busy::Done::default();
    for seed in options.seeds() {
        tally.begin(seed);
        let left = options.until.saturating_duration_since(Instant::now()).as_secs();
        let piece = left.clamp(4, PIECE);
        let sandbox = Sandbox::new();
        lock::prepare(&sandbox);
        if let Err(error) = project::write(&sandbox.path("project")) {
            println!("the sources cannot be written: {error}");
            return false;
        }
        sandbox.ok(["ingest", "project", "--name", "w"]);
        // A quarter for the lock, the rest for all at once.
        let until = Instant::now() + Duration::from_secs(piece / 4);
        let locks = lock::stop_and_kill(&sandbox, until, &mut found);
        let busy = busy::busy(&sandbox, &outputs, (piece * 3 / 4).max(2), seed);
        let wrong: Vec<String> =
            [locks.err(), busy.as_ref().err().cloned()].into_iter().flatten().collect();
        if let Ok(more) = busy {
            done.operations += more.operations;
            done.builds += more.builds;
            done.collections += more.collections;
            done.checks += more.checks;
            done.forks += more.forks;
        }
        if !wrong.is_empty() {
            let kept = sandbox.keep();
            tally.violated(seed, &wrong.join("; "), Some(&kept));
            break;
        }
    }
    println!(
        "{} operations of 64 writers and readers, beside {} builds, {} gc, {} fsck, {} snapshots with a fork and a folding",
        done.operations, done.builds, done.collections, done.checks, done.forks
    );
    found.beside_stopped.say("a reader beside a stopped owner of the lock", None);
    found.beside_dead.say("a reader beside a dead owner of the lock", None);
    found.hand_over.say("from a kill of the owner to the next one's change", Some(HAND_OVER));
    tally.tested = done.operations
        + done.builds
        + done.collections
        + done.checks
        + done.forks
        + found.stopped
        + found.killed;
    tally.say()
}
