//! Nothing waits for ever: a thread that looks whether what is done in this process comes to an end.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::tally::violation;

/// What is done at present, in this process, and until when it has to be over.
struct Work {
    until: Instant,
    row: &'static str,
    seed: u64,
    what: String,
    kept: PathBuf,
}

static WORK: Mutex<Option<Work>> = Mutex::new(None);

/// The longest that anything may take which is not waiting: a hundred times what it takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(120);

/// Begins to watch. Once.
pub fn start() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let Ok(work) = WORK.lock() else { return };
            if let Some(work) = &*work
                && Instant::now() > work.until
            {
                let why = format!("{}: hangs in this process", work.what);
                violation(work.row, work.seed, &why, Some(&work.kept));
                println!("tally\t{}\t0\t1\t{}", work.row, work.seed);
                std::process::exit(1);
            }
        }
    });
}

/// Does something that has to come to an end.
pub fn watched<T>(
    (row, seed): (&'static str, u64),
    what: &str,
    kept: &std::path::Path,
    work: impl FnOnce() -> T,
) -> T {
    let (until, what, kept) = (Instant::now() + LONG, what.to_owned(), kept.to_owned());
    set(Some(Work { until, row, seed, what, kept }));
    let done = work();
    set(None);
    done
}

fn set(work: Option<Work>) {
    if let Ok(mut place) = WORK.lock() {
        *place = work;
    }
}
