//! One record in words.

use std::path::Path;

use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;
use vrift_manifest::image::Xattrs;
use vrift_manifest::journal::{Operation, Reason};
use vrift_manifest::time::Timestamp;
use vrift_manifest::workspace::{Entry, open_image};

use super::names::{Names, Trace};
use crate::node::type_name;
use crate::output::{Row, human, names};

/// What a record did.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// When it happened.
    pub time: Timestamp,
    /// The record of the process that did it; 0: none.
    pub process: u64,
    /// A word for the operation.
    pub operation: &'static str,
    /// The nodes that it touched.
    pub nodes: Vec<u64>,
    /// Where that was: the first is what the operation is about, a second one is where it went.
    pub places: Vec<Trace>,
    /// What else there is to tell.
    detail: Detail,
}

#[derive(Debug, Clone)]
enum Detail {
    Nothing,
    /// A new node.
    Made(Option<Kind>),
    Target(Vec<u8>),
    Device(u32, u32),
    Content(Digest, u64),
    Mode(u32),
    Owner(u32, u32),
    Xattrs(usize),
    Through(u64),
    Command(String),
    /// The whole tree: files, their bytes, and where from.
    Tree(u64, u64, Option<Vec<u8>>),
}

impl Event {
    /// What the record in `entry` did to nodes that were called as `names` says.
    pub fn of(entry: &Entry<'_>, names: &Names, store: &vrift_cas::Store) -> Event {
        let record = &entry.record;
        let mut event = Event {
            seq: entry.seq,
            time: record.time,
            process: record.process,
            operation: word(&record.operation),
            nodes: Vec::new(),
            places: Vec::new(),
            detail: detail(&record.operation, store),
        };
        event.locate(&record.operation, names);
        event
    }

    /// The first state of a history, which no record made.
    pub fn first(
        seq: u64,
        time: Timestamp,
        files: (u64, u64),
        origin: Option<&Path>,
        ingested: bool,
    ) -> Event {
        let origin =
            origin.map(|path| std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec());
        Event {
            seq,
            time,
            process: 0,
            operation: if ingested { "ingest" } else { "start" },
            nodes: Vec::new(),
            places: Vec::new(),
            detail: Detail::Tree(files.0, files.1, origin),
        }
    }

    /// Whether it changed the tree, rather than saying something about the history itself.
    pub fn is_change(&self) -> bool {
        !matches!(self.operation, "process" | "sync" | "open")
    }

    fn locate(&mut self, operation: &Operation<'_>, names: &Names) {
        let nowhere = |number: u64| Trace {
            path: format!("(node {number})").into_bytes(),
            above: Vec::new(),
        };
        let entry = |parent: u64, name: &[u8]| {
            names.trace_entry(parent, name).unwrap_or_else(|| nowhere(parent))
        };
        match *operation {
            Operation::Create { parent, name, node, .. }
            | Operation::Unlink { parent, name, node }
            | Operation::RemoveDirectory { parent, name, node } => {
                self.nodes = vec![node];
                self.places = vec![entry(parent, name)];
            }
            Operation::Link { parent, name, node } => {
                self.nodes = vec![node];
                let existing = names.trace(node).unwrap_or_else(|| nowhere(node));
                self.places = vec![existing, entry(parent, name)];
            }
            Operation::SetContent { node, .. }
            | Operation::Sealed { node, .. }
            | Operation::DraftOpened { node, .. }
            | Operation::DraftSynced { node, .. }
            | Operation::SetMode { node, .. }
            | Operation::SetOwner { node, .. }
            | Operation::SetTimes { node, .. }
            | Operation::SetXattrs { node, .. } => {
                self.nodes = vec![node];
                self.places = vec![names.trace(node).unwrap_or_else(|| nowhere(node))];
            }
            Operation::Rename { from_parent, from, to_parent, to, node, replaced } => {
                self.nodes = if replaced == 0 { vec![node] } else { vec![node, replaced] };
                self.places = vec![entry(from_parent, from), entry(to_parent, to)];
            }
            Operation::Exchange { one_parent, one, other_parent, other, one_node, other_node } => {
                self.nodes = vec![one_node, other_node];
                self.places = vec![entry(one_parent, one), entry(other_parent, other)];
            }
            _ => {}
        }
    }

    /// One line without number, time and process.
    pub fn text(&self) -> String {
        let path = |place: usize| {
            let trace = self.places.get(place);
            trace.map_or_else(String::new, |trace| match trace.path.is_empty() {
                true => "/".to_owned(),
                false => names::shown(&trace.path).to_string(),
            })
        };
        let (operation, first) = (self.operation, path(0));
        match &self.detail {
            Detail::Mode(mode) => return format!("{operation} {mode:04o} {first}"),
            Detail::Owner(uid, gid) => return format!("{operation} {uid}:{gid} {first}"),
            Detail::Through(seq) => return format!("{operation} through {seq}"),
            Detail::Command(command) => return format!("{operation} {command}"),
            Detail::Tree(files, bytes, origin) => {
                let origin = origin.as_ref().map(|path| format!(" {}", names::shown(path)));
                return format!(
                    "{operation}{} ({}, {})",
                    origin.unwrap_or_default(),
                    human::counted(*files, "file"),
                    human::size(*bytes)
                );
            }
            _ => {}
        }
        let places = match operation {
            "rename" | "link" => format!("{first} -> {}", path(1)),
            "exchange" => format!("{first} <-> {}", path(1)),
            _ => first,
        };
        match &self.detail {
            Detail::Target(target) => format!("{operation} {places} -> {}", names::shown(target)),
            Detail::Device(major, minor) => format!("{operation} {places} ({major}, {minor})"),
            Detail::Content(digest, size) => {
                let digest = digest.to_string();
                format!("{operation} {places} ({}, {})", human::size(*size), &digest[..12])
            }
            _ => format!("{operation} {places}"),
        }
    }

