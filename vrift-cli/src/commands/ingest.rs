//! `vrift ingest DIR`.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::home;
use crate::ingest::{Exclude, Ingested, Job, Problem, Step};
use crate::output::progress::{Counters, Progress};
use crate::output::{Output, Row, human, names};
use crate::place::Name;

/// Make a workspace of a directory, or bring its workspace up to date
///
/// The first time, everything below DIR goes into the store, and a workspace named after it is made. After that, only
/// what changed is read, deletions too; an earlier state stays reachable as NAME@SEQ. DIR itself is never changed.
///
/// A file that cannot be read keeps the version of the last ingest; it is named, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A GLOB without '/' leaves out entries of that name at any depth, one with '/' is a path from DIR on; \
    a '/' at the end is for directories only. Globs are remembered for the next time; new ones replace them.\n\n\
    Examples:\n  \
    vrift ingest ~/src/lua                            the workspace 'lua', seen at ~/src/lua\n  \
    vrift ingest . --name experiment                  under another name\n  \
    vrift ingest src --at /vrift/project              seen by processes at another path\n  \
    vrift ingest . --exclude target/ --exclude '*.o'  without what is built"
)]
pub struct Args {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// The workspace's name; the directory's if not told
    #[arg(long)]
    name: Option<Name>,

    /// Where processes see the tree: an absolute path, which need not exist; DIR if not told
    #[arg(long, value_name = "PATH")]
    at: Option<PathBuf>,

    /// Leave out what matches; may be given several times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,

    /// Replace also changes that were made in the workspace, as one step of its history
    #[arg(long)]
    force: bool,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Reads the directory into its workspace.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        Exclude::new(&self.exclude).map_err(|error| {
            Error::usage("a glob to be excluded cannot be understood").caused_by(error)
        })?;
        let mount = self.at.as_deref().map(mount_path).transpose()?;
        let directory = self
            .directory
            .canonicalize()
            .map_err(|error| Error::at("find the directory", &self.directory, error))?;
        let name = match self.name {
            Some(name) => name,
            None => directory
                .file_name()
                .and_then(|name: &OsStr| Name::from_directory(name))
                .ok_or_else(|| {
                    let path = names::path(&directory);
                    Error::usage(format!("the name of '{path}' cannot be one of a workspace"))
                        .hint("--name NAME gives it another")
                })?,
        };
        let begun = Instant::now();
        crate::interrupt::say(format!("the next `vrift ingest` of {name} goes on from here"));
        let home = home::for_creating()?;
        refuse_store(home.store().root(), &directory)?;
        let counters = Arc::new(Counters::default());
        let progress = Progress::show("reading", &counters, self.json);
        let job = Job {
            home: &home,
            directory: &directory,
            name: &name,
            mount: mount.as_deref(),
            excludes: &self.exclude,
            force: self.force,
            counters: &counters,
        };
        let done = job.run();
        drop(progress);
        let done = done?;
        let seconds = begun.elapsed().as_secs_f64();
        if self.json {
            output.document(&row(&name, &directory, &done, seconds))?;
        } else {
            say(output, &name, &done, seconds)?;
        }
        if done.problems.is_empty() {
            return Ok(());
        }
        output.flush()?;
        tell(&done.problems);
        Err(Error::incomplete())
    }
}

/// A mount path is absolute and has neither `.` nor `..` in it, so that comparing paths is enough.
fn mount_path(path: &Path) -> Result<PathBuf> {
    use std::path::Component;
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if path.is_absolute() && path.components().all(plain) {
        // Collecting the components leaves out needless slashes.
        return Ok(path.components().collect());
    }
    let shown = names::path(path);
    Err(Error::usage(format!(
        "'{shown}' cannot be a mount path: it has to be absolute, without '..'"
    )))
}

/// A store within itself would grow with every ingest.
fn refuse_store(store: &Path, directory: &Path) -> Result<()> {
    let store = store.canonicalize().map_err(|error| Error::at("find the store", store, error))?;
    if directory.starts_with(&store) {
        let (directory, store) = (names::path(directory), names::path(&store));
        return Err(Error::failed(format!("'{directory}' is in the store itself, '{store}'")));
    }
    Ok(())
}

fn row(name: &Name, directory: &Path, done: &Ingested, seconds: f64) -> Row {
    use std::os::unix::ffi::OsStrExt;
    let problems: Vec<Row> = done
        .problems
        .iter()
        .map(|problem| {
            Row::new().name("path", &problem.path).with("what", problem.what.to_string())
        })
        .collect();
    Row::new()
        .with("workspace", name.as_str())
        .name("directory", directory.as_os_str().as_bytes())
        .with("seq", done.seq)
        .with("changed", done.step != Step::Unchanged)
        .with("files", done.files)
        .with("bytes", done.bytes)
        .with("new_contents", done.new_contents)
        .with("new_bytes", done.new_bytes)
        .with("seconds", (seconds * 1e6).round() / 1e6)
        .with("problems", problems)
}

fn say(output: &mut Output<'_>, name: &Name, done: &Ingested, seconds: f64) -> Result<()> {
    let files = human::counted(done.files, "file");
    let (bytes, new) = (human::size(done.bytes), human::size(done.new_bytes));
    match done.step {
        Step::Unchanged => {
            writeln!(output, "{name}: nothing changed: {files}, {bytes}; {seconds:.2} s")?;
        }
        Step::Made => writeln!(output, "{name}: {files}, {bytes}, {new} new; {seconds:.2} s")?,
        Step::Changed => {
            writeln!(output, "{name}@{}: {files}, {bytes}, {new} new; {seconds:.2} s", done.seq)?;
        }
    }
    Ok(())
}

/// Names what could not be kept, on standard error.
fn tell(problems: &[Problem]) {
    let mut stderr = io::BufWriter::new(io::stderr());
    // Whoever closed standard error does not want to know; the exit code says it too.
    for problem in problems {
        let _ = writeln!(stderr, "vrift: {problem}");
    }
    let number = human::count(problems.len() as u64);
    let what = if problems.len() == 1 { "entry is" } else { "entries are" };
    let _ = writeln!(
        stderr,
        "vrift: {number} {what} not as in the directory; an earlier version is kept where there was one"
    );
    let _ = writeln!(
        stderr,
        "hint: make them readable, or leave them out by --exclude, and ingest again"
    );
    let _ = stderr.flush();
}
