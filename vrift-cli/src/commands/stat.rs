//! `vrift stat PLACE ...`.

use std::io::Write;

use vrift_manifest::attributes::Kind;
use vrift_manifest::journal::Operation;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::xattrs::XattrList;
use vrift_manifest::workspace::{Config, Entry};

use crate::error::{self, Error, Result};
use crate::history::{Process, Processes, word};
use crate::home;
use crate::located::{Located, relative};
use crate::node::{Node, mode_text, type_name};
use crate::output::accounts::Accounts;
use crate::output::{Output, Row, human, names};
use crate::place::Place;

/// Show everything that is known of files, as `stat` does
///
/// Also the digest of the content, the node number, and the record of the history that changed it last. A symlink is
/// shown as what it is, unless the path ends with '/'.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  vrift stat lua:src/lua.c\n  vrift stat lua@before:src :README.md\n  \
    vrift stat --json lua:Makefile | jq -r '.[].digest'"
)]
pub struct Args {
    /// The files or directories
    #[arg(required = true)]
    place: Vec<Place>,

    /// Follow a symlink
    #[arg(short = 'L', long)]
    dereference: bool,

    /// One JSON array
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Shows them.
    pub fn run(self, output: &mut Output<'_>) -> Result<()> {
        output.set_json(self.json);
        let home = home::for_reading_some()?;
        let accounts = Accounts::of_machine();
        let mut listing = output.listing();
        let mut failed = false;
        for place in &self.place {
            let facts =
                Located::of(&home, place).and_then(|found| Facts::of(found, self.dereference));
            match facts {
                Ok(facts) => {
                    let row = facts.row()?;
                    listing.add(|| row, |output| facts.write(output, &accounts))?;
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

/// The record that changed a node last.
struct Change {
    seq: u64,
    time: Timestamp,
    operation: &'static str,
    /// The record of the process.
    by: u64,
    process: Option<Process>,
}

impl Change {
    fn of(entry: &Entry<'_>) -> Change {
        let record = &entry.record;
        Change {
            seq: entry.seq,
            time: record.time,
            operation: word(&record.operation),
            by: record.process,
            process: None,
        }
    }
}

/// What is told of a node.
struct Facts {
    located: Located,
    node: Node,
    xattrs: XattrList,
    change: Option<Change>,
    /// The state with which the tree's history begins.
    oldest: u64,
}

impl Facts {
    fn of(located: Located, follow: bool) -> Result<Facts> {
        let tree = located.tree();
        let node = located.node(located.cursor(follow)?)?;
        let xattrs = tree.xattrs(node.at)?;
        let config = located.workspace.config()?;
        let change = last_change(&located, &config, &node)?;
        let oldest = config.era.first().map_or(0, |era| era.base);
        Ok(Facts { node, xattrs, change, oldest, located })
    }

    fn row(&self) -> Result<Row> {
        let located = &self.located;
        let path = relative(&located.mount, located.path());
        let row = Row::new()
            .with("workspace", located.workspace.name())
            .with("seq", located.seq)
            .name("path", &path);
        let row = self.node.describe(located.tree(), row)?;
        let xattrs: Vec<Row> = self
            .xattrs
            .iter()
            .map(|(name, value)| Row::new().name("name", name).name("value", value))
            .collect();
        let change = self.change.as_ref().map(|change| {
            let row = Row::new()
                .with("seq", change.seq)
                .with("time", human::json_time(change.time))
                .with("operation", change.operation);
            match &change.process {
                Some(process) => process.row(row),
                None => row,
            }
        });
        Ok(row.with("xattrs", xattrs).with("changed_by", change))
    }

    fn write(&self, output: &mut Output<'_>, accounts: &Accounts) -> Result<()> {
        let (node, tree) = (&self.node, self.located.tree());
        let attributes = node.attributes;
        write!(output, "  Place: {}", self.located.named())?;
        if let Some(target) = tree.target(node.at)? {
            write!(output, " -> {}", names::shown(&target))?;
        }
        let kind = match node.kind {
            Kind::File if attributes.size == 0 => "empty file",
            kind => type_name(kind),
        };
        write!(
            output,
            "\n   Type: {kind:<20} Size: {:<12} Links: {:<6}",
            attributes.size, attributes.nlink
        )?;
        if let Some((major, minor)) = node.device() {
            write!(output, " Device: {major}, {minor}")?;
        }
        writeln!(output, "\n   Node: {:<20} State: {}", node.number, self.located.seq)?;
        if let Some(digest) = node.digest(tree)?.filter(|_| tree.draft(node.at).is_none()) {
            writeln!(output, " Digest: {digest}")?;
        }
        writeln!(
            output,
            "   Mode: {:04o}/{}      Uid: {} ({})  Gid: {} ({})",
            attributes.mode & 0o7777,
            mode_text(attributes.mode),
            attributes.uid,
            accounts.user(attributes.uid),
            attributes.gid,
            accounts.group(attributes.gid)
        )?;
        writeln!(output, " Access: {}", human::full_time(attributes.atime))?;
        writeln!(output, " Modify: {}", human::full_time(attributes.mtime))?;
        writeln!(output, " Change: {}", human::full_time(attributes.ctime))?;
        for (name, value) in &self.xattrs {
            writeln!(output, "  Xattr: {}={}", names::shown(name), names::shown(value))?;
        }
        match &self.change {
            None => writeln!(output, " Record: none since state {}", self.oldest)?,
            Some(change) => {
                let by = change.process.as_ref().map(|process| {
                    format!(", by {} in {}", process.short(), names::shown(&process.directory))
                });
                let (operation, by) = (change.operation, by.unwrap_or_default());
                writeln!(output, " Record: {} {operation}{by}", change.seq)?;
            }
        }
        Ok(())
    }
}

/// The record that changed the node last. What changed it before the journal was folded into the image stands in an
/// earlier part of the history, as long as that is there.
fn last_change(located: &Located, config: &Config, node: &Node) -> Result<Option<Change>> {
    let workspace = &located.workspace;
    let known = located.tree().changed_by(node.at);
    let mut found = None;
    let mut replaced = None;
    if known > 0 {
        workspace.for_each_record(known, known, |entry| {
            found = Some(Change::of(entry));
            false
        })?;
    } else {
        // The last of these is the era of this tree, in which nothing changed the node.
        let eras: Vec<_> = config.era.iter().filter(|era| era.base <= located.seq).collect();
        if let [first, .., last] = eras.as_slice() {
            workspace.for_each_record(first.base + 1, last.base, |entry| {
                let operation = &entry.record.operation;
                if operation.touches(node.number) {
                    (found, replaced) = (Some(Change::of(entry)), None);
                } else if matches!(operation, Operation::Rebased { .. }) && operation.changes_tree()
                {
                    replaced = Some(Change::of(entry));
                }
                true
            })?;
        }
        // Every record sets ctime: if another time stands there, the node is as a later ingest or reset made it.
        if found.as_ref().is_none_or(|change| change.time != node.attributes.ctime) {
            found = replaced;
        }
    }
    if let Some(change) = &mut found {
        let mut processes = Processes::default();
        change.process = processes.get(workspace, change.by).cloned();
    }
    Ok(found)
}
