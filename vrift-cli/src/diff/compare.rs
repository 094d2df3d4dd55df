//! Walking two trees side by side.

use std::cmp::Ordering;

use vrift_manifest::attributes::Kind;

use super::side::{Item, Side};
use crate::error::Result;

/// In what two things of one name, or under an old and a new name, differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// One is a file, the other a directory or the like.
    Type,
    /// The bytes of a file.
    Content,
    /// The permission.
    Mode,
    /// Owner or group.
    Owner,
    /// Where a symlink points.
    Target,
    /// Which device.
    Device,
    /// Extended attributes.
    Xattrs,
}

impl Aspect {
    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Aspect::Type => "type",
            Aspect::Content => "content",
            Aspect::Mode => "mode",
            Aspect::Owner => "owner",
            Aspect::Target => "target",
            Aspect::Device => "device",
            Aspect::Xattrs => "xattrs",
        }
    }
}

/// Something that is not the same in both.
#[derive(Debug, Clone)]
pub struct Difference {
    /// As it was; `None`: it was added.
    pub old: Option<Item>,
    /// As it is; `None`: it was removed.
    pub new: Option<Item>,
    /// In what the two differ.
    pub aspects: Vec<Aspect>,
}

impl Difference {
    /// The path by which it is sorted and named: the new one where there is one.
    pub fn path(&self) -> &[u8] {
        self.new.as_ref().or(self.old.as_ref()).map_or(b"", |item| &item.path)
    }

    /// Whether it has another path.
    pub fn is_rename(&self) -> bool {
        matches!((&self.old, &self.new), (Some(old), Some(new)) if old.path != new.path)
    }
}

/// Everything that differs, without renames, sorted by path.
pub fn compare(old: &Side, new: &Side) -> Result<Vec<Difference>> {
    let mut found = Vec::new();
    let mut pending = vec![(Some(old.root()?), Some(new.root()?))];
    while let Some((before, after)) = pending.pop() {
        let inside = |item: &Option<Item>, side: &Side| match item {
            Some(item) if item.is_directory() => side.children(item),
            _ => Ok(Vec::new()),
        };
        merge(inside(&before, old)?, inside(&after, new)?, |pair| pending.push(pair));
        let aspects = match (&before, &after) {
            (Some(before), Some(after)) => aspects(old, before, new, after)?,
            _ => Vec::new(),
        };
        if !aspects.is_empty() || before.is_none() || after.is_none() {
            found.push(Difference { old: before, new: after, aspects });
        }
    }
    found.sort_by(|one, other| one.path().cmp(other.path()));
    Ok(found)
}

/// Pairs up two sorted lists by name.
fn merge(old: Vec<Item>, new: Vec<Item>, mut each: impl FnMut((Option<Item>, Option<Item>))) {
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.name().cmp(after.name()),
        };
        each(match order {
            Ordering::Less => (old.next(), None),
            Ordering::Greater => (None, new.next()),
            Ordering::Equal => (old.next(), new.next()),
        });
    }
}

/// In what two things differ.
pub(super) fn aspects(old: &Side, before: &Item, new: &Side, after: &Item) -> Result<Vec<Aspect>> {
    if before.kind != after.kind {
        return Ok(vec![Aspect::Type]);
    }
    let mut found = Vec::new();
    match before.kind {
        Kind::File if differ(old, before, new, after)? => found.push(Aspect::Content),
        Kind::Symlink if old.target(before)? != new.target(after)? => found.push(Aspect::Target),
        Kind::CharDevice | Kind::BlockDevice if before.rdev != after.rdev => {
            found.push(Aspect::Device);
        }
        _ => {}
    }
    // The permission of a symlink means nothing and differs between systems.
    if before.mode != after.mode && before.kind != Kind::Symlink {
        found.push(Aspect::Mode);
    }
    if let (Side::Tree(_), Side::Tree(_)) = (old, new) {
        if before.owner != after.owner {
            found.push(Aspect::Owner);
        }
        if old.xattrs(before)? != new.xattrs(after)? {
            found.push(Aspect::Xattrs);
        }
    }
    Ok(found)
}

/// Whether two files have other bytes. What cannot be read is noted and taken for the same.
fn differ(old: &Side, before: &Item, new: &Side, after: &Item) -> Result<bool> {
    if before.size != after.size {
        return Ok(true);
    }
    Ok(match (old.digest(before)?, new.digest(after)?) {
        (Some(before), Some(after)) => before != after,
        _ => false,
    })
}
