//! Attaching to a workspace: mapping the live index that is in force, or building it from the journal.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

use super::build::{self, load_into};
use super::config::Config;
use super::control::{Control, DROPPED, OpenSegment};
use super::error::{Action, WorkspaceError};
use super::images;
use super::load::End;
use super::place::Directory;
use super::segments::segment_path;
use crate::index::Index;
use crate::index::layout::{CAPACITY, H_APPLIED};
use crate::journal::append::Appender;
use crate::journal::{Position, SegmentId};
use crate::shm::Region;
use crate::tree::{Tree, digest_words};

/// A workspace's present state, mapped.
pub struct Attached {
    /// The epoch of `tree`'s index.
    pub epoch: u64,
    /// What readers read.
    pub tree: Tree,
    /// The writing side, made at the first change.
    pub writer: Option<Writer>,
    /// Where the journal is damaged: the tree is what can be read before that place, and cannot be changed.
    pub damage: Option<Damage>,
    /// Where the tree's last record is known from.
    pub head: Head,
}

/// Where the number of a tree's last record is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// The index says how many records it has taken, and this is the number of the first.
    Shared { first: u64 },
    /// The tree is in memory of this process, and stays as it is.
    Private { seq: u64 },
}

/// A place in a journal from which on it cannot be read, though records had happened there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: SegmentId,
    /// The offset in its file.
    pub offset: u64,
    /// The first record that is lost.
    pub seq: u64,
}

/// The writable mappings of a process that changes a workspace.
pub struct Writer {
    /// The same tree through a writable mapping.
    pub tree: Tree,
    /// The end of the journal.
    pub journal: Appender,
}

/// Attaches to the workspace in `place`: to read it, if nothing else can be had.
pub fn attach(place: &Directory, control: &Control) -> Result<Attached, WorkspaceError> {
    if !place.writable() {
        return private(place, control, false);
    }
    match shared(place, control) {
        Err(WorkspaceError::Damaged { .. }) => private(place, control, true),
        // Looking must work where there is no room for an index that others could share.
        Err(error) if error.is_no_room() => private(place, control, false).map_err(|_| error),
        other => other,
    }
}

/// Maps the index that all processes share, after building it if need be.
pub fn shared(place: &Directory, control: &Control) -> Result<Attached, WorkspaceError> {
    loop {
        let epoch = control.epoch();
        if epoch == DROPPED {
            return Err(WorkspaceError::NoSuchWorkspace(place.name.clone()));
        }
        if control.is_taken_over() && epoch.is_multiple_of(2) {
            let mapped = map(place, control, epoch);
            // What was read between two epochs need not fit together.
            if control.epoch() != epoch {
                continue;
            }
            if let Some(attached) = mapped? {
                return Ok(attached);
            }
        }
        control.with_lock(|held| put_right(place, control, held.owner_died))??;
    }
}

/// Maps the index of `epoch`, if it is there.
pub(super) fn map(
    place: &Directory,
    control: &Control,
    epoch: u64,
) -> Result<Option<Attached>, WorkspaceError> {
    let path = place.index_path(control, epoch);
    let (file, stat) = match open_index(&path, &index_users(place.store.root()), false) {
        Err(errno) if is_unusable(errno) => return Ok(None),
        other => other.map_err(Action::Read.of(&path))?,
    };
    let region = Region::of_stat(&file, &stat, &path, CAPACITY, false);
    let index = Index::new(region.map_err(Action::Read.of(&path))?);
    let config = Config::load(&place.path)?;
    let digest = config.last_era().image;
    if !index.is_of(epoch, digest_words(&digest)) {
        return Ok(None);
    }
    // In this order: applied never overtakes committed, unless the control page is an older one that somebody put back.
    let applied = Position::from_word(index.header(H_APPLIED));
    let segment = control.segment();
    if applied > segment.committed {
        return Ok(None);
    }
    let tree = Tree::new(images::open(&place.store, &digest)?, index);
    let head = Head::Shared { first: segment.first_seq };
    Ok(Some(Attached { epoch, tree, writer: None, damage: None, head }))
}

/// Opens an index that nobody else can have put there, and looks at it: `user`s are those whose it may be.
pub fn open_index(path: &Path, users: &[u32], writable: bool) -> Result<(OwnedFd, Stat), Errno> {
    let access = if writable { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()))?;
    let found = rustix::fs::fstat(&file)?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    if is_file && users.contains(&found.st_uid) && found.st_mode & 0o077 == 0 {
        Ok((file, found))
    } else {
        Err(Errno::ACCESS)
    }
}

/// Whose an index may be: ours, or that of the store's owner.
pub fn index_users(store: &Path) -> [u32; 2] {
    let user = rustix::process::geteuid().as_raw();
    [user, rustix::fs::stat(store).map_or(user, |found| found.st_uid)]
}

/// Whether an index that cannot be opened for this reason is as good as none.
pub fn is_unusable(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::ISDIR | Errno::ACCESS | Errno::PERM)
        || errno == Errno::LOOP
}

