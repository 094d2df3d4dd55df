//! What the command `vrift` is made of: a thin layer over the libraries, which knows the terminal, the environment
//! and the real directories that trees come from and go to.
#![deny(unsafe_code)]

pub mod args;
pub mod commands;
pub mod content;
pub mod diff;
mod doctor;
pub mod error;
pub mod export;
pub mod fsck;
mod hints;
pub mod history;
pub mod home;
pub mod ingest;
pub mod interrupt;
pub mod located;
pub mod node;
pub mod origin;
pub mod output;
pub mod place;
pub mod run;
pub mod stack;
pub mod totals;
mod walk;

use std::io::Write;
use std::sync::Arc;

use clap::Parser;

/// Parses the command line, does what it says and reports how that ended: the exit code.
pub fn main() -> u8 {
    // A file size limit is an error like a full disk, with a message; the signal would kill. Where it cannot be caught
    // it kills, and the store is as whole as after any kill. What is ignored already stays so in what we start.
    if !is_ignored(signal_hook::consts::SIGXFSZ) {
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
    // Before anything else is in this process's memory, of which it would then be two.
    let back = match args::begins_with_run().then(commands::begin) {
        None => None,
        Some(Ok(back)) => Some(back),
        Some(Err(error)) => return ended(&error),
    };
    let cli = match args::Cli::try_parse_from(args::arguments()) {
        Ok(cli) => cli,
        // Help and version go to standard output, which may be a closed pipe; that is no error.
        Err(error) => {
            let error = escaped(error);
            let _ = error.print();
            return match (error.use_stderr(), args::is_run()) {
                (false, _) => 0,
                (true, false) => 2,
                // Other codes are those of the command that would have been run.
                (true, true) => commands::NOT_STARTED,
            };
        }
    };
    let mut output = output::Output::stdout(cli.color);
    let done = commands::run(cli.command, &mut output, back);
    // What was written before an error is shown before the error.
    let written = output.finish();
    match done.and(written) {
        Ok(()) => 0,
        Err(error) => ended(&error),
    }
}

/// Tells of an error, and ends as it says.
fn ended(error: &error::Error) -> u8 {
    let mut stderr = std::io::stderr();
    let code = error.report(&mut stderr);
    let _ = stderr.flush();
    if let error::Kind::Interrupted(signal) = error.kind() {
        interrupt::die_of(signal);
    }
    code
}

/// Whether the caller wants this process, and what it starts, to ignore a signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
    set >> signal.saturating_sub(1) & 1 == 1
}

/// The error with what the user wrote shown as names are: it may hold line ends and a terminal's commands.
fn escaped(mut error: clap::Error) -> clap::Error {
    use clap::error::{ContextKind, ContextValue};
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand]
    {
        if let Some(ContextValue::String(text)) = error.get(kind) {
            let shown = output::names::shown(text.as_bytes()).to_string();
            error.insert(kind, ContextValue::String(shown));
        }
    }
    error
}
