//! `vrift fsck [WS] [--repair]`.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::fsck::{self, Damage, Report};
use crate::home;
use crate::output::progress::{Counters, Progress};
use crate::output::{ADDED, Output, REMOVED, Row, human, names};
use crate::place::Name;

/// Check the whole store, or what one workspace needs
///
/// Every content is read and compared with its digest, every image and every record of the journals with its checksum.
/// What is damaged or missing is named, with the paths of the workspaces that show it, today or in an earlier state.
///
/// The exit code is 0 if everything is sound, or was healed, and 1 if not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "--repair deletes nothing. Damaged contents move aside into the store's directory 'damaged', and are \
    put anew if a file of the ingested directory still has them. The history of a workspace whose journal is damaged ends \
    before the damage; the rest is kept in a file beside it.\n\n\
    Examples:\n  \
    vrift fsck               the whole store\n  \
    vrift fsck lua           what the workspace 'lua' needs\n  \
    vrift fsck --repair      heal what can be healed"
)]
pub struct Args {
    /// Only what this workspace and its history need
    #[arg(value_name = "WS")]
    workspace: Option<Name>,

    /// Heal what can be healed, and say what is lost
    #[arg(long)]
    repair: bool,

    /// Say it as a JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Checks.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let begun = Instant::now();
        let home = if self.repair { home::for_writing()? } else { home::for_reading_some()? };
        let counters = Arc::new(Counters::default());
        let progress = Progress::show("checking", &counters, self.json);
        let only = self.workspace.as_ref().map(Name::as_str);
        let report = fsck::check(&home, only, self.repair, &counters);
        drop(progress);
        let report = report?;
        let seconds = begun.elapsed().as_secs_f64();
        let standing = report.damages.iter().filter(|damage| damage.stands).count() as u64;
        if self.json {
            output.document(&row(&report, standing, seconds))?;
        } else {
            self.say(output, &report, standing, seconds)?;
        }
        if standing == 0 { Ok(()) } else { Err(Error::incomplete()) }
    }

    fn say(
        &self,
        output: &mut Output<'_>,
        report: &Report,
        standing: u64,
        seconds: f64,
    ) -> Result<()> {
        for damage in &report.damages {
            tell(output, damage)?;
        }
        for note in &report.notes {
            writeln!(output, "note: {note}")?;
        }
        writeln!(
            output,
            "checked {} ({}), {}, {}, {}; {seconds:.2} s",
            human::counted(report.contents, "content"),
            human::size(report.bytes),
            human::counted(report.images, "image"),
            human::counted(report.journals, "journal segment"),
            human::counted(report.workspaces, "workspace"),
        )?;
        let healed = report.damages.len() as u64 - standing;
        if healed > 0 {
            writeln!(output, "{} healed", human::count(healed))?;
        }
        if standing == 0 {
            let sound = output.styled(ADDED, "everything is sound");
            writeln!(output, "{sound}")?;
            return Ok(());
        }
        let number = human::count(standing);
        let damaged = output.styled(REMOVED, format_args!("{number} damaged or missing"));
        writeln!(output, "{damaged}")?;
        if !self.repair {
            writeln!(
                output,
                "`vrift fsck --repair` heals what can be healed, and deletes nothing"
            )?;
        }
        Ok(())
    }
}

/// How many paths of one damage are named; JSON has all.
const MOST_PATHS: usize = 20;

fn tell(output: &mut Output<'_>, damage: &Damage) -> Result<()> {
    let kind = output.styled(REMOVED, damage.subject.kind());
    writeln!(output, "{kind} '{}': {}", names::path(&damage.path), damage.what)?;
    for states in &damage.states {
        writeln!(output, "    {states}")?;
    }
    for hit in damage.hits.iter().take(MOST_PATHS) {
        let seq = hit.seq.map_or(String::new(), |seq| format!("@{seq}"));
        writeln!(output, "    {}{seq}:{}", hit.workspace, names::shown(&hit.path))?;
    }
    if damage.hits.len() > MOST_PATHS {
        let more = human::count((damage.hits.len() - MOST_PATHS) as u64);
        writeln!(output, "    and {more} more; --json names all")?;
    }
    if let fsck::Subject::Content(_) = damage.subject
        && damage.hits.is_empty()
    {
        writeln!(output, "    no path of a workspace that was looked at shows it")?;
    }
    if let Some(done) = &damage.done {
        writeln!(output, "    {}: {done}", if damage.stands { "not healed" } else { "healed" })?;
    }
    Ok(())
}

fn row(report: &Report, standing: u64, seconds: f64) -> Row {
    use std::os::unix::ffi::OsStrExt;
    let hit = |hit: &fsck::Hit| {
        Row::new().with("workspace", &hit.workspace).with("seq", hit.seq).name("path", &hit.path)
    };
    let damage = |damage: &Damage| {
        Row::new()
            .with("kind", damage.subject.kind())
            .name("path", damage.path.as_os_str().as_bytes())
            .with("what", &damage.what)
            .with("states", &damage.states)
            .with("paths", damage.hits.iter().map(hit).collect::<Vec<_>>())
            .with("done", &damage.done)
            .with("stands", damage.stands)
    };
    Row::new()
        .with("sound", standing == 0)
        .with("contents", report.contents)
        .with("bytes", report.bytes)
        .with("images", report.images)
        .with("journals", report.journals)
        .with("workspaces", report.workspaces)
        .with("seconds", (seconds * 1e6).round() / 1e6)
        .with("damages", report.damages.iter().map(damage).collect::<Vec<_>>())
        .with("notes", &report.notes)
}
