//! Building the live index from the journal, and putting it in force. All of it under the lock.
//!
//! What may fail for want of room comes first and leaves everything as it was. From the odd epoch on the journal
//! decides what is in force, and whoever comes after a death finishes the work from there.

use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{self, Config, Era, Segment, now_nanos};
use super::control::{Control, OpenSegment};
use super::error::{Action, WorkspaceError};
use super::load::{self, End, Loaded};
use super::place::Directory;
use super::{adopt, files, images, segments};
use crate::image::Image;
use crate::index::Index;
use crate::index::layout::{CAPACITY, H_APPLIED, H_DRAFTS_AFTER};
use crate::journal::replay::Tail;
use crate::shm::{Mapping, Region};
use crate::time::Timestamp;
use crate::tree::{Tree, digest_words};

/// What is known of the end of a journal that nobody has looked at.
pub fn found(config: &Config, control: &Control, power_failed: bool) -> End {
    let named = config.snapshot.iter().map(|snapshot| snapshot.seq).max().unwrap_or(0);
    End::Found { power_failed, vouched: control.synced().max(named) }
}

/// Builds the live index of what can be found in the journal, and puts it in force. `power_failed`: nobody of this
/// machine has looked at it yet.
pub fn build_found(
    place: &Directory,
    control: &Control,
    power_failed: bool,
) -> Result<(), WorkspaceError> {
    let config = Config::load(&place.path)?;
    build(place, control, found(&config, control, power_failed))?;
    if power_failed {
        // Which of their bytes reached the disk, nobody knows, unless somebody has asked for it.
        control.set_drafts_after(control.segment().last_seq());
        adopt::adopt(place, control)?;
        control.forget_locks();
        control.set_taken_over();
    }
    Ok(())
}

/// Builds the live index from the journal and puts it in force.
pub fn build(place: &Directory, control: &Control, end: End) -> Result<(), WorkspaceError> {
    build_in(place, control, end, &place.index_directories(control))
}

/// As [`build`], with the directory where the index in force cannot grow left out.
pub fn build_elsewhere(place: &Directory, control: &Control) -> Result<(), WorkspaceError> {
    let now = control.place().unwrap_or_else(|| place.store.workspaces_dir());
    let mut directories = place.index_directories(control);
    directories.retain(|directory| *directory != now);
    if directories.is_empty() {
        let full = crate::index::edit::EditError::Refused(rustix::io::Errno::NOSPC);
        return Err(WorkspaceError::Index(full));
    }
    build_in(place, control, End::Committed(control.segment().committed), &directories)
}

fn build_in(
    place: &Directory,
    control: &Control,
    end: End,
    directories: &[PathBuf],
) -> Result<(), WorkspaceError> {
    let config = Config::load(&place.path)?;
    prepare(place, control, &config, end, directories)?.put_in_force(place, control)
}

/// Builds the index of an era that begins with `config`, whose journal is empty.
pub fn prepare_era(
    place: &Directory,
    control: &Control,
    config: &Config,
) -> Result<Built, WorkspaceError> {
    let end = End::Found { power_failed: false, vouched: 0 };
    prepare(place, control, config, end, &place.index_directories(control))
}

/// An index that is not in force yet. Dropped, it is gone.
pub struct Built {
    epoch: u64,
    directory: PathBuf,
    staged: PathBuf,
    config: Config,
    /// The description on disk is behind: whoever was replacing the tree died after it had happened.
    config_changed: bool,
    loaded: Loaded,
    end: End,
    floor: Timestamp,
    next_node: u64,
}

