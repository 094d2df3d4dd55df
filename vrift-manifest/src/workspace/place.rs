//! Where a workspace's things lie.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::attach::Damage;
use super::config::Config;
use super::control::Control;
use super::error::WorkspaceError;
use super::files;
use super::names;
use super::runtime;
use super::segments::segment_path;
use crate::index::layout::CAPACITY;
use crate::journal::append::SEGMENT_BOUND;
use vrift_cas::Store;

/// A store with workspaces in it, and where their live indexes lie.
#[derive(Clone)]
pub struct Home {
    pub(super) store: Arc<Store>,
    pub(super) runtime: PathBuf,
    pub(super) bounds: Bounds,
    pub(super) verify: bool,
}

/// How far a workspace grows before its journal is folded into an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the open segment.
    pub journal: usize,
    /// Bytes of the live index.
    pub index: usize,
}

impl Default for Bounds {
    /// As much as the formats allow: 128 MiB and 512 MiB.
    fn default() -> Bounds {
        Bounds { journal: SEGMENT_BOUND, index: CAPACITY * 8 }
    }
}

impl Home {
    /// The workspaces of `store`. `runtime`: directories on tmpfs to try for the live indexes, in order; the store
    /// itself is the last resort.
    pub fn new(store: Arc<Store>, runtime: &[PathBuf]) -> Home {
        let runtime = runtime::directory(runtime).unwrap_or_else(|| store.workspaces_dir());
        Home { store, runtime, bounds: Bounds::default(), verify: false }
    }

    /// The workspaces of `store`, with live indexes in `runtime` itself: a directory that was found before.
    pub fn at(store: Arc<Store>, runtime: PathBuf) -> Home {
        Home { store, runtime, bounds: Bounds::default(), verify: false }
    }

    /// The same, of which nothing is believed that can be checked: before a tree is looked at, its image is compared with its
    /// digest, and its live index is built anew from the journal.
    pub fn verifying(self, verify: bool) -> Home {
        Home { verify, ..self }
    }

    /// The same with smaller bounds.
    pub fn with_bounds(mut self, bounds: Bounds) -> Home {
        let most = Bounds::default();
        let (journal, index) = (bounds.journal.min(most.journal), bounds.index.min(most.index));
        self.bounds = Bounds { journal, index };
        self
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Where live indexes lie.
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// The names of all workspaces, sorted.
    pub fn names(&self) -> Result<Vec<String>, WorkspaceError> {
        use super::error::Action;
        let directory = self.store.workspaces_dir();
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Action::Read.of(&directory))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Action::Read.of(&directory))?;
            if let Ok(name) = entry.file_name().into_string()
                && names::is_workspace_name(&name)
                && entry.path().is_dir()
            {
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The directory of the workspace `name`, whether it exists or not.
    pub(super) fn directory_of(&self, name: &str) -> Result<PathBuf, WorkspaceError> {
        if !names::is_workspace_name(name) {
            return Err(WorkspaceError::BadName(name.to_owned()));
        }
        Ok(self.store.workspaces_dir().join(name))
    }
}

/// One workspace's directory.
pub struct Directory {
    pub(super) store: Arc<Store>,
    pub(super) runtime: PathBuf,
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) id: String,
    pub(super) bounds: Bounds,
    cuts: Mutex<Vec<PathBuf>>,
}

impl Directory {
    /// The directory of the existing workspace `name`.
    pub fn of(home: &Home, name: &str) -> Result<(Directory, Config), WorkspaceError> {
        let path = home.directory_of(name)?;
        if !path.is_dir() {
            return Err(WorkspaceError::NoSuchWorkspace(name.to_owned()));
        }
        let config = Config::load(&path)?;
        let directory = Directory {
            store: home.store.clone(),
            runtime: home.runtime.clone(),
            name: name.to_owned(),
            path,
            id: config.id.clone(),
            bounds: home.bounds,
            cuts: Mutex::default(),
        };
        Ok((directory, config))
    }

    /// Whether the workspace can be changed.
    pub fn writable(&self) -> bool {
        !self.store.is_read_only()
    }

    /// The control page.
    pub fn control_path(&self) -> PathBuf {
        self.path.join("control")
    }

    /// The file name of an epoch's index. A copy of the store has a control page of its own, hence indexes of its own.
    pub fn index_name(&self, control: &Control, epoch: u64) -> OsString {
        names::index(&self.id, control.inode(), epoch)
    }

    /// The path of an epoch's index, if it lies where the control page says.
    pub fn index_path(&self, control: &Control, epoch: u64) -> PathBuf {
        let directory = control.place().unwrap_or_else(|| self.store.workspaces_dir());
        directory.join(self.index_name(control, epoch))
    }

    /// Where to build an index, best first. All processes must find it: so it stays where the last one was, and if
    /// that cannot be reached from here (another session's directory, another mount namespace) it goes into the
    /// store, which everybody has.
    pub fn index_directories(&self, control: &Control) -> Vec<PathBuf> {
        let place = match control.is_taken_over() {
            true => control.place(),
            false => Some(self.runtime.clone()),
        };
        let place = place.filter(|place| {
            Control::can_keep(place)
                && files::foreign_owner(&self.store).is_none()
                && runtime::is_private(place)
        });
        let store = self.store.workspaces_dir();
        let mut directories: Vec<PathBuf> = place.into_iter().collect();
        if !directories.contains(&store) {
            directories.push(store);
        }
        directories
    }

    /// The error that a damaged place in the journal is.
    pub fn damaged(&self, damage: &Damage) -> WorkspaceError {
        WorkspaceError::Damaged {
            workspace: self.name.clone(),
            path: segment_path(&self.store, damage.segment),
            offset: damage.offset,
            seq: damage.seq,
        }
    }

    /// Remembers that a torn end of the journal was put aside, for whoever tells the user.
    pub fn note_cut(&self, aside: &Path) {
        if let Ok(mut cuts) = self.cuts.lock() {
            cuts.push(aside.to_owned());
        }
    }

    /// The torn ends put aside since this workspace was opened.
    pub fn cuts(&self) -> Vec<PathBuf> {
        self.cuts.lock().map(|cuts| cuts.clone()).unwrap_or_default()
    }
}
