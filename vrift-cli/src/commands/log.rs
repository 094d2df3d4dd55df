//! `vrift log [PLACE]`.

use std::collections::BTreeMap;
use std::io::Write;

use vrift_manifest::tree::WalkError;

use crate::error::{Error, Result};
use crate::history::{Body, Filter, Line, Reader};
use crate::home;
use crate::located::{Located, Unreachable, relative};
use crate::output::{CHANGED, HEADING, Listing, Output, Row, human};
use crate::place::Place;

/// Show the history of a workspace, newest first
///
/// Each line is a state: its number, the time, the process that made it and what it did. `NAME@NUMBER` is that state in
/// every PLACE. With a state, the history up to it is shown; with a path, what touched the path or anything below it,
/// and what touched the node that has it, also under earlier names. Records that changed no tree (a process that began
/// to make changes, a sync) are shown with --all only.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift log lua\n  vrift log -n 20 lua\n  \
    vrift log lua:src/lua.c           how this file came to be, also as it was called before\n  \
    vrift log --process lua@before    which programs made it, with what arguments and where\n  \
    vrift log --json lua | jq .[0]\n\n\
    With --json: one array of records; with --process one of processes, each with its records.")]
pub struct Args {
    /// The workspace, state or path
    place: Option<Place>,

    /// At most this many, the newest: records, or processes with --process
    #[arg(short = 'n', long, value_name = "N")]
    number: Option<usize>,

    /// Oldest first
    #[arg(long)]
    reverse: bool,

    /// Grouped by process, with its program, arguments, directory and parents
    #[arg(long)]
    process: bool,

    /// Also records that changed no tree
    #[arg(long)]
    all: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Shows the history.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?;
        let here = Place::parse(":".as_ref()).map_err(Error::usage)?;
        let located = Located::of(&home, self.place.as_ref().unwrap_or(&here))?;
        let filter = filter(&located)?;
        let filtered = filter.is_some();
        let mut reader = Reader::of(&located, filter)?;
        (reader.all, reader.json) = (self.all, self.json);
        let shown = match self.process {
            true => self.by_process(&located, &mut reader, output)?,
            false => self.in_order(&located, &mut reader, output)?,
        };
        let damage = match located.is_present() {
            true => located.workspace.damage().map(Error::from),
            false => None,
        };
        match reader.error.take().or(damage) {
            Some(error) => Err(error),
            None if shown == 0
                && filtered
                && self.number != Some(0)
                && located.cursor(false).is_err() =>
            {
                Err(Error::failed(format!(
                    "{}: no such file or directory, and there never was",
                    located.named()
                )))
            }
            None => Ok(()),
        }
    }

    /// One line for each record; how many.
    fn in_order(
        &self,
        located: &Located,
        reader: &mut Reader<'_>,
        output: &mut Output<'_>,
    ) -> Result<usize> {
        let mut left = self.number.unwrap_or(usize::MAX);
        let mut printer =
            Printer { located, width: located.seq.to_string().len(), listing: output.listing() };
        let mut shown = 0;
        let eras = reader.eras();
        if self.reverse && self.number.is_none() {
            for era in 0..eras {
                let lines = reader.era(era, usize::MAX)?;
                shown += lines.len();
                lines.into_iter().try_for_each(|line| printer.line(reader, line))?;
            }
        } else if self.reverse {
            // The newest ones, told oldest first.
            let mut parts = Vec::new();
            for era in (0..eras).rev() {
                let lines = reader.era(era, left)?;
                left -= lines.len();
                parts.push(lines);
            }
            for line in parts.into_iter().rev().flatten() {
                shown += 1;
                printer.line(reader, line)?;
            }
        } else {
            for era in (0..eras).rev() {
                if left == 0 {
                    break;
                }
                let lines = reader.era(era, left)?;
                left -= lines.len();
                shown += lines.len();
                lines.into_iter().rev().try_for_each(|line| printer.line(reader, line))?;
            }
        }
        printer.listing.end()?;
        Ok(shown)
    }

    /// Processes with what each did; how many.
    fn by_process(
        &self,
        located: &Located,
        reader: &mut Reader<'_>,
        output: &mut Output<'_>,
    ) -> Result<usize> {
        let mut groups: BTreeMap<u64, Vec<Line>> = BTreeMap::new();
        for era in 0..reader.eras() {
            for line in reader.era(era, usize::MAX)? {
                groups.entry(line.process).or_default().push(line);
            }
        }
        let mut order: Vec<_> = groups.into_iter().rev().collect();
        order.truncate(self.number.unwrap_or(usize::MAX));
        if self.reverse {
            order.reverse();
        }
        let shown = order.len();
        let mut printer =
            Printer { located, width: located.seq.to_string().len(), listing: output.listing() };
        for (place, (process, mut lines)) in order.into_iter().enumerate() {
            if !self.reverse {
                lines.reverse();
            }
            printer.group(reader, process, lines, place > 0)?;
        }
        printer.listing.end()?;
        Ok(shown)
    }
}

