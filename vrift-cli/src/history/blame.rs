//! Who made a node what it is.

use vrift_manifest::journal::{Operation, Reason};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::Tree;
use vrift_manifest::workspace::Config;

use super::event::Event;
use super::names::Names;
use super::processes::Processes;
use crate::error::Result;
use crate::located::Located;

/// What is known of how a node came by its content, or came into being if it has none.
#[derive(Debug)]
pub struct Blame {
    /// The record that did it; the first state of the history if none did.
    pub made: Event,
    /// What gave the node another name since, or began to write it again, oldest first.
    pub since: Vec<Event>,
}

impl Blame {
    /// Looks for it in the history that ends with the state of `located`, newest era first.
    pub fn of(located: &Located, node: u64, processes: &mut Processes) -> Result<Blame> {
        let config = located.workspace.config()?;
        let eras = config.era.iter().take_while(|era| era.base <= located.seq).count();
        let mut since = Vec::new();
        for index in (0..eras).rev() {
            let (made, mut named) = in_era(located, &config, index, node, processes)?;
            named.append(&mut since);
            since = named;
            let made = match made {
                Some(made) => Some(made),
                None => with_the_tree(located, &config, index, node)?,
            };
            if let Some(made) = made {
                return Ok(Blame { made, since });
            }
        }
        // Never reached: the oldest era has a state that it began with.
        Ok(Blame {
            made: Event::first(0, Timestamp::default(), (0, 0), None, false),
            since: Vec::new(),
        })
    }
}

/// The last record of an era that gave the node its content, and what there is to tell after it.
fn in_era(
    located: &Located,
    config: &Config,
    index: usize,
    node: u64,
    processes: &mut Processes,
) -> Result<(Option<Event>, Vec<Event>)> {
    let workspace = &located.workspace;
    let base = config.era.get(index).map_or(0, |era| era.base);
    let next = config.era.get(index + 1).map_or(u64::MAX, |next| next.base);
    let (mut made, mut named, mut writer) = (None, Vec::new(), 0);
    let mut names = Names::of(workspace.view(base)?);
    workspace.for_each_record(base + 1, next.min(located.seq), |entry| {
        processes.learn(entry);
        let operation = &entry.record.operation;
        if gives_content(operation, node) {
            let mut event = Event::of(entry, &names, workspace.store());
            // What a process left open is sealed by whoever comes next: that is not who wrote it.
            if event.process == 0 && matches!(operation, Operation::Sealed { .. }) {
                event.process = writer;
            }
            made = Some(event);
            named.clear();
        } else if gives_a_name(operation, node) || is_written(operation, node) {
            if is_written(operation, node) {
                writer = entry.record.process;
            }
            named.push(Event::of(entry, &names, workspace.store()));
        }
        names.apply(operation);
        true
    })?;
    Ok((made, named))
}

fn gives_content(operation: &Operation<'_>, wanted: u64) -> bool {
    match *operation {
        Operation::Create { node, .. }
        | Operation::SetContent { node, .. }
        | Operation::Sealed { node, .. } => node == wanted,
        _ => false,
    }
}

/// Whether a process began to write the node: as long as nothing is sealed after it, it still does.
fn is_written(operation: &Operation<'_>, wanted: u64) -> bool {
    matches!(*operation, Operation::DraftOpened { node, .. } if node == wanted)
}

fn gives_a_name(operation: &Operation<'_>, wanted: u64) -> bool {
    match *operation {
        Operation::Link { node, .. } | Operation::Rename { node, .. } => node == wanted,
        Operation::Exchange { one_node, other_node, .. } => {
            one_node == wanted || other_node == wanted
        }
        _ => false,
    }
}

/// The beginning of an era, if the node has its content from there.
fn with_the_tree(
    located: &Located,
    config: &Config,
    index: usize,
    node: u64,
) -> Result<Option<Event>> {
    let workspace = &located.workspace;
    let Some(era) = config.era.get(index) else { return Ok(None) };
    let tree = workspace.view(era.base)?;
    if index == 0 {
        let files = (tree.image().files(), tree.image().bytes());
        // The first state of all is that of an ingest, also when others came since.
        let is_ingest = |seq: u64| era.base == 0 || seq == era.base;
        let origin = config.origin.as_ref().filter(|origin| is_ingest(origin.seq));
        let directory = origin.map(|origin| origin.directory.as_path());
        let time = Timestamp::from_nanos(era.time);
        return Ok(Some(Event::first(era.base, time, files, directory, era.base == 0)));
    }
    let names = Names::of(tree);
    let mut replaced = None;
    workspace.for_each_record(era.base, era.base, |entry| {
        // Folding the journal into an image changes nothing.
        if !matches!(entry.record.operation, Operation::Rebased { reason: Reason::Compact, .. }) {
            replaced = Some(Event::of(entry, &names, workspace.store()));
        }
        false
    })?;
    if replaced.is_some() {
        let before = workspace.view(era.base.saturating_sub(1))?;
        if content(&before, node)? == content(names.base(), node)? {
            return Ok(None);
        }
    }
    Ok(replaced)
}

/// What a node is, beside its names and attributes; `None` if there is none.
fn content(tree: &Tree, node: u64) -> Result<Option<impl PartialEq + use<>>> {
    let Some(at) = tree.node(node)? else { return Ok(None) };
    let attributes = tree.attributes(at)?;
    let kind = attributes.mode & 0o170_000;
    Ok(Some((kind, attributes.rdev, tree.digest(at)?, tree.target(at)?)))
}
