//! `vrift export PLACE DEST`.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{Mode, OFlags};

use crate::error::{Error, Result};
use crate::export::{self, ExportError, Loss, OfTree};
use crate::home;
use crate::located::Located;
use crate::output::progress::{Counters, Progress};
use crate::output::{Output, Row, human, names};
use crate::place::Place;

/// Write a tree, or a part of it, to a real directory
///
/// Modes, times, links, symlinks and extended attributes are kept, owners too when root does it. Nothing outside of
/// DEST is ever written, whatever names and symlinks the tree has. When it is done, it is on the disk.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "DEST is made if it is not there; its parent has to be. Entries of DEST that the tree does not have \
    are left alone, with --force too.\n\n\
    Examples:\n  \
    vrift export lua /tmp/lua                  the present state\n  \
    vrift export lua@1042 /tmp/then            an earlier one\n  \
    vrift export lua@release:src/lua.h lua.h   one file of a snapshot\n  \
    vrift export lua ~/src/lua --force         over what is there"
)]
pub struct Args {
    /// What to write
    place: Place,

    /// The directory to write it to; for a file or symlink, its new name
    #[arg(value_name = "DEST")]
    destination: PathBuf,

    /// Replace what is there
    #[arg(long)]
    force: bool,

    /// Compare the tree's image with its digest, and build its live index anew from the journal, before it is looked at
    #[arg(long)]
    verify: bool,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Writes the tree.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let begun = Instant::now();
        crate::interrupt::watch();
        let home = home::for_reading_some()?.verifying(self.verify);
        let located = Located::of(&home, &self.place)?;
        let node = located.cursor(false)?;
        refuse_store(home.store().root(), &self.destination)?;
        let counters = Arc::new(Counters::default());
        let progress = Progress::show("writing", &counters, self.json);
        let source = OfTree { tree: located.tree(), store: home.store() };
        let options = export::Options { force: self.force, threads: None };
        let report = export::export(&source, node, &self.destination, &options, &counters)
            .map_err(|error| told(error, self.force))?;
        sync(&self.destination)?;
        drop(progress);
        let seconds = begun.elapsed().as_secs_f64();
        if self.json {
            let losses: Vec<Row> = report
                .losses
                .iter()
                .map(|loss| Row::new().name("path", &loss.path).with("what", loss.what.to_string()))
                .collect();
            let row = Row::new()
                .with("workspace", located.workspace.name())
                .with("seq", located.seq)
                .name("destination", self.destination.as_os_str().as_bytes())
                .with("files", counters.files())
                .with("bytes", counters.bytes())
                .with("seconds", (seconds * 1e6).round() / 1e6)
                .with("problems", losses);
            output.document(&row)?;
        } else {
            let files = human::counted(counters.files(), "file");
            let (bytes, place) = (human::size(counters.bytes()), located.named());
            let destination = names::path(&self.destination);
            writeln!(output, "{place} -> {destination}: {files}, {bytes}; {seconds:.2} s")?;
        }
        if report.losses.is_empty() {
            return Ok(());
        }
        output.flush()?;
        tell(&report.losses);
        Err(Error::incomplete())
    }
}

/// An export into the store would be taken for something that the store made.
fn refuse_store(store: &Path, destination: &Path) -> Result<()> {
    let above = destination.parent().filter(|parent| !parent.as_os_str().is_empty());
    let place = destination.canonicalize().or_else(|_| {
        let above = above.unwrap_or(Path::new(".")).canonicalize()?;
        Ok::<_, io::Error>(above.join(destination.file_name().unwrap_or_default()))
    });
    // What cannot be found is told by the export itself.
    let (Ok(place), Ok(store)) = (place, store.canonicalize()) else { return Ok(()) };
    if place.starts_with(&store) {
        let (place, store) = (names::path(&place), names::path(&store));
        return Err(Error::failed(format!("'{place}' is in the store, '{store}'")));
    }
    Ok(())
}

fn told(error: ExportError, force: bool) -> Error {
    if let ExportError::Interrupted(signal) = error {
        return Error::interrupted(signal)
            .left("what was written so far is left there, each file whole")
            .hint("--force goes on where there is something already");
    }
    let hint = match &error {
        ExportError::Exists(_) | ExportError::NotEmpty(_) if !force => {
            Some("--force replaces what the tree has too, and leaves the rest alone")
        }
        ExportError::Full { .. } => {
            Some("what was written so far is left there; make room and use --force")
        }
        ExportError::NotADirectory(_) => Some("choose another name"),
        _ => None,
    };
    let told = Error::failed("").caused_by(error);
    match hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// Brings what was written to the disk: one call for all.
fn sync(destination: &Path) -> Result<()> {
    let directory = match destination.symlink_metadata() {
        Ok(found) if found.is_dir() => destination,
        _ => destination.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let synced = match rustix::fs::open(directory, flags, Mode::empty()) {
        Ok(opened) => rustix::fs::syncfs(opened),
        // A tree whose root nobody may read was written all the same.
        Err(_) => {
            rustix::fs::sync();
            Ok(())
        }
    };
    synced.map_err(|errno| Error::at("bring to the disk", destination, io::Error::from(errno)))
}

/// Names what is not as in the tree, on standard error.
fn tell(losses: &[Loss]) {
    let mut stderr = io::BufWriter::new(io::stderr());
    // Whoever closed standard error does not want to know; the exit code says it too.
    for loss in losses {
        let _ = writeln!(stderr, "vrift: {loss}");
    }
    let number = human::count(losses.len() as u64);
    let what = if losses.len() == 1 { "entry is" } else { "entries are" };
    let _ = writeln!(stderr, "vrift: {number} {what} not as in the tree");
    if losses
        .iter()
        .any(|loss| matches!(loss.what, export::What::Unreadable(_) | export::What::Length { .. }))
    {
        let _ = writeln!(
            stderr,
            "hint: `vrift fsck` says what is damaged, and with --repair what can be healed"
        );
    }
    let _ = stderr.flush();
}
