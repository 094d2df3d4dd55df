//! Writing what the workspace has beside where it is to be, under a name for the time being.

use std::collections::HashSet;
use std::ffi::CStr;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Gid, chownat};
use vrift_cas::{Digest, Store};
use vrift_manifest::attributes::Attributes;
use vrift_manifest::tree::Cursor;
use vrift_manifest::workspace::WorkspaceError;

use super::place::{look, path_of};
use super::sides::{At, Facts, Sides};
use crate::error::Result;
use crate::export::{self, Child, ExportError, OfTree, Source};
use crate::ingest::{Xattr, join};
use crate::output::progress::Counters;

/// The workspace's tree without what was left out when it was ingested.
struct Wanted<'s> {
    tree: OfTree<'s>,
    hidden: HashSet<(u64, Vec<u8>)>,
}

impl Source for Wanted<'_> {
    type Node = Cursor;
    type Error = WorkspaceError;

    fn children(&self, directory: Cursor) -> Result<Vec<Child<Cursor>>, WorkspaceError> {
        let mut children = self.tree.children(directory)?;
        if !self.hidden.is_empty() {
            let number = self.tree.number(directory);
            children.retain(|child| !self.hidden.contains(&(number, child.name.clone())));
        }
        Ok(children)
    }

    fn attributes(&self, node: Cursor) -> Result<Attributes, WorkspaceError> {
        self.tree.attributes(node)
    }

    fn number(&self, node: Cursor) -> u64 {
        self.tree.number(node)
    }

    fn digest(&self, file: Cursor) -> Result<Digest, WorkspaceError> {
        self.tree.digest(file)
    }

    fn open(&self, content: &Digest) -> Result<File, WorkspaceError> {
        self.tree.open(content)
    }

    fn target(&self, symlink: Cursor) -> Result<Vec<u8>, WorkspaceError> {
        self.tree.target(symlink)
    }

    fn xattrs(&self, node: Cursor) -> Result<Vec<Xattr>, WorkspaceError> {
        self.tree.xattrs(node)
    }
}

/// Why something was not written.
pub enum Unwritten {
    /// Only this: the text says why.
    Refused(String),
    /// The file system takes no more.
    Full(ExportError),
    /// A signal came.
    Interrupted(i32),
}

/// Writes what the workspace has at `at` as `name` of a real directory. What of what is below it could not be written is
/// given back as losses; of a single entry, everything is to be right.
pub fn write(
    sides: &Sides<'_>,
    store: &Store,
    (at, path, facts): (Cursor, &[u8], &Facts),
    (directory, name): (BorrowedFd<'_>, &CStr),
    counters: &Counters,
) -> Result<Vec<export::Loss>, Unwritten> {
    let refused = |text: String| Unwritten::Refused(text);
    let hidden = hidden(sides, at, path).map_err(|error| refused(error.to_string()))?;
    let source = Wanted { tree: OfTree { tree: sides.ours, store }, hidden };
    let destination = format!("{}/{}", path_of(directory), name.to_string_lossy());
    let threads = if facts.is_directory() { None } else { Some(1) };
    let options = export::Options { force: false, threads };
    let written = export::export(&source, at, Path::new(&destination), &options, counters);
    let report = written.map_err(|error| match error {
        full @ ExportError::Full { .. } => Unwritten::Full(full),
        ExportError::Interrupted(signal) => Unwritten::Interrupted(signal),
        ExportError::Open(_, cause) => refused(format!("cannot be written: {cause}")),
        other => refused(other.to_string()),
    })?;
    let own = |loss: &&export::Loss| !facts.is_directory() || loss.path.is_empty();
    if let Some(loss) = report.losses.iter().find(own) {
        return Err(refused(loss.what.to_string()));
    }
    belongs(directory, name, facts).map_err(refused)?;
    Ok(report.losses)
}

/// What was written has to belong to whom it belongs in the workspace; only root can give it to others.
fn belongs(directory: BorrowedFd<'_>, name: &CStr, facts: &Facts) -> Result<(), String> {
    let stat = look(directory, name).map_err(|errno| std::io::Error::from(errno).to_string())?;
    let (user, group) = facts.owner();
    if (stat.st_uid, stat.st_gid) == (user, group) {
        return Ok(());
    }
    let given = stat.st_uid == user
        && stat.st_mode & 0o6000 == 0
        && chownat(directory, name, None, Some(Gid::from_raw(group)), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok();
    match given {
        true => Ok(()),
        false => Err(format!("belongs to user {user} and group {group}, which only root can make")),
    }
}

/// Entries that are left out, by directory and name.
fn hidden(sides: &Sides<'_>, at: Cursor, path: &[u8]) -> Result<HashSet<(u64, Vec<u8>)>> {
    let mut hidden = HashSet::new();
    if sides.exclude.is_empty() {
        return Ok(hidden);
    }
    let mut pending = vec![(at, path.to_vec())];
    while let Some((at, path)) = pending.pop() {
        let shown = sides.entries(At::Ours(at), &path)?;
        let known: HashSet<&[u8]> = shown.iter().map(|(name, _)| &name[..]).collect();
        if sides.facts(At::Ours(at))?.is_directory() {
            for child in sides.ours.children(at)? {
                let (name, _) = child?;
                if !known.contains(&name[..]) {
                    hidden.insert((sides.ours.number(at)?, name.to_vec()));
                }
            }
        }
        for (name, child) in &shown {
            if let At::Ours(child) = child {
                pending.push((*child, join(&path, name)));
            }
        }
    }
    Ok(hidden)
}
