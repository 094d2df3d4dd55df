//! `vrift status`.

use std::io::Write;

use crate::error::{Error, Result};
use crate::home;
use crate::origin::{Job, Show, Verdict};
use crate::output::{Output, human, names};
use crate::place::Name;

/// Show what differs between a workspace and the directory that it was ingested from
///
/// Each line says on which side it changed since both were the same last (at the last ingest, sync or apply):
/// `workspace`, which `vrift apply` writes back; `directory`, which `vrift sync` takes in; `both`, which is the same on
/// both sides but for its time, or a directory that both have made, and of which either command has its way; `conflict`, which neither touches without --force; `unknown`, which cannot be read, or is
/// being written at this moment. A directory that only one side has stands for all that is in it.
///
/// Nothing is changed. Of the directory only what may have changed is read.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What counts: type, content, permission, owner, extended attributes, and the modification time of what is no \
    directory. What was left out by --exclude when it was ingested is left out here.\n\n\
    Examples:\n  \
    vrift status                    the workspace of the current directory\n  \
    vrift status lua --exit-code    for a script: 1 if anything differs\n  \
    vrift status lua --json         one object for each path"
)]
pub struct Args {
    /// The workspace; that of the current directory if not told
    #[arg(value_name = "WS")]
    workspace: Option<Name>,

    /// Exit code 1 if anything differs
    #[arg(long)]
    exit_code: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Compares the two.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?;
        let name = home::workspace_name(&home, self.workspace.as_ref())?;
        let job = Job::open(&home, name.as_str(), false)?;
        let real = job.look()?;
        let compared = job.sides(&real).compare()?;
        Show::lines(&compared.differences, output)?;
        if output.is_terminal() && !self.json {
            let directory = names::path(&job.origin.directory);
            match compared.differences.len() as u64 {
                0 => writeln!(output, "'{name}' and '{directory}' are the same")?,
                paths => {
                    let differ = human::counted(paths, "difference");
                    writeln!(output, "'{name}' and '{directory}': {differ}")?;
                }
            }
            if compared.has(Verdict::Ours) {
                writeln!(
                    output,
                    "hint: `vrift apply {name}` writes back what changed in the workspace"
                )?;
            }
            if compared.has(Verdict::Real) {
                writeln!(
                    output,
                    "hint: `vrift sync {name}` takes in what changed in the directory"
                )?;
            }
        }
        let problems = real.problems();
        if !problems.is_empty() {
            output.flush()?;
            let mut stderr = std::io::stderr();
            for problem in problems {
                // Whoever closed standard error does not want to know; the exit code says it too.
                let _ = writeln!(stderr, "vrift: {problem}");
            }
            return Err(Error::incomplete());
        }
        let differs = !compared.differences.is_empty();
        if self.exit_code && differs { Err(Error::incomplete()) } else { Ok(()) }
    }
}