/// What the place's path asks for.
fn filter(located: &Located) -> Result<Option<Filter>> {
    let path = relative(&located.mount, located.path());
    if path.is_empty() {
        return Ok(None);
    }
    let node = match located.walk(located.path(), false) {
        Ok(at) => Some(located.tree().number(at)?),
        // It may have been there once.
        Err(Unreachable::Walk(WalkError::NotFound | WalkError::NotDirectory)) => None,
        Err(why) => return Err(located.unreachable(&why)),
    };
    Ok(Some(Filter { path, node }))
}

struct Printer<'l, 'o, 'a> {
    located: &'l Located,
    /// Of the numbers.
    width: usize,
    listing: Listing<'o, 'a>,
}

impl Printer<'_, '_, '_> {
    fn line(&mut self, reader: &mut Reader<'_>, line: Line) -> Result<()> {
        let short = reader.processes.short(&self.located.workspace, line.process);
        let snapshots = reader.snapshots.get(&line.seq).cloned().unwrap_or_default();
        match line.body {
            Body::Json(body) => {
                let head = Row::new()
                    .with("seq", line.seq)
                    .with("time", human::json_time(line.time))
                    .with("process", line.process)
                    .with("by", short);
                let row = head.and(body).with("snapshots", snapshots);
                self.listing.add(|| row, |_| Ok(()))
            }
            Body::Text(text) => {
                let width = self.width;
                self.listing.text(|output| {
                    let seq = output.styled(CHANGED, format_args!("{:>width$}", line.seq));
                    write!(output, "{seq}  {}  {short:<16}  {text}", human::time(line.time))?;
                    decorate(output, &snapshots)
                })
            }
        }
    }

    fn group(
        &mut self,
        reader: &mut Reader<'_>,
        number: u64,
        lines: Vec<Line>,
        gap: bool,
    ) -> Result<()> {
        let workspace = &self.located.workspace;
        let process = reader.processes.get(workspace, number).cloned();
        let parents = match &process {
            Some(process) => reader.processes.parents(workspace, process),
            None => Vec::new(),
        };
        if self.listing.is_json() {
            let records: Vec<Row> = lines
                .into_iter()
                .map(|line| {
                    let row =
                        Row::new().with("seq", line.seq).with("time", human::json_time(line.time));
                    match line.body {
                        Body::Json(body) => row.and(body),
                        Body::Text(_) => row,
                    }
                })
                .collect();
            let row = match &process {
                Some(process) => process
                    .row(Row::new())
                    .with("time", human::json_time(process.time))
                    .with("parents", parents.iter().map(|p| p.row(Row::new())).collect::<Vec<_>>()),
                None => Row::new().with("process", number),
            };
            return self.listing.add(|| row.with("records", records), |_| Ok(()));
        }
        let width = self.width;
        self.listing.text(|output| {
            if gap {
                writeln!(output)?;
            }
            match &process {
                Some(process) => {
                    let short = process.short();
                    let heading = format!("process {number}  {short}");
                    writeln!(output, "{}", output.styled(HEADING, heading))?;
                    let program = crate::output::names::shown(&process.program);
                    writeln!(output, "  program    {program}")?;
                    writeln!(output, "  arguments  {}", process.command_line())?;
                    let directory = crate::output::names::shown(&process.directory);
                    writeln!(output, "  directory  {directory}")?;
                    let parents: Vec<String> = parents.iter().map(|p| p.short()).collect();
                    if !parents.is_empty() {
                        writeln!(output, "  parents    {}", parents.join(", "))?;
                    }
                }
                None if number == 0 => {
                    writeln!(output, "{}", output.styled(HEADING, "without a process"))?;
                }
                None => {
                    let heading = format!("process {number}, whose record was forgotten");
                    writeln!(output, "{}", output.styled(HEADING, heading))?;
                }
            }
            for line in lines {
                let Body::Text(text) = line.body else { continue };
                let seq = output.styled(CHANGED, format_args!("{:>width$}", line.seq));
                write!(output, "  {seq}  {}  {text}", human::time(line.time))?;
                let snapshots = reader.snapshots.get(&line.seq).cloned().unwrap_or_default();
                decorate(output, &snapshots)?;
            }
            Ok(())
        })
    }
}

fn decorate(output: &mut Output<'_>, snapshots: &[String]) -> Result<()> {
    if !snapshots.is_empty() {
        let names = format!("  (snapshot {})", snapshots.join(", "));
        write!(output, "{}", output.styled(HEADING, names))?;
    }
    Ok(writeln!(output)?)
}
