//! Repairing a damaged journal: what cannot be read is put aside, and history goes on before it.

use std::fs;
use std::path::PathBuf;

use super::attach::{self, Damage};
use super::build;
use super::config::{Config, Segment};
use super::control::Control;
use super::create::random_segment;
use super::error::{Action, WorkspaceError};
use super::open::Workspace;
use super::place::{Directory, Home};
use super::{adopt, files, segments};
use crate::journal::{Position, SegmentId};

impl Workspace {
    /// Ends the history before the damaged place. Everything from there on is kept in a file beside the segment,
    /// whose path is the answer; `None`: nothing is damaged.
    pub fn repair(&mut self) -> Result<Option<PathBuf>, WorkspaceError> {
        let Some(damage) = self.attached.damage.clone() else { return Ok(None) };
        if !self.place.writable() {
            return Err(WorkspaceError::ReadOnly(self.place.name.clone()));
        }
        let store = self.home.store.clone();
        // Until image and segment are named by the workspace, gc is not to take them.
        let _activity = store.begin()?;
        let segment = random_segment(&self.home)?;
        let (place, control, seen) = (&self.place, &self.control, self.attached.epoch);
        let kept = control.with_lock(|held| {
            // Somebody else may have repaired it, and gone on from there.
            if control.epoch() != seen {
                return attach::put_right(place, control, held.owner_died).map(|()| None);
            }
            cut(place, control, &damage, segment).map(Some)
        })??;
        self.attached = attach::attach(&self.place, &self.control)?;
        match kept {
            Some(kept) => Ok(Some(kept)),
            None => self.repair(),
        }
    }
}

/// Under the lock: ends the history before the damage.
fn cut(
    place: &Directory,
    control: &Control,
    damage: &Damage,
    segment: SegmentId,
) -> Result<PathBuf, WorkspaceError> {
    let store = &place.store;
    let mut config = Config::load(&place.path)?;
    let kept = segments::copy_aside(store, damage.segment, at(damage.offset))?;
    let lost = end_before(&mut config, damage);
    if let Some(lost) = &lost {
        // Whole segments behind the damaged one: their records can be read, but not applied to anything.
        for lost in lost {
            segments::copy_aside(store, lost.id, at(0))?;
        }
        segments::ensure_segment(store, segment, damage.seq)?;
        let next = Segment { id: segment, first: damage.seq, last: None };
        config.last_era_mut().segment.push(next);
    }
    config.snapshot.retain(|snapshot| snapshot.seq < damage.seq);
    control.set_epoch(control.epoch() | 1);
    // What vouched for the lost records does so no more.
    control.set_synced(control.synced().min(damage.seq.saturating_sub(1)));
    config.save(store, &place.path)?;
    if lost.is_none() {
        segments::clear_from(store, damage.segment, at(damage.offset))?;
    }
    build::build_found(place, control, !control.is_taken_over())?;
    // A file that was sealed in what is lost is being written again, by what is left, and its draft is a blob by now.
    if let Some(attached) = attach::map(place, control, control.epoch())? {
        adopt::renew(place, &attached.tree)?;
    }
    Ok(kept)
}

/// Makes the control page of a workspace anew, if it cannot be opened: all that it says can be found out from the journal.
/// The old page is kept beside it; its path is the answer.
pub fn repair_control(home: &Home, name: &str) -> Result<PathBuf, WorkspaceError> {
    let (place, _) = Directory::of(home, name)?;
    if !place.writable() {
        return Err(WorkspaceError::ReadOnly(name.to_owned()));
    }
    let path = place.control_path();
    let (fresh, mut aside) = (place.path.join("control.new"), place.path.join("control.damaged"));
    for number in 0.. {
        if !aside.exists() {
            break;
        }
        aside = place.path.join(format!("control.damaged-{number}"));
    }
    files::write(&place.store, &fresh, &Control::fresh()).map_err(Action::Create.of(&fresh))?;
    match fs::rename(&path, &aside) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        other => other.map_err(Action::Write.of(&path))?,
    }
    fs::rename(&fresh, &path).map_err(Action::Create.of(&path))?;
    files::sync_directory(&place.path).map_err(Action::Write.of(&place.path))?;
    Ok(aside)
}

fn at(offset: u64) -> Position {
    Position { records: 0, eighths: u32::try_from(offset / 8).unwrap_or(u32::MAX) }
}

/// Ends the history in the damaged segment, if that is a closed one (it may be shared, so it stays as it is); the
/// segments that followed it.
fn end_before(config: &mut Config, damage: &Damage) -> Option<Vec<Segment>> {
    let (era, segment) = config.era.iter().enumerate().find_map(|(era, stretch)| {
        let segment = stretch.segment.iter().position(|segment| segment.id == damage.segment)?;
        stretch.segment[segment].last.map(|_| (era, segment))
    })?;
    let mut lost: Vec<Segment> =
        config.era.drain(era + 1..).flat_map(|later| later.segment).collect();
    let segments = &mut config.last_era_mut().segment;
    lost.splice(..0, segments.drain(segment + 1..));
    if let Some(last) = segments.last_mut() {
        last.last = Some(damage.seq.saturating_sub(1));
        // Nothing of it is left.
        if last.first > damage.seq.saturating_sub(1) {
            segments.pop();
        }
    }
    Some(lost)
}
