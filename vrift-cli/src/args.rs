//! The command line as a whole. Each command's own arguments are in its file below `commands`.

use clap::Parser;

use crate::output::Colour;

/// A directory tree as data: workspaces that are forked in constant time and keep every state they ever had.
#[derive(Debug, Parser)]
#[command(name = "vrift", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed or incomplete, 2 wrong usage.\n\
    The store is $VRIFT_HOME, else $XDG_DATA_HOME/vrift, else ~/.local/share/vrift.")]
pub struct Cli {
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Colour,
}
