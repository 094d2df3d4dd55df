//! One file for each command: its arguments, whose documentation is its help, and `run`.

mod cat;
mod diff;
mod drop;
mod export;
mod fork;
mod fsck;
mod gc;
mod ingest;
mod list;
mod log;
mod ls;
mod snapshot;
mod stat;

use clap::Subcommand;

use crate::error::Result;
use crate::output::Output;

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a comment here would replace the command's own, which is its help"
)]
pub enum Command {
    Ingest(ingest::Args),
    List(list::Args),
    Ls(ls::Args),
    Stat(stat::Args),
    Cat(cat::Args),
    Log(log::Args),
    Diff(diff::Args),
    Export(export::Args),
    Snapshot(snapshot::Args),
    Fork(fork::Args),
    Drop(drop::Args),
    Fsck(fsck::Args),
    Gc(gc::Args),
}

/// Does what the command line says.
pub fn run(command: Command, output: &mut Output<'_>) -> Result<()> {
    match command {
        Command::Ingest(args) => args.run(output),
        Command::List(args) => args.run(output),
        Command::Ls(args) => args.run(output),
        Command::Stat(args) => args.run(output),
        Command::Cat(args) => args.run(output),
        Command::Log(args) => args.run(output),
        Command::Diff(args) => args.run(output),
        Command::Export(args) => args.run(output),
        Command::Snapshot(args) => args.run(output),
        Command::Fork(args) => args.run(output),
        Command::Drop(args) => args.run(output),
        Command::Fsck(args) => args.run(output),
        Command::Gc(args) => args.run(output),
    }
}
