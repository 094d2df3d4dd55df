//! Repairing a damaged journal: what cannot be read is put aside, and history goes on before it.

use std::fs;
use std::path::PathBuf;

use super::attach::{self, Damage};
use super::config::{Config, sync_directory};
use super::control::Control;
use super::create::random_segment;
use super::error::{Action, WorkspaceError};
use super::load::{self, End};
use super::open::Workspace;
use super::place::{Directory, Home};
use crate::journal::Position;

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
        let (place, control) = (&self.place, &self.control);
        let kept = control.with_lock(|_| {
            let mut config = Config::load(&place.path)?;
            let kept = if end_before(&mut config, &damage) {
                load::ensure_segment(&place.store, segment, damage.seq)?;
                let next = super::config::Segment { id: segment, first: damage.seq, last: None };
                config.last_era_mut().segment.push(next);
                load::copy_aside(&place.store, damage.segment, at(&damage))?
            } else {
                load::cut_aside(&place.store, damage.segment, at(&damage))?
            };
            control.set_epoch(control.epoch() | 1);
            config.snapshot.retain(|snapshot| snapshot.seq < damage.seq);
            config.save(&place.path)?;
            attach::build(place, control, End::AfterPowerCut)?;
            control.set_boot(super::runtime::boot_id());
            Ok::<_, WorkspaceError>(kept)
        })??;
        self.attached = attach::attach(&self.place, &self.control)?;
        Ok(Some(kept))
    }
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
    let _ = fs::remove_file(&fresh);
    Control::create(&fresh).map_err(Action::Create.of(&fresh))?;
    match fs::rename(&path, &aside) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        other => other.map_err(Action::Write.of(&path))?,
    }
    fs::rename(&fresh, &path).map_err(Action::Create.of(&path))?;
    sync_directory(&place.path)?;
    Ok(aside)
}

fn at(damage: &Damage) -> Position {
    Position { records: 0, eighths: u32::try_from(damage.offset / 8).unwrap_or(u32::MAX) }
}

/// Ends the history in the damaged segment, if that is a closed one (it may be shared, so it stays as it is).
fn end_before(config: &mut Config, damage: &Damage) -> bool {
    let place = config.era.iter().enumerate().find_map(|(era, stretch)| {
        let segment = stretch.segment.iter().position(|segment| segment.id == damage.segment)?;
        stretch.segment[segment].last.map(|_| (era, segment))
    });
    let Some((era, segment)) = place else { return false };
    config.era.truncate(era + 1);
    let segments = &mut config.last_era_mut().segment;
    segments.truncate(segment + 1);
    if let Some(last) = segments.last_mut() {
        last.last = Some(damage.seq - 1);
        // Nothing of it is left.
        if last.first > damage.seq - 1 {
            segments.pop();
        }
    }
    true
}
