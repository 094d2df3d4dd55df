//! `vrift list`.

use std::io::Write;

use vrift_manifest::time::Timestamp;
use vrift_manifest::workspace::{Config, Home, Workspace};

use crate::error::{Error, Result};
use crate::home;
use crate::output::{HEADING, Output, Row, human, names};
use crate::totals::Totals;

/// List the workspaces
///
/// FILES and BYTES are those of the present tree, a file with several names counted once. UNIQUE counts each content
/// of that tree once, however many files have it; what is shared with other workspaces is counted in each of them.
/// JOURNAL is the number of records since the tree's image was made: what has to be read again when the machine was
/// restarted. USED tells when the workspace was last opened by anything but `vrift list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift list\n  vrift list --json | jq -r '.[].name'\n\n\
    With --json also: the number of the present state and of the oldest one, snapshots, and where a workspace\n\
    came from.")]
pub struct Args {
    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Lists them; one that is damaged does not keep the others back.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let names = home::for_reading()?.map(|home| Ok::<_, Error>((home.names()?, home)));
        let (names, home) = match names.transpose()? {
            Some((names, home)) if !names.is_empty() => (names, home),
            _ => {
                if output.is_terminal() {
                    home::warn("there are no workspaces; `vrift ingest DIR` makes one");
                }
                return output.listing().end();
            }
        };
        let mut shown = Vec::new();
        let mut damaged = false;
        for name in &names {
            match Facts::of(&home, name) {
                Ok(facts) => shown.push(facts),
                Err(error) => {
                    error.report(&mut std::io::stderr());
                    damaged = true;
                }
            }
        }
        if self.json {
            let mut listing = output.listing();
            for facts in &shown {
                listing.add(|| facts.row(), |_| Ok(()))?;
            }
            listing.end()?;
        } else {
            table(output, &shown)?;
        }
        if damaged { Err(Error::incomplete()) } else { Ok(()) }
    }
}

/// What is told of a workspace.
struct Facts {
    name: String,
    config: Config,
    totals: Totals,
    seq: u64,
    records: u64,
    journal_bytes: u64,
    used: Option<Timestamp>,
    damage: Option<String>,
}

impl Facts {
    fn of(home: &Home, name: &str) -> Result<Facts> {
        let workspace = Workspace::look(home, name)?;
        let config = workspace.config()?;
        let tree = workspace.tree();
        let seq = workspace.head();
        // Who made it used it.
        let used = workspace.last_use().max(config.last_era().time);
        Ok(Facts {
            name: name.to_owned(),
            totals: Totals::of(tree, tree.root())?,
            seq,
            records: seq.saturating_sub(config.last_era().base),
            journal_bytes: workspace.journal_bytes(),
            used: (used > 0).then(|| Timestamp::from_nanos(used)),
            damage: workspace.damage().map(|damage| damage.to_string()),
            config,
        })
    }

    fn row(&self) -> Row {
        let snapshots: Vec<Row> = self
            .config
            .snapshot
            .iter()
            .map(|snapshot| {
                Row::new()
                    .with("name", &snapshot.name)
                    .with("seq", snapshot.seq)
                    .with("time", human::json_time(Timestamp::from_nanos(snapshot.time)))
            })
            .collect();
        let path = |row: Row, key: &str, path: &std::path::Path| {
            row.name(key, std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
        };
        let mut row = path(Row::new().with("name", &self.name), "mount", &self.config.mount)
            .with("files", self.totals.files)
            .with("directories", self.totals.directories)
            .with("others", self.totals.others)
            .with("bytes", self.totals.bytes)
            .with("unique_bytes", self.totals.unique_bytes)
            .with("journal_records", self.records)
            .with("journal_bytes", self.journal_bytes)
            .with("seq", self.seq)
            .with("oldest_seq", self.config.era.first().map_or(0, |era| era.base))
            .with("last_use", self.used.map(human::json_time))
            .with("snapshots", snapshots)
            .with("forked_from", &self.config.forked_from);
        if let Some(origin) = &self.config.origin {
            row = path(row, "ingested_from", &origin.directory).with("ingested_seq", origin.seq);
        }
        row.with("damage", &self.damage)
    }
}

fn table(output: &mut Output<'_>, shown: &[Facts]) -> Result<()> {
    let now = Timestamp::coarse_now();
    let mut rows = vec![["NAME", "FILES", "BYTES", "UNIQUE", "JOURNAL", "USED"].map(str::to_owned)];
    rows.extend(shown.iter().map(|facts| {
        [
            facts.name.clone(),
            human::count(facts.totals.files),
            human::size(facts.totals.bytes),
            human::size(facts.totals.unique_bytes),
            human::count(facts.records),
            facts.used.map_or_else(|| "never".to_owned(), |used| human::ago(used, now)),
        ]
    }));
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let [name_width, file_width, byte_width, unique_width, journal_width, used_width] = widths;
    for (place, [name, files, bytes, unique, journal, used]) in rows.iter().enumerate() {
        let facts = place.checked_sub(1).and_then(|place| shown.get(place));
        let mount = facts.map_or_else(
            || "MOUNT".to_owned(),
            |facts| names::path(&facts.config.mount).to_string(),
        );
        let line = format!(
            "{name:<name_width$}  {files:>file_width$}  {bytes:>byte_width$}  {unique:>unique_width$}  \
             {journal:>journal_width$}  {used:<used_width$}  {mount}"
        );
        let damaged = facts.is_some_and(|facts| facts.damage.is_some());
        let line = if place == 0 { output.styled(HEADING, line) } else { line };
        writeln!(output, "{line}{}", if damaged { "  (damaged: read-only)" } else { "" })?;
    }
    Ok(())
}
