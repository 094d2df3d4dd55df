//! `vrift doctor`.

use std::io::Write;
use std::path::PathBuf;

use crate::doctor::{self, Check, Outcome};
use crate::error::{Error, Result};
use crate::output::{Output, human};

/// Check what this machine allows, and what that means
///
/// Each mechanism is tried: in a scratch directory on the file system of the store, with a store and a workspace of its
/// own, in which a program is compiled and run. All of it is removed again; the real store is only looked at, and no
/// workspace is touched. Where something is missing, the line below says what that means.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 if everything works that vrift needs, also where something optional is missing; 1 if something \
    that it needs is missing.\n\n\
    Examples:\n  vrift doctor\n  VRIFT_HOME=/mnt/disk/vrift vrift doctor      would a store work there?"
)]
pub struct Args {
    /// One JSON array
    #[arg(long)]
    json: bool,

    /// Be killed with the lock in this file in hand, for another process to see what the kernel makes of it
    #[arg(long, value_name = "FILE", hide = true)]
    dies_with: Option<PathBuf>,
}

impl Args {
    /// Checks.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        if let Some(path) = &self.dies_with {
            let tried = vrift_manifest::robust::die_with(path);
            return tried.map_err(|error| Error::at("lock", path, error));
        }
        output.set_json(self.json);
        let (mut fails, mut missing) = (0, 0);
        let mut listing = output.listing();
        let examined = doctor::examine(&mut |check: &Check| {
            fails += u64::from(check.outcome == Outcome::Fails);
            missing += u64::from(check.outcome == Outcome::Missing);
            listing.add(|| check.row(), |output| check.write(output))
        });
        listing.end()?;
        examined.map_err(|error| match error.is_interruption() {
            true => error.left("nothing is left behind"),
            false => error,
        })?;
        if !self.json {
            let optional = match missing {
                0 => String::new(),
                number => format!("; optional and missing: {}", human::count(number)),
            };
            match fails {
                0 => writeln!(output, "\nEverything works that vrift needs{optional}.")?,
                number => {
                    writeln!(output, "\nNeeded and missing: {}{optional}.", human::count(number))?
                }
            }
        }
        if fails == 0 { Ok(()) } else { Err(Error::incomplete()) }
    }
}
