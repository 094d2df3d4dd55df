//! `vrift apply`.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use vrift_manifest::workspace::Home;

use crate::error::{Error, Result};
use crate::home;
use crate::interrupt;
use crate::origin::{Applied, Difference, Job, Verdict, said_of};
use crate::output::{Output, Row, human, names};
use crate::place::Name;

/// Write what changed in a workspace back to the directory that it was ingested from
///
/// Contents, types, permissions, symlinks, hard links, extended attributes and modification times are the workspace's
/// afterwards, so that `make` in the directory finds everything up to date. What changed in the directory only stays as
/// it is there; `vrift sync` takes it in. When it is done, it is on the disk.
///
/// What both have changed, and not alike, is a conflict: it is named, stays as it is in the directory, and the exit code
/// is 1. Each file is looked at again at the moment in which it is replaced, and one that somebody is writing stays. Nothing
/// is ever written through a symlink out of the directory. What a killed or refused apply has left undone, the next one does.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What was left out by --exclude when it was ingested is not written. A file of another owner is replaced by \
    root only.\n\n\
    Examples:\n  \
    vrift status lua                 what differs, and who has changed it\n  \
    vrift apply lua                  what was built in the workspace is in the directory\n  \
    vrift run --apply -- make        both in one step\n  \
    vrift apply lua --force          also over what was changed in the directory, which is lost then"
)]
pub struct Args {
    /// The workspace; that of the current directory if not told
    #[arg(value_name = "WS")]
    workspace: Option<Name>,

    /// Write also what both have changed: the directory's version is lost
    #[arg(long)]
    force: bool,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Writes it back.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_writing()?;
        let name = home::workspace_name(&home, self.workspace.as_ref())?;
        let written = Written::of(&home, &name, self.force)?;
        if self.json {
            output.document(&written.row())?;
        } else {
            writeln!(output, "{}", written.text())?;
        }
        output.flush()?;
        if written.tell() { Ok(()) } else { Err(Error::incomplete()) }
    }
}

/// An apply that took place.
pub struct Written {
    name: Name,
    directory: std::path::PathBuf,
    seq: u64,
    force: bool,
    applied: Applied,
    seconds: f64,
}

impl Written {
    /// Writes a workspace back.
    pub fn of(home: &Home, name: &Name, force: bool) -> Result<Written> {
        let begun = Instant::now();
        interrupt::watch();
        let mut job = Job::open(home, name.as_str(), true)?;
        refuse_store(home, &job.origin.directory)?;
        let applied = job.apply(force).map_err(|error| match error.is_interruption() {
            true => error
                .left(format!(
                    "not all is written back to '{}', of which each file is whole",
                    names::path(&job.origin.directory)
                ))
                .hint(format!("`vrift apply {name}` goes on")),
            false => error,
        })?;
        let seconds = begun.elapsed().as_secs_f64();
        let (name, directory) = (name.clone(), job.origin.directory.clone());
        Ok(Written { name, directory, seq: job.seq, force, applied, seconds })
    }

    /// In one line.
    pub fn text(&self) -> String {
        let (name, seconds) = (&self.name, self.seconds);
        let directory = names::path(&self.directory);
        match self.applied.entries {
            0 => format!("{name}: nothing to write to {directory}; {seconds:.2} s"),
            number => {
                let what = entries(number);
                format!("{name}@{} -> {directory}: {what}; {seconds:.2} s", self.seq)
            }
        }
    }

    fn conflicts(&self) -> Vec<&Difference> {
        match self.force {
            true => Vec::new(),
            false => self.applied.compared.with(Verdict::Conflict).collect(),
        }
    }

    fn row(&self) -> Row {
        let problems: Vec<Row> = self
            .applied
            .problems
            .iter()
            .map(|problem| Row::new().name("path", &problem.path).with("what", &problem.what))
            .collect();
        Row::new()
            .with("workspace", self.name.as_str())
            .name("directory", self.directory.as_os_str().as_bytes())
            .with("seq", self.seq)
            .with("entries", self.applied.entries)
            .with("conflicts", conflict_rows(&self.conflicts()))
            .with("problems", problems)
            .with("seconds", (self.seconds * 1e6).round() / 1e6)
    }

    /// Names what was not written, on standard error; whether everything was.
    pub fn tell(&self) -> bool {
        let (conflicts, problems) = (self.conflicts(), &self.applied.problems);
        let mut stderr = io::BufWriter::new(io::stderr());
        // Whoever closed standard error does not want to know; the exit code says it too.
        for problem in problems {
            let _ = writeln!(stderr, "vrift: {}: {}", shown(&problem.path), problem.what);
        }
        for conflict in &conflicts {
            let _ = writeln!(stderr, "vrift: conflict: {}", said_of(conflict));
        }
        if !conflicts.is_empty() {
            let (number, name) = (human::counted(conflicts.len() as u64, "conflict"), &self.name);
            let _ = writeln!(stderr, "vrift: {number}: left in the directory as it was there");
            let _ = writeln!(
                stderr,
                "hint: `vrift apply --force {name}` writes the workspace's version over it, \
                 `vrift sync --force {name}` takes in the directory's"
            );
        }
        let _ = stderr.flush();
        conflicts.is_empty() && problems.is_empty()
    }
}

fn shown(path: &[u8]) -> String {
    if path.is_empty() { ".".to_owned() } else { names::shown(path).to_string() }
}

/// Conflicts as JSON.
pub fn conflict_rows(conflicts: &[&Difference]) -> Vec<Row> {
    conflicts.iter().map(|conflict| crate::origin::row(conflict)).collect()
}

/// A number of entries.
pub fn entries(number: u64) -> String {
    let word = if number == 1 { "entry" } else { "entries" };
    format!("{} {word}", human::count(number))
}

/// What is written into the store would be taken for something that the store made.
fn refuse_store(home: &Home, directory: &std::path::Path) -> Result<()> {
    let store = home.store().root().canonicalize();
    if store.is_ok_and(|store| directory.starts_with(store)) {
        let directory = names::path(directory);
        return Err(Error::failed(format!("'{directory}' is in the store itself")));
    }
    Ok(())
}
