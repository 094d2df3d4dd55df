//! Loading a state: an era's image, and the records since then applied over it.

use std::path::PathBuf;

use super::attach::Damage;
use super::config::{Era, Segment};
use super::error::WorkspaceError;
use super::segments::{read_segment, segment_path};
use crate::journal::replay::{Records, Tail};
use crate::journal::{Operation, Position, Reason, SegmentId};
use crate::tree::Tree;
use vrift_cas::{Digest, Store, StoreError};

/// What is known of the end of the open segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Records up to here have happened: the control page says so.
    Committed(Position),
    /// Nobody knows: what can be read has happened.
    Found {
        /// The machine may have gone down since. Then what was not synced may be there in part: a record counts as
        /// long as the content that it names is there too, and what is lost behind the last sync is no damage.
        power_failed: bool,
        /// Everything up to this number is known to have been on the disk.
        vouched: u64,
    },
    /// The records up to this number are wanted, no further.
    At(u64),
    /// What can be read is wanted, whatever stands behind it.
    BeforeDamage,
}

/// The state after replaying an era.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The last record applied.
    pub seq: u64,
    /// Where the next one goes in the last segment read.
    pub position: Position,
    /// The highest number that a record says is on disk.
    pub synced: u64,
    /// What stands behind the last record, and does not belong to the tree.
    pub tail: Tail,
    /// Where reading stopped before the end.
    pub damage: Option<Damage>,
    /// The era ends here: the tree is that of an image from this record on.
    pub rebased: Option<Rebased>,
}

/// The record that ends an era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebased {
    /// The image that follows.
    pub image: Digest,
    /// Why.
    pub reason: Reason,
    /// The segment that follows.
    pub segment: SegmentId,
}

/// Replays an era's records over `tree`, which holds its image and an empty index.
pub fn replay(
    workspace: &str,
    store: &Store,
    era: &Era,
    tree: &Tree,
    end: End,
) -> Result<Loaded, WorkspaceError> {
    let mut loaded = Loaded {
        seq: era.base,
        position: Position { records: 0, eighths: 0 },
        synced: 0,
        tail: Tail::Clean,
        damage: None,
        rebased: None,
    };
    for segment in &era.segment {
        if let End::At(seq) = end
            && segment.first > seq
        {
            break;
        }
        let vouched = match end {
            End::Found { vouched, .. } => vouched,
            _ => 0,
        };
        Replay { workspace, store, tree, segment, end, vouched, loaded: &mut loaded }.run()?;
        if loaded.damage.is_some() || loaded.rebased.is_some() {
            break;
        }
    }
    Ok(loaded)
}

struct Replay<'a> {
    workspace: &'a str,
    store: &'a Store,
    tree: &'a Tree,
    segment: &'a Segment,
    end: End,
    vouched: u64,
    loaded: &'a mut Loaded,
}

