//! Applying a record: the one place where a journal's words become a tree's state.
//!
//! Applying a record again changes nothing: an entry is simply set, and a node takes a change only from a record newer
//! than its last one. So what a killed process left half applied is finished by applying it once more.

use super::read::{Tree, digest_words};
use crate::attributes::{Attributes, Kind};
use crate::hash::name_hash;
use crate::image::Damaged;
use crate::index::edit::EditError;
use crate::index::layout::{H_DRAFTS_AFTER, H_OWNER, NO_RECORD};
use crate::index::read::Key;
use crate::index::{NodeRef, NodeState};
use crate::journal::{Operation, Record};
use vrift_cas::Digest;

/// A record does not fit the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The image lies.
    #[error(transparent)]
    Image(#[from] Damaged),
    /// The live index cannot take it.
    #[error(transparent)]
    Index(#[from] EditError),
    /// The record speaks of a node that does not exist.
    #[error("record {seq} speaks of node {node}, which does not exist")]
    NoSuchNode {
        /// The record.
        seq: u64,
        /// The node it speaks of.
        node: u64,
    },
    /// The record cannot have happened to this tree.
    #[error("record {seq} contradicts the tree: {what}")]
    Contradiction {
        /// The record.
        seq: u64,
        /// How.
        what: &'static str,
    },
}

/// What one record does to the links and times of one node.
#[derive(Clone, Copy, Default)]
struct Touch {
    node: u64,
    nlink: i32,
    /// Its entries changed: mtime as well as ctime.
    entries: bool,
    parent: Option<u64>,
}

impl Tree {
    /// Applies the record with number `seq`.
    pub fn apply(&self, seq: u64, record: &Record<'_>) -> Result<(), ApplyError> {
        let step = Step { tree: self, seq, record };
        step.run()?;
        self.index.edit().raise_floor(record.time)?;
        match record.operation {
            // The kernel's clock for files may be ahead of the one that stamps records.
            Operation::Sealed { mtime, .. } if mtime.is_soon_after(record.time) => {
                Ok(self.index.edit().raise_floor(mtime)?)
            }
            _ => Ok(()),
        }
    }
}

struct Step<'a> {
    tree: &'a Tree,
    seq: u64,
    record: &'a Record<'a>,
}

