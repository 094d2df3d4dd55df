//! Where a workspace's things lie.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::attach::Damage;
use super::config::Config;
use super::error::WorkspaceError;
use super::load::segment_path;
use super::names;
use super::runtime;
use vrift_cas::Store;

/// A store with workspaces in it, and where their live indexes lie.
#[derive(Clone)]
pub struct Home {
    pub(super) store: Arc<Store>,
    pub(super) runtime: PathBuf,
}

impl Home {
    /// The workspaces of `store`. `runtime`: directories on tmpfs to try for the live indexes, in order; the store
    /// itself is the last resort.
    pub fn new(store: Arc<Store>, runtime: &[PathBuf]) -> Home {
        let runtime = runtime::directory(runtime).unwrap_or_else(|| store.workspaces_dir());
        Home { store, runtime }
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

    /// The live index of an epoch.
    pub fn index_path(&self, epoch: u64) -> PathBuf {
        self.runtime.join(format!("index-{}.{epoch}", self.id))
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
