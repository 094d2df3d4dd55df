//! Loading a state: an era's image, and the records since then applied over it.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::attach::Damage;
use super::config::{Era, Segment};
use super::error::{Action, WorkspaceError};
use super::trash;
use crate::journal::replay::{Records, Tail};
use crate::journal::{Operation, Position, Reason, SegmentId};
use crate::tree::Tree;
use vrift_cas::{Digest, Store};

/// Where the segment with this name lies.
pub fn segment_path(store: &Store, id: SegmentId) -> PathBuf {
    store.journals_dir().join(id.to_string())
}

/// Reads a segment's bytes.
pub fn read_segment(store: &Store, id: SegmentId) -> Result<Vec<u8>, WorkspaceError> {
    let path = segment_path(store, id);
    let mut bytes = Vec::new();
    let mut read = || trash::open(store, &path)?.read_to_end(&mut bytes);
    read().map_err(Action::Read.of(&path))?;
    Ok(bytes)
}

/// What is known of the end of the open segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Records up to here have happened: the control page says so.
    Committed(Position),
    /// The machine may have gone down since: what can be read has happened, as long as its content is there too.
    AfterPowerCut,
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
        Replay { workspace, store, tree, segment, end, loaded: &mut loaded }.run()?;
        if loaded.damage.is_some() {
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
            if self.segment.last.is_none()
                && self.end == End::AfterPowerCut
                && !self.content_is_there(&placed.record.operation)
            {
                self.loaded.tail = Tail::PowerCut { next: placed.seq };
                return Ok(());
            }
            self.apply(&placed)?;
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
            Operation::Rebased { image, reason, segment } => {
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
        self.loaded.tail = records.tail(self.end == End::AfterPowerCut);
        match self.loaded.tail {
            Tail::Damage { .. } => Err(damaged),
            _ => Ok(()),
        }
    }

    /// After a power cut a record may be whole while the blob that it names is not.
    fn content_is_there(&self, operation: &Operation<'_>) -> bool {
        match *operation {
            Operation::SetContent { digest, size, .. } => self
                .store
                .verify_sized(&Digest::from_bytes(digest), size)
                .is_ok_and(|verdict| verdict.is_sound()),
            _ => true,
        }
    }
}

/// Keeps the bytes of a segment from `from` on in a file beside it; the file's path.
pub fn copy_aside(store: &Store, id: SegmentId, from: Position) -> Result<PathBuf, WorkspaceError> {
    let bytes = read_segment(store, id)?;
    let tail = bytes.get(from.offset() as usize..).unwrap_or(&[]);
    let kept = &tail[..tail.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)];
    let path = segment_path(store, id);
    let aside = (0..)
        .map(|number| path.with_extension(format!("cut-{}-{number}", from.offset())))
        .find(|aside| !aside.exists())
        .expect("some number is free");
    let act = || -> io::Result<()> {
        let copy = fs::File::create_new(&aside)?;
        copy.write_all_at(kept, 0)?;
        copy.sync_all()
    };
    act().map_err(Action::Write.of(&aside))?;
    Ok(aside)
}

/// As [`copy_aside`], and clears the bytes in the segment.
pub fn cut_aside(store: &Store, id: SegmentId, from: Position) -> Result<PathBuf, WorkspaceError> {
    let aside = copy_aside(store, id, from)?;
    let path = segment_path(store, id);
    let act = || -> io::Result<()> {
        let segment = fs::File::options().write(true).open(&path)?;
        let length = segment.metadata()?.len().saturating_sub(from.offset());
        segment.write_all_at(&vec![0; length as usize], from.offset())?;
        segment.sync_all()
    };
    act().map_err(Action::Write.of(&path))?;
    Ok(aside)
}

/// Makes the file of a new segment, with room for its first records, unless it is there.
pub fn ensure_segment(store: &Store, id: SegmentId, first_seq: u64) -> Result<(), WorkspaceError> {
    let directory = store.journals_dir();
    fs::create_dir_all(&directory).map_err(Action::Create.of(&directory))?;
    let path = segment_path(store, id);
    if path.exists() {
        return Ok(());
    }
    let staged = path.with_extension("new");
    let act = || -> io::Result<()> {
        let file = fs::File::create(&staged)?;
        file.write_all_at(&crate::journal::segment::header(id, first_seq), 0)?;
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, FIRST_CHUNK)?;
        file.sync_all()?;
        fs::rename(&staged, &path)?;
        fs::File::open(&directory)?.sync_all()
    };
    act().map_err(Action::Create.of(&path))
}

/// Room in a new segment: enough for a few hundred records and the reserve.
const FIRST_CHUNK: u64 = 64 << 10;
