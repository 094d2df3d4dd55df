//! One file for each command: its arguments, whose documentation is its help, and `run`.

mod apply;
mod blame;
mod cat;
mod compact;
mod completions;
mod diff;
mod doctor;
mod drop;
mod du;
mod env;
mod exec;
mod export;
mod find;
mod fork;
mod fsck;
mod gc;
mod ingest;
mod list;
mod log;
mod ls;
mod manual;
mod reset;
mod run;
mod snapshot;
mod stat;
mod status;
mod sync;
mod tree;

use clap::Subcommand;

pub use find::WORDS as FIND_WORDS;

pub use run::{BEFORE as NOT_STARTED, begin};

use crate::error::Result;
use crate::output::Output;
use crate::run::Back;

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "a comment here would replace the command's own, which is its help"
)]
pub enum Command {
    Ingest(ingest::Args),
    Run(run::Args),
    Status(status::Args),
    Sync(sync::Args),
    Apply(apply::Args),
    Env(env::Args),
    List(list::Args),
    Ls(ls::Args),
    Tree(tree::Args),
    Find(find::Args),
    Du(du::Args),
    Stat(stat::Args),
    Cat(cat::Args),
    Log(log::Args),
    Blame(blame::Args),
    Diff(diff::Args),
    Export(export::Args),
    Snapshot(snapshot::Args),
    Fork(fork::Args),
    Reset(reset::Args),
    Drop(drop::Args),
    Fsck(fsck::Args),
    Gc(gc::Args),
    Compact(compact::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Manual(manual::Args),
    #[command(name = exec::NAME)]
    Exec(exec::Args),
}

/// Does what the command line says.
pub fn run(command: Command, output: &mut Output<'_>, back: Option<Back>) -> Result<()> {
    match command {
        Command::Ingest(args) => args.run(output),
        Command::Run(args) => args.run(output, back),
        Command::Status(args) => args.run(output),
        Command::Sync(args) => args.run(output),
        Command::Apply(args) => args.run(output),
        Command::Env(args) => args.run(output),
        Command::List(args) => args.run(output),
        Command::Ls(args) => args.run(output),
        Command::Tree(args) => args.run(output),
        Command::Find(args) => args.run(output),
        Command::Du(args) => args.run(output),
        Command::Stat(args) => args.run(output),
        Command::Cat(args) => args.run(output),
        Command::Log(args) => args.run(output),
        Command::Blame(args) => args.run(output),
        Command::Diff(args) => args.run(output),
        Command::Export(args) => args.run(output),
        Command::Snapshot(args) => args.run(output),
        Command::Fork(args) => args.run(output),
        Command::Reset(args) => args.run(output),
        Command::Drop(args) => args.run(output),
        Command::Fsck(args) => args.run(output),
        Command::Gc(args) => args.run(output),
        Command::Compact(args) => args.run(output),
        Command::Doctor(args) => args.run(output),
        Command::Completions(args) => args.run(output),
        Command::Manual(args) => args.run(),
        Command::Exec(args) => args.run(),
    }
}
