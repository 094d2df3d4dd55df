//! Row `power`: `scripts/power-cuts`, which tells its own tally.

use std::process::Command;

use vrift_tests::source;

use crate::options::Options;

/// Cuts the power until the time is over.
pub fn row(options: &Options) -> bool {
    let cuts = if options.cases == u64::MAX { 1_000_000 } else { options.cases };
    let mut script = Command::new(source::root().join("scripts/power-cuts"));
    script.args([cuts.to_string(), "--seed".into(), options.seed.to_string()]);
    // Some of the time is for the control at the end.
    script.args(["--seconds", &options.seconds.saturating_sub(30).max(10).to_string()]);
    match script.status() {
        Ok(status) => status.success(),
        Err(error) => {
            println!("scripts/power-cuts: {error}");
            false
        }
    }
}
