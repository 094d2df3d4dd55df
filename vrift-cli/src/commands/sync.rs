//! `vrift sync`.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::home;
use crate::origin::{Difference, Job, Synced, Verdict, said_of};
use crate::output::{Output, Row, human, names};
use crate::place::Name;

/// Take into a workspace what changed in the directory that it was ingested from
///
/// The workspace keeps what it has changed itself. It is one step of its history; the state before is still there under its
/// number. Only what changed is read. `vrift ingest` of the directory, in contrast, makes the tree the directory's.
///
/// What both have changed, and not alike, is a conflict: it is named, stays as it is in the workspace, and the exit code
/// is 1. So is what the one has removed and the other changed, and a directory that the one has removed and in which the
/// other has something new.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vrift status lua            what differs, and who has changed it\n  \
    vrift sync lua              what was edited in the directory is in the workspace\n  \
    vrift sync lua --force      of conflicts, what the directory has")]
pub struct Args {
    /// The workspace; that of the current directory if not told
    #[arg(value_name = "WS")]
    workspace: Option<Name>,

    /// Take also what both have changed: the workspace's version stays in its history
    #[arg(long)]
    force: bool,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Takes it in.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let begun = Instant::now();
        let home = home::for_writing()?;
        let name = home::workspace_name(&home, self.workspace.as_ref())?;
        crate::interrupt::say(format!("the next `vrift sync` of {name} goes on from here"));
        let mut job = Job::open(&home, name.as_str(), true)?;
        let before = job.seq;
        let done = job.sync(self.force)?;
        let seconds = begun.elapsed().as_secs_f64();
        let taken = |difference: &&Difference| match difference.verdict {
            Verdict::Real | Verdict::Either => done.seq.is_some(),
            Verdict::Conflict => self.force,
            _ => false,
        };
        let differences = &done.compared.differences;
        let entries = differences.iter().filter(taken).map(|difference| difference.entries).sum();
        let conflicts: Vec<&Difference> = match self.force {
            true => Vec::new(),
            false => done.compared.with(Verdict::Conflict).collect(),
        };
        let directory = &job.origin.directory;
        if self.json {
            let row = Row::new()
                .with("workspace", name.as_str())
                .name("directory", directory.as_os_str().as_bytes())
                .with("seq", done.seq.unwrap_or(before))
                .with("changed", done.seq.is_some())
                .with("entries", entries)
                .with("conflicts", super::apply::conflict_rows(&conflicts))
                .with("problems", problem_rows(&done))
                .with("seconds", (seconds * 1e6).round() / 1e6);
            output.document(&row)?;
        } else {
            let directory = names::path(directory);
            match done.seq {
                None => {
                    writeln!(output, "{name}: nothing to take in from {directory}; {seconds:.2} s")?
                }
                Some(seq) => {
                    let what = super::apply::entries(entries);
                    writeln!(output, "{directory} -> {name}@{seq}: {what}; {seconds:.2} s")?;
                }
            }
        }
        if conflicts.is_empty() && done.problems.is_empty() {
            return Ok(());
        }
        output.flush()?;
        let mut stderr = std::io::stderr();
        // Whoever closed standard error does not want to know; the exit code says it too.
        for problem in &done.problems {
            let _ = writeln!(stderr, "vrift: {problem}");
        }
        for conflict in &conflicts {
            let _ = writeln!(stderr, "vrift: conflict: {}", said_of(conflict));
        }
        if !conflicts.is_empty() {
            let number = human::counted(conflicts.len() as u64, "conflict");
            let _ = writeln!(stderr, "vrift: {number}: left in the workspace as it was there");
            let _ = writeln!(
                stderr,
                "hint: `vrift sync --force {name}` takes the directory's version, \
                 `vrift apply --force {name}` writes the workspace's over it"
            );
        }
        Err(Error::incomplete())
    }
}

fn problem_rows(done: &Synced) -> Vec<Row> {
    let row = |problem: &crate::ingest::Problem| {
        Row::new().name("path", &problem.path).with("what", problem.what.to_string())
    };
    done.problems.iter().map(row).collect()
}