/// Under the lock: sees to it that the index in force is there. `is_half`: there may be half a change in it.
pub(super) fn put_right(
    place: &Directory,
    control: &Control,
    is_half: bool,
) -> Result<(), WorkspaceError> {
    let epoch = control.epoch();
    if epoch == DROPPED {
        return Ok(());
    }
    if !control.is_taken_over() {
        // The first to come after the machine was started looks at the end of the journal.
        return build::build_found(place, control, true);
    }
    if epoch % 2 == 1 {
        // Its replacer died: the words of the control page may not fit each other, so the journal decides.
        return build::build_found(place, control, false);
    }
    if !is_half && map(place, control, epoch)?.is_some() {
        return Ok(());
    }
    build::build(place, control, End::Committed(control.segment().committed))
}

/// What the journal says, in memory of this process: where the shared index cannot be built.
fn private(
    place: &Directory,
    control: &Control,
    damaged: bool,
) -> Result<Attached, WorkspaceError> {
    // Others may be replacing the tree, and what is read meanwhile need not fit together. But they may be dead, too.
    let mut tries = 0..8;
    loop {
        let epoch = control.epoch();
        let attached = private_at(place, control, epoch, damaged);
        if control.epoch() == epoch || tries.next().is_none() {
            return attached;
        }
    }
}

fn private_at(
    place: &Directory,
    control: &Control,
    epoch: u64,
    damaged: bool,
) -> Result<Attached, WorkspaceError> {
    let config = Config::load(&place.path)?;
    let end = match control.is_taken_over() && epoch.is_multiple_of(2) {
        true => End::Committed(control.segment().committed),
        false => build::found(&config, control, !control.is_taken_over()),
    };
    let era = config.last_era();
    let load = |end| {
        let image = images::open(&place.store, &era.image)?;
        let after = if control.is_taken_over() { control.drafts_after() } else { u64::MAX };
        load_into(place, era, image, private_region()?, end, 0, after)
    };
    let (tree, loaded) = match if damaged { load(End::BeforeDamage) } else { load(end) } {
        Err(WorkspaceError::Damaged { .. }) => load(End::BeforeDamage)?,
        other => other?,
    };
    let head = Head::Private { seq: loaded.seq };
    Ok(Attached { epoch, tree, writer: None, damage: loaded.damage, head })
}

/// Memory for the index of a state that is only looked at.
pub fn private_region() -> Result<Region, WorkspaceError> {
    Region::in_memory(CAPACITY).map_err(|source| WorkspaceError::Io {
        action: Action::Create,
        path: PathBuf::from("(memory)"),
        source,
    })
}

impl Attached {
    /// The number of the last record that the tree has taken.
    pub fn head(&self) -> u64 {
        match self.head {
            Head::Private { seq } => seq,
            Head::Shared { first } => {
                (first + u64::from(applied(&self.tree).records)).saturating_sub(1)
            }
        }
    }

    /// Whether the index is in memory of this process alone.
    pub fn is_private(&self) -> bool {
        matches!(self.head, Head::Private { .. })
    }

    /// The writing side. Only under the lock. `None`: a file that it needs is not what it was.
    pub fn writer(
        &mut self,
        place: &Directory,
        control: &Control,
    ) -> Result<Option<&Writer>, WorkspaceError> {
        if self.writer.is_none() {
            let path = place.index_path(control, self.epoch);
            let segment = control.segment();
            let journal = segment_path(&place.store, segment.id);
            let (users, bound) = (index_users(place.store.root()), place.bounds.journal);
            let opened = Writer::open(&self.tree, &path, &users, &journal, &segment, bound);
            self.writer = opened.map_err(|(path, error)| Action::Write.of(path)(error))?;
        }
        Ok(self.writer.as_ref())
    }
}

impl Writer {
    /// Maps for writing what `tree` reads, and the end of the journal. `None`: a file is not what it was; else which one
    /// cannot be mapped.
    pub fn open<'p>(
        tree: &Tree,
        index: &'p Path,
        users: &[u32],
        journal: &'p Path,
        segment: &OpenSegment,
        bound: usize,
    ) -> Result<Option<Writer>, (&'p Path, io::Error)> {
        let (file, stat) = match open_index(index, users, true) {
            Err(errno) if is_unusable(errno) => return Ok(None),
            other => other.map_err(|errno| (index, errno.into()))?,
        };
        let region = Region::of_stat(&file, &stat, index, CAPACITY, true);
        let region = region.map_err(|error| (index, error))?;
        if region.inode() != tree.index.inode() {
            return Ok(None);
        }
        let index = Index::new(region);
        // Somebody may have cut it since it was mapped to be read.
        if index.is_cut() {
            return Ok(None);
        }
        let appender = Appender::open(journal, segment.id, bound);
        let appender = appender.map_err(|error| (journal, error))?;
        if !appender.holds(segment.committed) {
            return Ok(None);
        }
        let tree = Tree::new(tree.image.clone(), index);
        Ok(Some(Writer { tree, journal: appender }))
    }
}

/// Where an index's last applied record ends.
pub fn applied(tree: &Tree) -> Position {
    Position::from_word(tree.index.header(H_APPLIED))
}
