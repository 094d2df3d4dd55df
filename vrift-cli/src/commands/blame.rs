//! `vrift blame PLACE ...`.

use std::io::Write;

use vrift_manifest::workspace::Workspace;

use crate::error::{self, Error, Result};
use crate::history::{Blame, Event, Process, Processes};
use crate::home;
use crate::located::{Located, relative};
use crate::node::{Node, type_name};
use crate::output::{CHANGED, Output, Row, human, names};
use crate::place::Place;

/// Show which command wrote a file
///
/// The state in which the file got the content that it has, as `vrift log` shows it, then the process that did this:
/// program, arguments, directory, and the processes that had started it, nearest first. A directory, a symlink or a
/// special file is one that somebody made. Names that it was given since follow, with who gave them. What was never
/// written in the workspace came with an ingest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  vrift blame lua:src/lua.o\n  \
    vrift blame lua@before:Makefile     who had written it by then\n  \
    vrift blame --json :src/lua.o | jq -r '.[].process.arguments | join(\" \")'")]
pub struct Args {
    /// The files
    #[arg(required = true)]
    place: Vec<Place>,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Shows it; a file of which it cannot be said does not keep the others back.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?;
        let mut listing = output.listing();
        let (mut failed, mut first) = (false, true);
        for place in &self.place {
            match Located::of(&home, place).and_then(Facts::of) {
                Ok(facts) => {
                    let gap = !std::mem::take(&mut first);
                    listing.add(|| facts.row(), |output| facts.write(output, gap))?;
                }
                Err(error) if error.kind() == error::Kind::Failed => {
                    error.report(&mut std::io::stderr());
                    failed = true;
                }
                Err(error) => return Err(error),
            }
        }
        listing.end()?;
        if failed { Err(Error::incomplete()) } else { Ok(()) }
    }
}

/// A record with who made it.
struct Step {
    event: Event,
    by: String,
}

impl Step {
    fn of(event: Event, workspace: &Workspace, processes: &mut Processes) -> Step {
        Step { by: processes.short(workspace, event.process), event }
    }

    /// As `vrift log` has it.
    fn row(&self) -> Row {
        let event = &self.event;
        let row = Row::new()
            .with("seq", event.seq)
            .with("time", human::json_time(event.time))
            .with("process", event.process)
            .with("by", &self.by);
        event.row(row)
    }

    /// As `vrift log` has it.
    fn write(&self, output: &mut Output<'_>) -> Result<()> {
        let (event, by) = (&self.event, &self.by);
        let seq = output.styled(CHANGED, event.seq);
        Ok(writeln!(output, "{seq}  {}  {by:<16}  {}", human::time(event.time), event.text())?)
    }
}

/// What is told of a file.
struct Facts {
    located: Located,
    node: Node,
    made: Step,
    process: Option<Process>,
    parents: Vec<Process>,
    since: Vec<Step>,
}

impl Facts {
    fn of(located: Located) -> Result<Facts> {
        let node = Node::of(located.tree(), located.cursor(false)?)?;
        let mut processes = Processes::default();
        let Blame { made, since } = Blame::of(&located, node.number, &mut processes)?;
        let workspace = &located.workspace;
        let process = processes.get(workspace, made.process).cloned();
        let parents = match &process {
            Some(process) => processes.parents(workspace, process),
            None => Vec::new(),
        };
        let made = Step::of(made, workspace, &mut processes);
        let since =
            since.into_iter().map(|event| Step::of(event, workspace, &mut processes)).collect();
        Ok(Facts { node, made, process, parents, since, located })
    }

    fn row(&self) -> Row {
        let located = &self.located;
        Row::new()
            .with("workspace", located.workspace.name())
            .with("seq", located.seq)
            .name("path", &relative(&located.mount, located.path()))
            .with("node", self.node.number)
            .with("type", type_name(self.node.kind))
            .with("made", self.made.row())
            .with("process", self.process.as_ref().map(|process| process.row(Row::new())))
            .with("parents", self.parents.iter().map(|p| p.row(Row::new())).collect::<Vec<_>>())
            .with("since", self.since.iter().map(Step::row).collect::<Vec<_>>())
    }

    fn write(&self, output: &mut Output<'_>, gap: bool) -> Result<()> {
        if gap {
            writeln!(output)?;
        }
        self.made.write(output)?;
        match &self.process {
            Some(process) => {
                writeln!(output, "  program    {}", names::shown(&process.program))?;
                writeln!(output, "  arguments  {}", process.command_line())?;
                writeln!(output, "  directory  {}", names::shown(&process.directory))?;
            }
            None if self.made.event.process != 0 => {
                writeln!(output, "  whose record was forgotten")?;
            }
            None => {}
        }
        for parent in &self.parents {
            let (short, line) = (parent.short(), parent.command_line());
            writeln!(output, "  parent     {short:<16}  {line}")?;
        }
        for step in &self.since {
            write!(output, "  since      ")?;
            step.write(output)?;
        }
        Ok(())
    }
}
