//! The command line as a whole. Each command's own arguments are in its file below `commands`.

use std::ffi::OsString;

use clap::{CommandFactory, Parser};

use crate::commands::{Command, FIND_WORDS};
use crate::output::Colour;

/// A directory tree as data: workspaces that are forked in constant time and keep every state they ever had.
#[derive(Debug, Parser)]
#[command(name = "vrift", version, max_term_width = 100, arg_required_else_help = true)]
#[command(disable_help_subcommand = true)]
#[command(
    after_help = "A PLACE is NAME, NAME@SEQ or NAME@SNAPSHOT, then optionally :PATH. PATH starts at the \
    root of the tree, or is absolute below its mount path. NAME may be left out (`:src/main.c`, `@before`): it \
    is then the workspace whose mount path holds the current directory, of several the one that was ingested.\n\n\
    Exit codes: 0 done, 1 failed or incomplete, 2 wrong usage.\n\
    The store is $VRIFT_HOME, else $XDG_DATA_HOME/vrift, else ~/.local/share/vrift."
)]
pub struct Cli {
    /// When to use colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub color: Colour,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The command line without what only we call.
pub fn shown() -> clap::Command {
    let all = Cli::command();
    let commands = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("vrift")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .after_help(all.get_after_help().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .args(all.get_arguments().cloned())
        .subcommands(commands)
}

/// The arguments of this process, with the words of `find` made ones that begin with two `-`.
pub fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|command| command == "find") {
        for argument in arguments.iter_mut().skip(2) {
            if let Some(word) = FIND_WORDS.iter().find(|word| argument == *word) {
                *argument = format!("-{word}").into();
            }
        }
    }
    arguments
}

/// Whether the command line asks for a command to be run.
pub fn is_run() -> bool {
    let before = |argument: &OsString| argument != "--";
    std::env::args_os().skip(1).take_while(before).any(|argument| argument == "run")
}

/// Whether its first word does.
pub fn begins_with_run() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == "run")
}
