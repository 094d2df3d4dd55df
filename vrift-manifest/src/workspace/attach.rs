//! Attaching to a workspace: mapping the live index that is in force, or building it from the journal.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::config::{Config, Era, Segment, now_nanos};
use super::control::{Control, DROPPED, OpenSegment};
use super::error::{Action, WorkspaceError};
use super::load::{self, End, Loaded, segment_path};
use super::place::Directory;
use super::{images, runtime};
use crate::image::Image;
use crate::index::Index;
use crate::index::layout::*;
use crate::journal::append::Appender;
use crate::journal::replay::Tail;
use crate::journal::{Position, SegmentId};
use crate::shm::{Mapping, Region};
use crate::tree::Tree;

/// A workspace's present state, mapped.
pub struct Attached {
    /// The epoch of `tree`'s index.
    pub epoch: u64,
    /// What readers read.
    pub tree: Tree,
    /// The writing side, made at the first change.
    pub writer: Option<Writer>,
    /// The state that `tree` shows, where it is this process's own and the control page may say otherwise.
    pub head: Option<u64>,
    /// Where the journal is damaged: the tree is what can be read before that place, and cannot be changed.
    pub damage: Option<Damage>,
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

/// Attaches to the workspace in `place`, building its index first if there is none.
pub fn attach(place: &Directory, control: &Control) -> Result<Attached, WorkspaceError> {
    if !place.writable() {
        let end = match control.boot() == runtime::boot_id() && control.epoch().is_multiple_of(2) {
            true => End::Committed(control.segment().committed),
            false => End::AfterPowerCut,
        };
        return private(place, control, end);
    }
    match shared(place, control) {
        Err(WorkspaceError::Damaged { .. }) => private(place, control, End::BeforeDamage),
        other => other,
    }
}

/// Maps the index that all processes share, after building it if need be.
fn shared(place: &Directory, control: &Control) -> Result<Attached, WorkspaceError> {
    take_over(place, control)?;
    loop {
        let epoch = control.epoch();
        if epoch == DROPPED {
            return Err(WorkspaceError::NoSuchWorkspace(place.name.clone()));
        }
        if epoch.is_multiple_of(2)
            && let Some(attached) = map(place, epoch)?
        {
            return Ok(attached);
        }
        control.with_lock(|_| build_if_missing(place, control))??;
    }
}

/// Maps the index of `epoch`, if it is there.
fn map(place: &Directory, epoch: u64) -> Result<Option<Attached>, WorkspaceError> {
    let path = place.index_path(epoch);
    let Ok(region) = Region::of_file(&path, CAPACITY, false) else { return Ok(None) };
    let index = Index::new(region);
    let config = Config::load(&place.path)?;
    let image = images::open(&place.store, &config.last_era().image)?;
    let sound = index.header(H_MAGIC) == MAGIC
        && index.header(H_VERSION) == VERSION
        && index.header(H_EPOCH) == epoch
        && index.header(H_IMAGE_RECORDS) == u64::from(image.record_count());
    // A config newer than the epoch is possible for a moment: the caller looks at the epoch again.
    Ok(sound.then(|| Attached {
        epoch,
        tree: Tree::new(image, index),
        writer: None,
        head: None,
        damage: None,
    }))
}

/// The first to open a workspace after the machine was started looks at the end of the journal; one at a time.
fn take_over(place: &Directory, control: &Control) -> Result<(), WorkspaceError> {
    let boot = runtime::boot_id();
    if control.boot() == boot {
        return Ok(());
    }
    let path = place.control_path();
    let file = File::open(&path).map_err(Action::Read.of(&path))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .map_err(Action::Read.of(&path))?;
    if control.boot() == boot {
        return Ok(());
    }
    // Nobody of this boot has passed here yet, so whoever held the lock is gone with the machine.
    control.reset_lock();
    control.with_lock(|_| {
        if control.epoch() == DROPPED {
            return Ok(());
        }
        build(place, control, End::AfterPowerCut)?;
        control.set_boot(boot);
        Ok(())
    })?
}

/// Under the lock.
fn build_if_missing(place: &Directory, control: &Control) -> Result<(), WorkspaceError> {
    let epoch = control.epoch();
    if epoch == DROPPED {
        return Ok(());
    }
    if epoch % 2 == 1 {
        // Its replacer died: the words of the control page may not fit each other, so the journal decides.
        return build(place, control, End::AfterPowerCut);
    }
    if map(place, epoch)?.is_some() {
        return Ok(());
    }
    build(place, control, End::Committed(control.segment().committed))
}

/// Builds the live index from the journal and puts it in force, under the lock.
pub fn build(place: &Directory, control: &Control, end: End) -> Result<(), WorkspaceError> {
    let old = control.epoch();
    let epoch = (old | 1) + 1;
    control.set_epoch(old | 1);
    let result = build_epoch(place, control, end, epoch);
    match result {
        Ok(()) => {
            control.set_epoch(epoch);
            let _ = fs::remove_file(place.index_path(old & !1));
        }
        // What was in force stays so.
        Err(_) if old.is_multiple_of(2) => control.set_epoch(old),
        Err(_) => {}
    }
    result
}

fn build_epoch(
    place: &Directory,
    control: &Control,
    end: End,
    epoch: u64,
) -> Result<(), WorkspaceError> {
    let mut config = Config::load(&place.path)?;
    let (mut loaded, mut index_path) = build_index(place, &config, end, epoch)?;
    while let Some(rebased) = loaded.rebased {
        // Whoever was replacing the tree died after it had happened, before it was written down.
        let seq = loaded.seq;
        end_era(&mut config, seq, &rebased);
        load::ensure_segment(&place.store, rebased.segment, seq + 1)?;
        config.save(&place.path)?;
        (loaded, index_path) = build_index(place, &config, end, epoch)?;
    }
    let open = *config.open_segment();
    if loaded.tail != Tail::Clean {
        let aside = load::cut_aside(&place.store, open.id, loaded.position)?;
        place.note_cut(&aside);
    }
    control.set_segment(&OpenSegment {
        id: open.id,
        first_seq: open.first,
        committed: loaded.position,
    });
    control.set_synced(loaded.synced);
    let path = place.index_path(epoch);
    fs::rename(&index_path, &path).map_err(Action::Create.of(&path))
}

/// Closes the era in force with record `seq` and begins the next one.
pub fn end_era(config: &mut Config, seq: u64, rebased: &load::Rebased) {
    if let Some(open) = config.last_era_mut().segment.last_mut() {
        open.last = Some(seq);
    }
    config.era.push(Era {
        base: seq,
        time: now_nanos(),
        image: rebased.image,
        segment: vec![Segment { id: rebased.segment, first: seq + 1, last: None }],
    });
}

fn build_index(
    place: &Directory,
    config: &Config,
    end: End,
    epoch: u64,
) -> Result<(Loaded, PathBuf), WorkspaceError> {
    let era = config.last_era();
    let image = images::open(&place.store, &era.image)?;
    let staged = place.index_path(epoch).with_extension("new");
    // The whole directory goes when the user's last session ends, on some systems.
    runtime::remake(&place.runtime).map_err(Action::Create.of(&place.runtime))?;
    let _ = fs::remove_file(&staged);
    let create = || File::options().write(true).create_new(true).mode(0o600).open(&staged);
    create().map_err(Action::Create.of(&staged))?;
    let region = Region::of_file(&staged, CAPACITY, true).map_err(Action::Create.of(&staged))?;
    let (tree, loaded) = load_into(place, era, image, region, end, epoch)?;
    tree.index.edit().publish()?;
    Ok((loaded, staged))
}

/// Replays an era into an index of `region`.
pub fn load_into(
    place: &Directory,
    era: &Era,
    image: Arc<Image<Mapping>>,
    region: Region,
    end: End,
    epoch: u64,
) -> Result<(Tree, Loaded), WorkspaceError> {
    let index = Index::initialise(region, epoch, u64::from(image.record_count()))?;
    let edit = index.edit();
    edit.raise_next_node(image.next_node().saturating_sub(1))?;
    let tree = Tree::new(image, index);
    let loaded = load::replay(&place.name, &place.store, era, &tree, end)?;
    tree.index.edit().set(H_APPLIED, loaded.position.to_word())?;
    Ok((tree, loaded))
}

/// What the journal says, in memory of this process: where the shared index cannot be built.
fn private(place: &Directory, control: &Control, end: End) -> Result<Attached, WorkspaceError> {
    let config = Config::load(&place.path)?;
    let era = config.last_era();
    let load = |end| {
        let image = images::open(&place.store, &era.image)?;
        load_into(place, era, image, private_region()?, end, 0)
    };
    let (tree, loaded) = match load(end) {
        Err(WorkspaceError::Damaged { .. }) => load(End::BeforeDamage)?,
        other => other?,
    };
    let head = Some(loaded.seq);
    Ok(Attached { epoch: control.epoch(), tree, writer: None, head, damage: loaded.damage })
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
    /// The writing side. Only under the lock.
    pub fn writer(
        &mut self,
        place: &Directory,
        control: &Control,
    ) -> Result<&Writer, WorkspaceError> {
        if self.writer.is_none() {
            let path = place.index_path(self.epoch);
            let region = Region::of_file(&path, CAPACITY, true).map_err(Action::Write.of(&path))?;
            let id = control.segment().id;
            let journal_path = segment_path(&place.store, id);
            let journal =
                Appender::open(&journal_path, id).map_err(Action::Write.of(&journal_path))?;
            let tree = Tree::new(self.tree.image.clone(), Index::new(region));
            self.writer = Some(Writer { tree, journal });
        }
        self.writer.as_ref().ok_or_else(|| WorkspaceError::ReadOnly(place.name.clone()))
    }
}

/// Where an index's last applied record ends.
pub fn applied(tree: &Tree) -> Position {
    Position::from_word(tree.index.header(H_APPLIED))
}