impl Step<'_> {
    fn run(&self) -> Result<(), ApplyError> {
        match self.record.operation {
            Operation::Process { .. }
            | Operation::StoreSynced { .. }
            | Operation::Rebased { .. } => Ok(()),
            Operation::Create { parent, name, node, .. } => self.create(parent, name, node),
            Operation::SetContent { node, digest, size, mtime } => self.change(node, |state| {
                state.content = digest_words(&Digest::from_bytes(digest));
                state.attributes.size = size;
                state.attributes.mtime = mtime.unwrap_or(self.record.time);
            }),
            Operation::DraftOpened { node, draft, owner } => {
                // Of a draft that belongs to another workspace, the last sealed content is all there is.
                let index = &self.tree.index;
                let own = owner == index.header(H_OWNER) && self.seq > index.header(H_DRAFTS_AFTER);
                self.change_state(node, |state| state.draft = if own { draft } else { 0 })
            }
            Operation::DraftSynced { node, draft, owner } => {
                // Also where the record that it was opened is of an earlier boot.
                match owner == self.tree.index.header(H_OWNER) {
                    true => self.change_state(node, |state| state.draft = draft),
                    false => Ok(()),
                }
            }
            Operation::Sealed { node, draft, digest, size, mtime, kept } => {
                self.change_state(node, |state| {
                    state.content = digest_words(&Digest::from_bytes(digest));
                    state.attributes.size = size;
                    // What was not written keeps its times; else ctime is that of the last write, as if it had
                    // happened here.
                    if mtime != state.attributes.mtime {
                        state.attributes.ctime = state.attributes.ctime.max(mtime);
                    }
                    state.attributes.mtime = mtime;
                    if !kept && state.draft == draft {
                        state.draft = 0;
                    }
                })
            }
            Operation::SetMode { node, mode } => {
                self.change(node, |state| set_permission(&mut state.attributes, mode))?;
                self.bump_if_directory(node)
            }
            Operation::SetOwner { node, uid, gid, mode } => {
                self.change(node, |state| {
                    state.attributes.uid = uid;
                    state.attributes.gid = gid;
                    set_permission(&mut state.attributes, mode);
                })?;
                self.bump_if_directory(node)
            }
            Operation::SetTimes { node, atime, mtime } => self.change(node, |state| {
                let attributes = &mut state.attributes;
                attributes.atime = atime.unwrap_or(attributes.atime);
                attributes.mtime = mtime.unwrap_or(attributes.mtime);
            }),
            Operation::SetXattrs { node, block } => {
                let at = if block.is_empty() { 0 } else { self.tree.index.edit().bytes(block)? };
                self.change(node, |state| state.xattrs = at)
            }
            Operation::Link { node, parent, name } => {
                self.set_entry(parent, name, node)?;
                self.touch(&[
                    Touch { node, nlink: 1, ..Touch::default() },
                    Touch { node: parent, entries: true, ..Touch::default() },
                ])
            }
            Operation::Unlink { parent, name, node } => {
                self.set_entry(parent, name, 0)?;
                self.touch(&[
                    Touch { node, nlink: -1, ..Touch::default() },
                    Touch { node: parent, entries: true, ..Touch::default() },
                ])?;
                self.bump_if_symlink(node)
            }
            Operation::RemoveDirectory { parent, name, node } => {
                self.set_entry(parent, name, 0)?;
                // As ext4 does. One that another took the place of keeps its size.
                self.change(node, |state| {
                    state.attributes.nlink = 0;
                    state.attributes.size = 0;
                })?;
                self.touch(&[Touch { node: parent, nlink: -1, entries: true, parent: None }])?;
                self.bump()
            }
            Operation::Rename { .. } => self.rename(),
            Operation::Exchange { .. } => self.exchange(),
        }
    }

    fn create(&self, parent: u64, name: &[u8], number: u64) -> Result<(), ApplyError> {
        let Operation::Create { mode, uid, gid, rdev, target, .. } = self.record.operation else {
            return Ok(());
        };
        let kind = Kind::of_mode(mode);
        let directory = kind == Some(Kind::Directory);
        let edit = self.tree.index.edit();
        let time = self.record.time;
        let node = edit.node(Key::Number(number), number, || {
            let (content, size) = match kind {
                Some(Kind::File) => (digest_words(&Digest::EMPTY), 0),
                Some(Kind::Symlink) => {
                    let length = target.len() as u64;
                    ([edit.bytes(target)?, length, 0, 0], length)
                }
                Some(Kind::Directory) => ([0; 4], DIRECTORY_SIZE),
                _ => ([0; 4], 0),
            };
            let attributes = Attributes {
                mode,
                uid,
                gid,
                nlink: if directory { 2 } else { 1 },
                size,
                atime: time,
                mtime: time,
                ctime: time,
                rdev,
            };
            Ok(NodeState { seq: self.seq, attributes, content, parent, draft: 0, xattrs: 0 })
        })?;
        edit.raise_next_node(number)?;
        self.set_entry_to(parent, name, Some(node))?;
        self.touch(&[Touch {
            node: parent,
            nlink: i32::from(directory),
            entries: true,
            parent: None,
        }])?;
        if kind == Some(Kind::Symlink) { self.bump() } else { Ok(()) }
    }

    fn rename(&self) -> Result<(), ApplyError> {
        let Operation::Rename { from_parent, from, to_parent, to, node, replaced } =
            self.record.operation
        else {
            return Ok(());
        };
        // The new name first: at no moment does it mean nothing, and the node is never without a name.
        self.set_entry(to_parent, to, node)?;
        self.set_entry(from_parent, from, 0)?;
        let directory = self.is_directory(node)?;
        let over_directory = replaced != 0 && self.is_directory(replaced)?;
        if over_directory {
            self.change(replaced, |state| state.attributes.nlink = 0)?;
        }
        self.touch(&[
            Touch { node, parent: directory.then_some(to_parent), ..Touch::default() },
            Touch {
                node: if over_directory { 0 } else { replaced },
                nlink: -1,
                ..Touch::default()
            },
            Touch { node: from_parent, nlink: -i32::from(directory), entries: true, parent: None },
            Touch {
                node: to_parent,
                nlink: i32::from(directory) - i32::from(over_directory),
                entries: true,
                parent: None,
            },
        ])?;
        self.bump_if_directory(node)?;
        self.bump_if_symlink(node)?;
        if replaced == 0 { Ok(()) } else { self.bump_if_symlink(replaced) }
    }

    fn exchange(&self) -> Result<(), ApplyError> {
        let Operation::Exchange { one_parent, one, other_parent, other, one_node, other_node } =
            self.record.operation
        else {
            return Ok(());
        };
        self.set_entry(other_parent, other, one_node)?;
        self.set_entry(one_parent, one, other_node)?;
        let one_directory = self.is_directory(one_node)?;
        let other_directory = self.is_directory(other_node)?;
        let moved = i32::from(one_directory) - i32::from(other_directory);
        self.touch(&[
            Touch {
                node: one_node,
                parent: one_directory.then_some(other_parent),
                ..Touch::default()
            },
            Touch {
                node: other_node,
                parent: other_directory.then_some(one_parent),
                ..Touch::default()
            },
            Touch { node: one_parent, nlink: -moved, entries: true, parent: None },
            Touch { node: other_parent, nlink: moved, entries: true, parent: None },
        ])?;
        self.bump()
    }

    /// Settles links, times and parents, each node once: a node takes only one change from a record.
    fn touch(&self, touches: &[Touch]) -> Result<(), ApplyError> {
        for (place, first) in touches.iter().enumerate() {
            let same = |other: &&Touch| other.node == first.node;
            if first.node == 0 || touches[..place].iter().any(|other| other.node == first.node) {
                continue;
            }
            let all = touches[place..].iter().filter(same);
            let sum = all.fold(Touch::default(), |sum, next| Touch {
                node: next.node,
                nlink: sum.nlink + next.nlink,
                entries: sum.entries | next.entries,
                parent: next.parent.or(sum.parent),
            });
            self.change(sum.node, |state| {
                let attributes = &mut state.attributes;
                attributes.nlink = attributes.nlink.saturating_add_signed(sum.nlink);
                if sum.entries {
                    attributes.mtime = self.record.time;
                }
                state.parent = sum.parent.unwrap_or(state.parent);
            })?;
        }
        Ok(())
    }

    /// Changes a node's state, unless this record did already, and sets ctime.
    fn change(&self, number: u64, how: impl FnOnce(&mut NodeState)) -> Result<(), ApplyError> {
        self.change_state(number, |state| {
            how(state);
            state.attributes.ctime = self.record.time;
        })
    }

    /// Changes a node's state, unless this record did already.
    fn change_state(
        &self,
        number: u64,
        how: impl FnOnce(&mut NodeState),
    ) -> Result<(), ApplyError> {
        let node = self.live(number)?;
        let mut state = self.tree.index.state(node).ok_or(EditError::Damaged)?;
        if state.seq >= self.seq {
            return Ok(());
        }
        how(&mut state);
        state.seq = self.seq;
        Ok(self.tree.index.edit().set_state(node, &state)?)
    }

    /// The node's record in the live index, copied up from the image if need be.
    fn live(&self, number: u64) -> Result<NodeRef, ApplyError> {
        let missing = ApplyError::NoSuchNode { seq: self.seq, node: number };
        let cursor = self.tree.node(number)?.ok_or(missing)?;
        if let Some(live) = cursor.live {
            return Ok(live);
        }
        let state = self.tree.image_state(cursor.record)?;
        Ok(self.tree.index.edit().node(Key::Image(cursor.record), number, || Ok(state))?)
    }

    fn set_entry(&self, parent: u64, name: &[u8], node: u64) -> Result<(), ApplyError> {
        let target = if node == 0 { None } else { Some(self.live(node)?) };
        self.set_entry_to(parent, name, target)
    }

    fn set_entry_to(
        &self,
        parent: u64,
        name: &[u8],
        target: Option<NodeRef>,
    ) -> Result<(), ApplyError> {
        let directory = self.live(parent)?;
        let record = self.tree.index.image_record(directory).unwrap_or(NO_RECORD);
        let in_image =
            record != NO_RECORD && self.tree.image.lookup(record, name, name_hash(name))?.is_some();
        Ok(self.tree.index.edit().set_entry(directory, name, in_image, target)?)
    }

    fn kind(&self, number: u64) -> Result<Kind, ApplyError> {
        let missing = ApplyError::NoSuchNode { seq: self.seq, node: number };
        let cursor = self.tree.node(number)?.ok_or(missing)?;
        Ok(self.tree.kind(cursor)?)
    }

    fn is_directory(&self, number: u64) -> Result<bool, ApplyError> {
        Ok(self.kind(number)? == Kind::Directory)
    }

    fn bump(&self) -> Result<(), ApplyError> {
        Ok(self.tree.index.edit().bump_generation()?)
    }

    fn bump_if_directory(&self, number: u64) -> Result<(), ApplyError> {
        if self.is_directory(number)? { self.bump() } else { Ok(()) }
    }

    fn bump_if_symlink(&self, number: u64) -> Result<(), ApplyError> {
        if self.kind(number)? == Kind::Symlink { self.bump() } else { Ok(()) }
    }
}

/// What `stat` says of every directory's size.
pub const DIRECTORY_SIZE: u64 = 4096;

fn set_permission(attributes: &mut Attributes, mode: u32) {
    attributes.mode = attributes.mode & Kind::MASK | mode & !Kind::MASK;
}