/// Builds it in the first of `directories` where that can be done.
fn prepare(
    place: &Directory,
    control: &Control,
    config: &Config,
    end: End,
    directories: &[PathBuf],
) -> Result<Built, WorkspaceError> {
    let mut first_error = None;
    for directory in directories {
        let epoch = (control.epoch() | 1) + 1;
        let staged = directory.join(place.index_name(control, epoch)).with_extension("new");
        match prepare_at(place, control, config.clone(), end, epoch, directory, &staged) {
            Ok(built) => return Ok(built),
            Err(error) => {
                let _ = fs::remove_file(&staged);
                if matches!(error, WorkspaceError::Damaged { .. }) {
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| WorkspaceError::ReadOnly(place.name.clone())))
}

fn prepare_at(
    place: &Directory,
    control: &Control,
    mut config: Config,
    mut end: End,
    epoch: u64,
    directory: &Path,
    staged: &Path,
) -> Result<Built, WorkspaceError> {
    let mut config_changed = false;
    // After a power cut there are no drafts that could be trusted, but those that are said to be on the disk.
    let failed = matches!(end, End::Found { power_failed: true, .. });
    let after = if failed { u64::MAX } else { control.drafts_after() };
    let (mut floor, mut next_node) = (control.floor(), control.next_node());
    loop {
        let (tree, loaded) = build_index(place, &config, end, epoch, staged, after)?;
        floor = floor.max(tree.index.floor());
        next_node = next_node.max(tree.next_node());
        if let Some(rebased) = loaded.rebased {
            config = begun(place, &config, loaded.seq, &rebased);
            segments::ensure_segment(&place.store, rebased.segment, loaded.seq + 1)?;
            config_changed = true;
            end = End::Found { power_failed: false, vouched: 0 };
            continue;
        }
        let edit = tree.index.edit();
        edit.set(H_DRAFTS_AFTER, after.min(loaded.seq))?;
        // A new tree gives out neither older stamps nor lower numbers than the one before it.
        edit.raise_floor(floor)?;
        edit.raise_next_node(next_node.saturating_sub(1))?;
        edit.publish()?;
        let (directory, staged) = (directory.to_owned(), staged.to_owned());
        return Ok(Built {
            epoch,
            directory,
            staged,
            config,
            config_changed,
            loaded,
            end,
            floor,
            next_node,
        });
    }
}

impl Built {
    /// Puts the index in force. From the odd epoch on the journal decides.
    pub fn put_in_force(self, place: &Directory, control: &Control) -> Result<(), WorkspaceError> {
        let old = place.index_path(control, control.epoch() & !1);
        control.set_epoch(self.epoch - 1);
        if self.config_changed {
            self.config.save(&place.store, &place.path)?;
            config::remove_next(&place.path);
        }
        let open = *self.config.open_segment();
        let (power_failed, vouched) = match self.end {
            End::Found { power_failed, vouched } => (power_failed, vouched),
            _ => (false, control.synced()),
        };
        match self.loaded.tail {
            Tail::Clean => {}
            _ if power_failed => {
                let aside = segments::cut_aside(&place.store, open.id, self.loaded.position)?;
                place.note_cut(&aside);
            }
            // The beginning of an append whose maker was killed: it has not happened.
            _ => segments::clear_from(&place.store, open.id, self.loaded.position)?,
        }
        control.set_segment(&OpenSegment {
            id: open.id,
            first_seq: open.first,
            committed: self.loaded.position,
        });
        control.set_synced(self.loaded.synced.max(vouched).min(self.loaded.seq));
        control.set_sync_record(0);
        // Where history was cut, drafts of the records to come are of this boot.
        control.set_drafts_after(control.drafts_after().min(self.loaded.seq));
        control.raise(self.floor, self.next_node);
        let own = self.directory == place.store.workspaces_dir();
        control.set_place((!own).then_some(self.directory.as_path()));
        let path = self.directory.join(place.index_name(control, self.epoch));
        fs::rename(&self.staged, &path).map_err(Action::Create.of(&path))?;
        control.set_epoch(self.epoch);
        if old != path {
            let _ = fs::remove_file(old);
        }
        Ok(())
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        // It has another name if it is in force.
        let _ = fs::remove_file(&self.staged);
    }
}

/// The description behind a step whose maker died: what he has written down of it, which says also which directory the tree is of.
/// Else what the record says. A segment's name is never given twice.
fn begun(place: &Directory, config: &Config, seq: u64, rebased: &load::Rebased) -> Config {
    let written = config.read_next(&place.path).filter(|next| {
        let era = next.last_era();
        (era.base, era.image, next.open_segment().id) == (seq, rebased.image, rebased.segment)
    });
    written.unwrap_or_else(|| {
        let mut config = config.clone();
        end_era(&mut config, seq, rebased);
        config
    })
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
    staged: &Path,
    after: u64,
) -> Result<(Tree, Loaded), WorkspaceError> {
    let era = config.last_era();
    let image = images::open(&place.store, &era.image)?;
    let _ = fs::remove_file(staged);
    let create = || {
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(staged)?;
        // The umask may have taken what the next one needs.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        files::give(&place.store, staged)?;
        segments::keep_in_place(&file);
        Region::of_open(&file, staged, CAPACITY, true)
    };
    let region = create().map_err(Action::Create.of(staged))?;
    load_into(place, era, image, region, end, epoch, after)
}

/// The number that says that a draft belongs to the workspace with this id.
pub fn owner_of(id: &str) -> u64 {
    id.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0).max(1)
}

/// Replays an era into an index of `region`. Drafts that were opened by records up to `after` are none any more.
pub fn load_into(
    place: &Directory,
    era: &Era,
    image: Arc<Image<Mapping>>,
    region: Region,
    end: End,
    epoch: u64,
    after: u64,
) -> Result<(Tree, Loaded), WorkspaceError> {
    // In the past there are no drafts.
    let owner = if matches!(end, End::At(_)) { 0 } else { owner_of(&place.id) };
    let index = Index::initialise(region, epoch, digest_words(&era.image), owner)?;
    let edit = index.edit();
    edit.set(H_DRAFTS_AFTER, after)?;
    edit.raise_next_node(image.next_node().saturating_sub(1))?;
    let tree = Tree::new(image, index);
    let loaded = load::replay(&place.name, &place.store, era, &tree, end)?;
    tree.index.edit().set(H_APPLIED, loaded.position.to_word())?;
    Ok((tree, loaded))
}
