//! How much a tree holds.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use vrift_cas::Digest;
use vrift_manifest::attributes::Kind;
use vrift_manifest::image::Damaged;
use vrift_manifest::tree::{Cursor, Tree};

/// What is in a tree. A node with several names counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Regular files.
    pub files: u64,
    /// Directories, the one that was looked at included.
    pub directories: u64,
    /// Everything else.
    pub others: u64,
    /// The sum of the files' sizes.
    pub bytes: u64,
    /// The same with each content counted once.
    pub unique_bytes: u64,
}

impl Totals {
    /// What is in the directory at `at` and below it, or the one file there.
    pub fn of(tree: &Tree, at: Cursor) -> Result<Totals, Damaged> {
        let mut totals = Totals::default();
        let mut seen = Seen::default();
        totals.add(tree, at, &mut seen)?;
        let mut pending = vec![at];
        while let Some(directory) = pending.pop() {
            for child in tree.children(directory)? {
                let (_, at) = child?;
                if totals.add(tree, at, &mut seen)? == Kind::Directory {
                    pending.push(at);
                }
            }
        }
        Ok(totals)
    }

    fn add(&mut self, tree: &Tree, at: Cursor, seen: &mut Seen) -> Result<Kind, Damaged> {
        let attributes = tree.attributes(at)?;
        let kind = Kind::of_mode(attributes.mode).unwrap_or(Kind::File);
        if kind == Kind::Directory {
            self.directories += 1;
            return Ok(kind);
        }
        if attributes.nlink > 1 && !seen.linked.insert(tree.number(at)?) {
            return Ok(kind);
        }
        if kind != Kind::File {
            self.others += 1;
            return Ok(kind);
        }
        self.files += 1;
        self.bytes = self.bytes.saturating_add(attributes.size);
        if let Some(digest) = tree.digest(at)?
            && seen.contents.insert(digest)
        {
            self.unique_bytes = self.unique_bytes.saturating_add(attributes.size);
        }
        Ok(kind)
    }
}

/// What was counted already.
#[derive(Default)]
struct Seen {
    linked: HashSet<u64>,
    contents: HashSet<Digest, BuildHasherDefault<Leading>>,
}

/// A digest is a hash already: its first bytes do.
#[derive(Default)]
struct Leading(u64);

impl Hasher for Leading {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length of the digest says nothing.
    fn write_usize(&mut self, _: usize) {}
}
