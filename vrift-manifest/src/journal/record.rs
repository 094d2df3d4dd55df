//! One record: what happened, when, and which process did it.

use bincode::{BorrowDecode, Decode, Encode};

use crate::time::Timestamp;

/// The longest payload: a create with a long target, an attribute block of 64 KiB, or a long command line.
pub const PAYLOAD_MAX: usize = 96 * 1024;

/// A record as it stands in the journal. Its sequence number stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Record<'a> {
    /// The stamp that the operation gave to what it changed.
    pub time: Timestamp,
    /// The sequence number of the [`Operation::Process`] record of the process that did it; 0 = the store itself.
    pub process: u64,
    /// What happened.
    pub operation: Operation<'a>,
}

/// Why a tree was replaced as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Reason {
    /// A real directory was ingested.
    Ingest,
    /// The workspace was reset to another place.
    Reset,
    /// The journal was folded into an image; the tree is the same.
    Compact,
}

/// What can happen. New kinds are added at the end: the order is part of the format.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Operation<'a> {
    /// A process is about to change the tree for the first time.
    Process {
        /// Its parent's record, or 0.
        parent: u64,
        /// Its number then.
        pid: u32,
        /// The program's path.
        program: &'a [u8],
        /// Its arguments, each followed by a NUL.
        arguments: &'a [u8],
        /// Its working directory.
        directory: &'a [u8],
    },
    /// A node came into being: a file (empty), directory, symlink or special, by `mode`.
    Create {
        /// The directory.
        parent: u64,
        /// The name in it.
        name: &'a [u8],
        /// The new node's number.
        node: u64,
        /// Type and permission.
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// A device's number.
        rdev: u64,
        /// A symlink's target.
        target: &'a [u8],
    },
    /// A file has new content.
    SetContent {
        /// The file.
        node: u64,
        /// The blob.
        digest: [u8; 32],
        /// Its bytes.
        size: u64,
        /// The time of the last write, where it is not the record's.
        mtime: Option<Timestamp>,
    },
    /// chmod.
    SetMode {
        /// The node.
        node: u64,
        /// The permission bits.
        mode: u32,
    },
    /// chown.
    SetOwner {
        /// The node.
        node: u64,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// The permission bits afterwards: chown takes setuid and setgid away.
        mode: u32,
    },
    /// utimes; what is left out stays.
    SetTimes {
        /// The node.
        node: u64,
        /// Last access.
        atime: Option<Timestamp>,
        /// Last change of content.
        mtime: Option<Timestamp>,
    },
    /// The extended attributes are these now.
    SetXattrs {
        /// The node.
        node: u64,
        /// All of them, in the form of [`crate::image::Xattrs`]; empty = none.
        block: &'a [u8],
    },
    /// A file has another name.
    Link {
        /// The file.
        node: u64,
        /// The directory.
        parent: u64,
        /// The name in it.
        name: &'a [u8],
    },
    /// A name of a node that is no directory is gone.
    Unlink {
        /// The directory.
        parent: u64,
        /// The name in it.
        name: &'a [u8],
        /// The node.
        node: u64,
    },
    /// A directory is gone.
    RemoveDirectory {
        /// The directory that held it.
        parent: u64,
        /// Its name.
        name: &'a [u8],
        /// The directory itself.
        node: u64,
    },
    /// A node moved, over another one or not.
    Rename {
        /// From this directory.
        from_parent: u64,
        /// Under this name.
        from: &'a [u8],
        /// To this directory.
        to_parent: u64,
        /// Under this name.
        to: &'a [u8],
        /// What moved.
        node: u64,
        /// What had the new name before; 0 = nothing.
        replaced: u64,
    },
    /// Two names changed places.
    Exchange {
        /// One directory.
        one_parent: u64,
        /// One name.
        one: &'a [u8],
        /// The other directory.
        other_parent: u64,
        /// The other name.
        other: &'a [u8],
        /// What was under the one name.
        one_node: u64,
        /// What was under the other.
        other_node: u64,
    },
    /// Everything up to and including this sequence number, blobs and journal, is on disk.
    StoreSynced {
        /// The sequence number.
        through: u64,
    },
    /// The tree is that of an image from here on; the journal goes on in a new segment.
    Rebased {
        /// The image's digest.
        image: [u8; 32],
        /// Why.
        reason: Reason,
        /// The segment that follows.
        segment: [u8; 16],
    },
    /// A file is being written: its content is in a draft from here on.
    DraftOpened {
        /// The file.
        node: u64,
        /// The draft's number. The two together name its file.
        draft: u64,
        /// The number of the workspace to which the draft belongs: a fork has its parent's records, not its drafts.
        owner: u64,
    },
    /// What was in a draft became content.
    Sealed {
        /// The file.
        node: u64,
        /// The draft's number.
        draft: u64,
        /// The blob.
        digest: [u8; 32],
        /// Its bytes.
        size: u64,
        /// The time of the last write.
        mtime: Timestamp,
        /// The draft goes on: this is a copy of it.
        kept: bool,
    },
    /// A draft is on disk, as far as its writers have asked for that: it is the file's content also after a power cut.
    DraftSynced {
        /// The file.
        node: u64,
        /// The draft's number.
        draft: u64,
        /// The number of the workspace to which the draft belongs.
        owner: u64,
    },
}