impl Replay<'_> {
    fn run(&mut self) -> Result<(), WorkspaceError> {
        let path = segment_path(self.store, self.segment.id);
        let bytes = read_segment(self.store, self.segment.id)?;
        let header = |source| WorkspaceError::SegmentHeader { path: path.clone(), source };
        let mut records = Records::of(&bytes, self.segment.id).map_err(header)?;
        let first = records.next_seq();
        let last = self.last();
        let open = self.segment.last.is_none();
        let power_failed = matches!(self.end, End::Found { power_failed: true, .. });
        if open && power_failed {
            self.vouched = self.vouched.max(vouched_for(records.clone()));
        }
        loop {
            self.loaded.position = Position {
                records: u32::try_from(records.next_seq() - first).unwrap_or(u32::MAX),
                eighths: u32::try_from(records.offset() / 8).unwrap_or(u32::MAX),
            };
            if last.is_some_and(|last| records.next_seq() > last) {
                return Ok(());
            }
            let offset = records.offset();
            let Some(placed) = records.next() else {
                return self.stopped(&records, offset, path, last);
            };
            // A record that a shared segment holds from before this era's beginning is in the image already.
            if placed.seq <= self.loaded.seq {
                continue;
            }
            if open
                && power_failed
                && placed.seq > self.vouched
                && !self.content_is_there(&placed.record.operation)?
            {
                self.loaded.tail = Tail::PowerCut { next: placed.seq };
                return Ok(());
            }
            self.apply(&placed)?;
            // Nothing can have happened in this segment since.
            if self.loaded.rebased.is_some() && open {
                return Ok(());
            }
        }
    }

    /// The last record that is wanted from this segment, where that is known.
    fn last(&self) -> Option<u64> {
        let wanted = match self.end {
            End::At(seq) => Some(seq),
            End::Committed(position) if self.segment.last.is_none() => Some(
                self.segment.first.saturating_add(u64::from(position.records)).saturating_sub(1),
            ),
            _ => None,
        };
        match (self.segment.last, wanted) {
            (Some(last), Some(wanted)) => Some(last.min(wanted)),
            (last, wanted) => last.or(wanted),
        }
    }

    fn apply(&mut self, placed: &crate::journal::replay::Placed<'_>) -> Result<(), WorkspaceError> {
        let contradiction =
            |source| WorkspaceError::Replay { workspace: self.workspace.to_owned(), source };
        self.tree.replay(placed.seq, &placed.record).map_err(contradiction)?;
        self.loaded.seq = placed.seq;
        match placed.record.operation {
            Operation::StoreSynced { through } => {
                self.loaded.synced = self.loaded.synced.max(through);
            }
            Operation::Rebased { image, reason, segment } if self.segment.last.is_none() => {
                self.loaded.rebased = Some(Rebased {
                    image: Digest::from_bytes(image),
                    reason,
                    segment: SegmentId(segment),
                });
            }
            _ => {}
        }
        Ok(())
    }

    /// No further record could be read: is that the end, or damage?
    fn stopped(
        &mut self,
        records: &Records<'_>,
        offset: usize,
        path: PathBuf,
        last: Option<u64>,
    ) -> Result<(), WorkspaceError> {
        let (offset, seq) = (offset as u64, records.next_seq());
        if self.end == End::BeforeDamage {
            self.loaded.damage = Some(Damage { segment: self.segment.id, offset, seq });
            return Ok(());
        }
        let workspace = self.workspace.to_owned();
        let damaged = WorkspaceError::Damaged { workspace, path, offset, seq };
        if last.is_some() {
            return Err(damaged);
        }
        self.loaded.tail = records.tail(matches!(self.end, End::Found { power_failed: true, .. }));
        match self.loaded.tail {
            Tail::Damage { .. } => Err(damaged),
            // Even if nothing stands behind it: that there was something is known from elsewhere.
            _ if seq <= self.vouched => Err(damaged),
            _ => Ok(()),
        }
    }

    /// After a power cut a record may be whole while the blob that it names is not. A blob that cannot be read for
    /// another reason than the disk's is no reason to say so: it may be readable a moment later.
    fn content_is_there(&self, operation: &Operation<'_>) -> Result<bool, WorkspaceError> {
        match *operation {
            Operation::SetContent { digest, size, .. } | Operation::Sealed { digest, size, .. } => {
                match self.store.verify_sized(&Digest::from_bytes(digest), size) {
                    Err(StoreError::Io { source, .. }) if is_bad_block(&source) => Ok(false),
                    other => Ok(other?.is_sound()),
                }
            }
            _ => Ok(true),
        }
    }
}

/// Up to where the records of a segment say that everything was on the disk.
fn vouched_for(records: Records<'_>) -> u64 {
    let through = records.and_behind_gaps().filter_map(|placed| match placed.record.operation {
        Operation::StoreSynced { through } => Some(through),
        _ => None,
    });
    through.max().unwrap_or(0)
}

fn is_bad_block(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