    /// The same for programs, behind what `row` says already.
    pub fn row(&self, row: Row) -> Row {
        let mut row = row.with("operation", self.operation);
        if let Some(first) = self.places.first() {
            row = row.name("path", &first.path);
        }
        if let Some(second) = self.places.get(1) {
            row = row.name("to", &second.path);
        }
        match self.nodes.as_slice() {
            [] => {}
            [node] => row = row.with("node", node),
            [node, other, ..] => row = row.with("node", node).with("other_node", other),
        }
        match &self.detail {
            Detail::Nothing => row,
            Detail::Made(kind) => row.with("type", kind.map(type_name)),
            Detail::Target(target) => row.name("target", target),
            Detail::Device(major, minor) => row.with("device", [major, minor]),
            Detail::Content(digest, size) => {
                row.with("size", size).with("digest", digest.to_string())
            }
            Detail::Mode(mode) => row.with("mode", format!("{mode:04o}")),
            Detail::Owner(uid, gid) => row.with("uid", uid).with("gid", gid),
            Detail::Xattrs(count) => row.with("xattrs", count),
            Detail::Through(seq) => row.with("through", seq),
            // A process has members of its own.
            Detail::Command(_) => row,
            Detail::Tree(files, bytes, origin) => {
                let row = row.with("files", files).with("bytes", bytes);
                match origin {
                    Some(origin) => row.name("from", origin),
                    None => row,
                }
            }
        }
    }
}

/// The word for an operation.
pub fn word(operation: &Operation<'_>) -> &'static str {
    match operation {
        Operation::Process { .. } => "process",
        Operation::Create { mode, .. } => match Kind::of_mode(*mode) {
            Some(Kind::Directory) => "mkdir",
            Some(Kind::Symlink) => "symlink",
            Some(Kind::File) => "create",
            Some(Kind::Fifo) => "mkfifo",
            _ => "mknod",
        },
        Operation::SetContent { .. } | Operation::Sealed { .. } => "write",
        Operation::DraftOpened { .. } => "open",
        Operation::DraftSynced { .. } => "fsync",
        Operation::SetMode { .. } => "chmod",
        Operation::SetOwner { .. } => "chown",
        Operation::SetTimes { .. } => "utimes",
        Operation::SetXattrs { .. } => "setxattr",
        Operation::Link { .. } => "link",
        Operation::Unlink { .. } => "unlink",
        Operation::RemoveDirectory { .. } => "rmdir",
        Operation::Rename { .. } => "rename",
        Operation::Exchange { .. } => "exchange",
        Operation::StoreSynced { .. } => "sync",
        Operation::Rebased { reason: Reason::Ingest, .. } => "ingest",
        Operation::Rebased { reason: Reason::Reset, .. } => "reset",
        Operation::Rebased { reason: Reason::Compact, .. } => "compact",
    }
}

fn detail(operation: &Operation<'_>, store: &vrift_cas::Store) -> Detail {
    match *operation {
        Operation::Create { mode, rdev, target, .. } => match Kind::of_mode(mode) {
            Some(Kind::Symlink) => Detail::Target(target.to_vec()),
            Some(Kind::CharDevice | Kind::BlockDevice) => {
                Detail::Device(rustix::fs::major(rdev), rustix::fs::minor(rdev))
            }
            kind => Detail::Made(kind),
        },
        Operation::SetContent { digest, size, .. } | Operation::Sealed { digest, size, .. } => {
            Detail::Content(Digest::from_bytes(digest), size)
        }
        Operation::SetMode { mode, .. } => Detail::Mode(mode & 0o7777),
        Operation::SetOwner { uid, gid, .. } => Detail::Owner(uid, gid),
        Operation::SetXattrs { block, .. } => {
            Detail::Xattrs(Xattrs::parse(block).take_while(Result::is_ok).count())
        }
        Operation::StoreSynced { through } => Detail::Through(through),
        Operation::Process { program, arguments, .. } => {
            Detail::Command(super::processes::command(program, arguments))
        }
        Operation::Rebased { image, .. } => {
            match open_image(store, &Digest::from_bytes(image)) {
                Ok(image) => Detail::Tree(image.files(), image.bytes(), None),
                // What it was is still worth telling where the image itself is damaged.
                Err(_) => Detail::Nothing,
            }
        }
        _ => Detail::Nothing,
    }
}
