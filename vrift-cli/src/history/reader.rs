//! Reading a history era by era.

use std::collections::{HashMap, VecDeque};

use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::Tree;
use vrift_manifest::workspace::Config;

use super::event::Event;
use super::filter::Filter;
use super::names::Names;
use super::processes::Processes;
use crate::error::{Error, Result};
use crate::located::{Located, walk};
use crate::output::Row;

/// What a line says of an event. A history may have millions, so each is kept only as it will be written.
#[derive(Debug)]
pub enum Body {
    /// For people.
    Text(Box<str>),
    /// For programs.
    Json(Row),
}

/// An event to be shown.
#[derive(Debug)]
pub struct Line {
    /// The record's number.
    pub seq: u64,
    /// When it happened.
    pub time: Timestamp,
    /// The record of the process that did it; 0: none.
    pub process: u64,
    /// What it did.
    pub body: Body,
}

/// Reads the history that ends with a state.
pub struct Reader<'w> {
    located: &'w Located,
    config: Config,
    filter: Option<Filter>,
    /// Also records that change no tree.
    pub all: bool,
    /// Whether lines are for programs.
    pub json: bool,
    /// The processes seen.
    pub processes: Processes,
    /// The snapshots by the states that they name.
    pub snapshots: HashMap<u64, Vec<String>>,
    /// What kept the reader from the rest.
    pub error: Option<Error>,
}

impl<'w> Reader<'w> {
    /// A reader of all that leads to the state of `located`.
    pub fn of(located: &'w Located, filter: Option<Filter>) -> Result<Reader<'w>> {
        let config = located.workspace.config()?;
        let mut snapshots: HashMap<u64, Vec<String>> = HashMap::new();
        for snapshot in &config.snapshot {
            snapshots.entry(snapshot.seq).or_default().push(snapshot.name.clone());
        }
        Ok(Reader {
            located,
            config,
            filter,
            all: false,
            json: false,
            processes: Processes::default(),
            snapshots,
            error: None,
        })
    }

    /// The number of eras that there are to read, oldest first.
    pub fn eras(&self) -> usize {
        self.config.era.iter().take_while(|era| era.base <= self.located.seq).count()
    }

    /// The last `most` lines of an era, oldest first. Where the journal is damaged, those before the damage.
    pub fn era(&mut self, index: usize, most: usize) -> Result<VecDeque<Line>> {
        let mut kept = VecDeque::new();
        let (Some(era), next) = (self.config.era.get(index), self.config.era.get(index + 1)) else {
            return Ok(kept);
        };
        let (base, time) = (era.base, Timestamp::from_nanos(era.time));
        let last = next.map_or(u64::MAX, |next| next.base).min(self.located.seq);
        let workspace = &self.located.workspace;
        let mut names = Names::of(workspace.view(base)?);
        if index == 0 && self.begins_with(&names)? {
            let event = self.first(names.base(), base, time);
            self.keep(&mut kept, &event, most);
        }
        let store = workspace.store().clone();
        let mut failed = None;
        let read = workspace.for_each_record(base + 1, last, |entry| {
            self.processes.learn(entry);
            let event = Event::of(entry, &names, &store);
            names.apply(&entry.record.operation);
            match self.admits(&event) {
                Ok(true) => self.keep(&mut kept, &event, most),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
            failed.is_none()
        });
        if let Some(error) = failed {
            return Err(error);
        }
        if let Err(error) = read {
            self.error.get_or_insert(error.into());
        }
        Ok(kept)
    }

    fn keep(&self, kept: &mut VecDeque<Line>, event: &Event, most: usize) {
        if most == 0 {
            return;
        }
        if kept.len() == most {
            kept.pop_front();
        }
        let body = match self.json {
            true => Body::Json(event.row(Row::new())),
            false => Body::Text(event.text().into()),
        };
        kept.push_back(Line { seq: event.seq, time: event.time, process: event.process, body });
    }

    /// The state that the history begins with.
    fn first(&self, tree: &Tree, base: u64, time: Timestamp) -> Event {
        let files = (tree.image().files(), tree.image().bytes());
        // The first state of all is that of an ingest, also when others came since.
        let is_ingest = |seq: u64| base == 0 || seq == base;
        let origin = self.config.origin.as_ref().filter(|origin| is_ingest(origin.seq));
        let directory = origin.map(|origin| origin.directory.as_path());
        Event::first(base, time, files, directory, base == 0)
    }

    /// Whether the first state concerns the path that is asked for.
    fn begins_with(&self, names: &Names) -> Result<bool> {
        let Some(filter) = &self.filter else { return Ok(true) };
        if let Some(node) = filter.node
            && names.base().node(node)?.is_some()
        {
            return Ok(true);
        }
        Ok(walk(names.base(), &self.located.mount, &filter.path, false).is_ok())
    }

    fn admits(&self, event: &Event) -> Result<bool> {
        let wanted = self.all || event.is_change() || self.snapshots.contains_key(&event.seq);
        match &self.filter {
            None => Ok(wanted),
            Some(_) if !wanted => Ok(false),
            Some(filter) if matches!(event.operation, "ingest" | "reset") => {
                self.replaced(filter, event.seq)
            }
            Some(filter) => Ok(filter.admits(event)),
        }
    }

    /// Whether replacing the tree as a whole changed what is at the path, or the node.
    fn replaced(&self, filter: &Filter, seq: u64) -> Result<bool> {
        let workspace = &self.located.workspace;
        let before = workspace.view(seq.saturating_sub(1))?;
        let after = workspace.view(seq)?;
        let look = |tree: &Tree| -> Result<_> {
            let by_path = walk(tree, &self.located.mount, &filter.path, false).ok();
            let by_number = match filter.node {
                Some(node) => tree.node(node)?,
                None => None,
            };
            let mut seen = Vec::new();
            for at in [by_path, by_number].into_iter().flatten() {
                let attributes = tree.attributes(at)?;
                let state = (attributes.mode, attributes.size, attributes.mtime);
                seen.push((tree.number(at)?, state, tree.digest(at)?, tree.target(at)?));
            }
            Ok(seen)
        };
        Ok(look(&before)? != look(&after)?)
    }
}
