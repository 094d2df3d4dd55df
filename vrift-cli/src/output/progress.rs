//! A line that shows how far a long operation is: on a terminal only.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::human;

/// What an operation counts while it works. Any thread may add.
#[derive(Debug, Default)]
pub struct Counters {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// Counts one file of `bytes`.
    pub fn file(&self, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Files counted so far.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes counted so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Shows `counters` until it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Starts to show `label` and the counters on standard error, if that is a terminal and the output is not JSON.
    pub fn show(label: &'static str, counters: &Arc<Counters>, json: bool) -> Progress {
        if json || !std::io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let seen = Arc::clone(counters);
        let style = ProgressStyle::with_template("{spinner} {msg} {counted} {elapsed}");
        if let Ok(style) = style {
            let counted = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
                let (files, bytes) =
                    (human::counted(seen.files(), "file"), human::size(seen.bytes()));
                // There is nothing to be done about a terminal that refuses the text.
                let _ = write!(text, "{files}, {bytes}");
            };
            bar.set_style(style.with_key("counted", counted));
        }
        bar.set_message(label);
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