impl Operation<'_> {
    /// Whether it is about nodes, so that applying it may need room in the live index.
    pub fn is_of_nodes(&self) -> bool {
        !matches!(
            self,
            Operation::Process { .. } | Operation::StoreSynced { .. } | Operation::Rebased { .. }
        )
    }

    /// Whether the tree is another one afterwards.
    pub fn changes_tree(&self) -> bool {
        match self {
            Operation::Process { .. }
            | Operation::StoreSynced { .. }
            | Operation::DraftOpened { .. }
            | Operation::DraftSynced { .. } => false,
            Operation::Rebased { reason, .. } => *reason != Reason::Compact,
            _ => true,
        }
    }

    /// Whether the state of `node` is another one afterwards: its own, or, of a directory, what is in it. A tree that
    /// is replaced as a whole touches no node by this measure.
    pub fn touches(&self, node: u64) -> bool {
        let touched = match *self {
            Operation::Process { .. }
            | Operation::StoreSynced { .. }
            | Operation::Rebased { .. }
            // What was in the file is still what was in it.
            | Operation::DraftOpened { .. }
            | Operation::DraftSynced { .. } => [0; 4],
            Operation::Create { parent, node, .. }
            | Operation::Link { parent, node, .. }
            | Operation::Unlink { parent, node, .. }
            | Operation::RemoveDirectory { parent, node, .. } => [node, parent, 0, 0],
            Operation::SetContent { node, .. }
            | Operation::Sealed { node, .. }
            | Operation::SetMode { node, .. }
            | Operation::SetOwner { node, .. }
            | Operation::SetTimes { node, .. }
            | Operation::SetXattrs { node, .. } => [node, 0, 0, 0],
            Operation::Rename { from_parent, to_parent, node, replaced, .. } => {
                [node, replaced, from_parent, to_parent]
            }
            Operation::Exchange { one_parent, other_parent, one_node, other_node, .. } => {
                [one_node, other_node, one_parent, other_parent]
            }
        };
        node != 0 && touched.contains(&node)
    }
}

impl Record<'_> {
    /// Writes the payload into `buffer`; its length. `None`: it does not fit.
    pub fn encode(&self, buffer: &mut [u8]) -> Option<usize> {
        bincode::encode_into_slice(self, buffer, bincode::config::standard()).ok()
    }
}

impl<'a> Record<'a> {
    /// Reads a payload. `None`: it is none, or is followed by other bytes, or says what no journal can hold.
    pub fn decode(payload: &'a [u8]) -> Option<Record<'a>> {
        let (record, used): (Record<'a>, usize) =
            bincode::borrow_decode_from_slice(payload, bincode::config::standard()).ok()?;
        (used == payload.len() && record.is_sound()).then_some(record)
    }
}
