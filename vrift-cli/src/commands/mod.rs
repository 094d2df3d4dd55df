//! One file for each command: its arguments, whose documentation is its help, and `run`.

use crate::args::Cli;
use crate::error::{Error, Result};
use crate::output::Output;

/// Does what the command line says.
pub fn run(_: Cli, _: &mut Output<'_>) -> Result<()> {
    Err(Error::usage("no command was given").hint("`vrift --help` shows what there is"))
}
