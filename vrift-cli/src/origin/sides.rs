//! The three trees: the base, the workspace's, and the real directory's.

use std::collections::{BTreeMap, HashSet};

use vrift_cas::Digest;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::tree::{Cursor, Tree};

use crate::error::{Error, Result};
use crate::ingest::{self, Exclude, Found, Xattr, join};

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Nothing that would be content.
    Nothing,
    /// A file's content.
    Blob(Digest),
    /// A symlink's target.
    Target(Vec<u8>),
}

/// Everything of an entry that is compared and kept.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What `stat` says.
    pub attributes: Attributes,
    /// What it is.
    pub kind: Kind,
    /// What it holds.
    pub holds: Holds,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<Xattr>,
    /// It is there, but cannot be read, or is being written at this moment: nothing is known of its content.
    pub unknown: bool,
}

impl Facts {
    /// Permission bits. Those of a symlink mean nothing.
    pub fn mode(&self) -> u32 {
        if self.kind == Kind::Symlink { 0 } else { self.attributes.mode & 0o7777 }
    }

    /// Owner and group.
    pub fn owner(&self) -> (u32, u32) {
        (self.attributes.uid, self.attributes.gid)
    }

    /// Which device.
    pub fn device(&self) -> u64 {
        let is_device = matches!(self.kind, Kind::CharDevice | Kind::BlockDevice);
        if is_device { self.attributes.rdev } else { 0 }
    }

    /// Whether both are the same thing with the same content.
    pub fn holds_same(&self, other: &Facts) -> bool {
        self.kind == other.kind && self.holds == other.holds && self.device() == other.device()
    }

    /// Whether both are the same but for times: content, permission, owner, extended attributes.
    pub fn is_same(&self, other: &Facts) -> bool {
        self.holds_same(other)
            && self.mode() == other.mode()
            && self.owner() == other.owner()
            && self.xattrs == other.xattrs
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

/// One path in the three trees.
#[derive(Debug, Clone, Copy, Default)]
pub struct Triple {
    /// In the base.
    pub base: Option<Cursor>,
    /// In the workspace.
    pub ours: Option<Cursor>,
    /// In the real directory: the index of an entry.
    pub real: Option<usize>,
}

/// What one of the trees has at a path.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// The base.
    Base(Cursor),
    /// The workspace.
    Ours(Cursor),
    /// The real directory.
    Real(usize),
}

/// The three trees.
pub struct Sides<'s> {
    /// What both had in common last.
    pub base: &'s Tree,
    /// The workspace's present tree.
    pub ours: &'s Tree,
    /// The real directory.
    pub real: &'s ingest::Tree,
    /// What is not looked at, on any side.
    pub exclude: &'s Exclude,
    /// Nodes of the workspace that are being written at this moment.
    pub busy: &'s HashSet<u64>,
}

impl Sides<'_> {
    /// The roots.
    pub fn roots(&self) -> Triple {
        Triple { base: Some(self.base.root()), ours: Some(self.ours.root()), real: Some(0) }
    }

    /// What an entry is.
    pub fn facts(&self, at: At) -> Result<Facts> {
        match at {
            At::Base(at) => of_tree(self.base, at, None),
            At::Ours(at) => of_tree(self.ours, at, Some(self.busy)),
            At::Real(index) => self.of_real(index),
        }
    }

    /// What each of the three has at a path.
    pub fn all(&self, at: &Triple) -> Result<[Option<Facts>; 3]> {
        let known = |at: Option<At>| at.map(|at| self.facts(at)).transpose();
        Ok([
            known(at.base.map(At::Base))?,
            known(at.ours.map(At::Ours))?,
            known(at.real.map(At::Real))?,
        ])
    }

    fn of_real(&self, index: usize) -> Result<Facts> {
        let entry = self.real.entries().get(index);
        let entry = entry.ok_or_else(|| Error::failed("the directory has no such entry"))?;
        let holds = match entry.found {
            Found::Blob(digest) => Holds::Blob(digest),
            Found::Target => Holds::Target(self.real.target(entry).to_vec()),
            Found::Nothing | Found::Unread => Holds::Nothing,
        };
        let xattrs = sorted(self.real.xattrs(entry).to_vec());
        let (kind, attributes) = (entry.kind(), entry.attributes);
        Ok(Facts { attributes, kind, holds, xattrs, unknown: entry.found == Found::Unread })
    }

    /// What is in a directory of one of the trees.
    pub fn entries(&self, directory: At, path: &[u8]) -> Result<Vec<(Vec<u8>, At)>> {
        let of = |tree: &Tree, at: Cursor, make: fn(Cursor) -> At| -> Result<_> {
            let mut found = Vec::new();
            if tree.kind(at)? != Kind::Directory {
                return Ok(found);
            }
            for child in tree.children(at)? {
                let (name, child) = child?;
                let is_directory = tree.kind(child)? == Kind::Directory;
                if !self.is_excluded(path, &name, is_directory) {
                    found.push((name.to_vec(), make(child)));
                }
            }
            Ok(found)
        };
        match directory {
            At::Base(at) => of(self.base, at, At::Base),
            At::Ours(at) => of(self.ours, at, At::Ours),
            At::Real(index) => {
                let entries = self.real.entries();
                let Some(entry) = entries.get(index) else { return Ok(Vec::new()) };
                let named =
                    |index: usize| Some((self.real.name(entries.get(index)?).to_vec(), index));
                let named = entry.children().filter_map(named);
                Ok(named.map(|(name, index)| (name, At::Real(index))).collect())
            }
        }
    }

    /// What is in a directory of any of them, sorted by name.
    pub fn children(&self, at: &Triple, path: &[u8]) -> Result<Vec<(Vec<u8>, Triple)>> {
        let mut all: BTreeMap<Vec<u8>, Triple> = BTreeMap::new();
        let directories = [at.base.map(At::Base), at.ours.map(At::Ours), at.real.map(At::Real)];
        for directory in directories.into_iter().flatten() {
            for (name, child) in self.entries(directory, path)? {
                let triple = all.entry(name).or_default();
                match child {
                    At::Base(at) => triple.base = Some(at),
                    At::Ours(at) => triple.ours = Some(at),
                    At::Real(index) => triple.real = Some(index),
                }
            }
        }
        Ok(all.into_iter().collect())
    }

    fn is_excluded(&self, path: &[u8], name: &[u8], is_directory: bool) -> bool {
        if self.exclude.is_empty() {
            return false;
        }
        let whole = if self.exclude.needs_path() { join(path, name) } else { Vec::new() };
        self.exclude.matches(name, &whole, is_directory)
    }
}

fn of_tree(tree: &Tree, at: Cursor, busy: Option<&HashSet<u64>>) -> Result<Facts> {
    let (kind, attributes) = (tree.kind(at)?, tree.attributes(at)?);
    let holds = match kind {
        Kind::File => tree.digest(at)?.map_or(Holds::Nothing, Holds::Blob),
        Kind::Symlink => Holds::Target(tree.target(at)?.unwrap_or_default()),
        _ => Holds::Nothing,
    };
    let list = tree.xattrs(at)?;
    let xattrs = list.into_iter().map(|(name, value)| Xattr { name, value }).collect();
    let unknown = match busy {
        Some(busy) if kind == Kind::File && !busy.is_empty() => busy.contains(&tree.number(at)?),
        _ => false,
    };
    Ok(Facts { attributes, kind, holds, xattrs: sorted(xattrs), unknown })
}

fn sorted(mut xattrs: Vec<Xattr>) -> Vec<Xattr> {
    xattrs.sort();
    xattrs
}
