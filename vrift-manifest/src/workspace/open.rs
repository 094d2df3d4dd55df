//! Opening a workspace and reading its present state.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::attach::Attached;
use super::config::{Config, Snapshot};
use super::control::Control;
use super::error::{Action, WorkspaceError};
use super::mutate::Author;
use super::place::{Directory, Home};
use super::verify;
use crate::time::Timestamp;
use crate::tree::Tree;
use vrift_cas::Store;

/// An open workspace.
pub struct Workspace {
    pub(super) home: Home,
    pub(super) place: Directory,
    pub(super) control: Control,
    pub(super) attached: Attached,
    /// Who changes the tree through this handle, and the number of the record that says so.
    pub(super) author: Option<Author>,
    pub(super) process: u64,
}

impl Workspace {
    /// Opens the workspace `name`, and notes that it was used.
    pub fn open(home: &Home, name: &str) -> Result<Workspace, WorkspaceError> {
        let workspace = Workspace::look(home, name)?;
        if workspace.place.writable() {
            workspace.control.note_use(Timestamp::coarse_now().to_nanos());
        }
        Ok(workspace)
    }

    /// Opens the workspace `name` without that being a use of it: for whoever lists workspaces.
    pub fn look(home: &Home, name: &str) -> Result<Workspace, WorkspaceError> {
        let (place, config) = Directory::of(home, name)?;
        let path = place.control_path();
        let control = Control::open(&path, place.writable()).map_err(Action::Read.of(&path))?;
        if home.verify {
            verify::before(&place, &control, &config)?;
        }
        let checked = home.verify.then(|| &config.last_era().image);
        let attached = verify::attach(home, &place, &control, checked)?;
        let (home, author) = (home.clone(), None);
        let mut workspace = Workspace { home, place, control, attached, author, process: 0 };
        if workspace.place.writable() {
            workspace.control.set_boot(workspace.place.store.boot());
        }
        workspace.settle()?;
        Ok(workspace)
    }

    /// The present tree. It stays readable while others go on changing it; after the workspace was replaced as a
    /// whole it shows the last state before: see [`Workspace::refresh`].
    pub fn tree(&self) -> &Tree {
        &self.attached.tree
    }

    /// Attaches again if the tree was replaced since; whether it was.
    pub fn refresh(&mut self) -> Result<bool, WorkspaceError> {
        if self.control.epoch() == self.attached.epoch {
            return Ok(false);
        }
        self.attached = verify::attach(&self.home, &self.place, &self.control, None)?;
        self.settle()?;
        Ok(true)
    }

    /// The workspace's name.
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// The workspace's directory in the store.
    pub fn directory(&self) -> &Path {
        &self.place.path
    }

    /// The store it lies in.
    pub fn store(&self) -> &Arc<Store> {
        &self.place.store
    }

    /// The store and runtime directory it was opened with.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Its description as it is now.
    pub fn config(&self) -> Result<Config, WorkspaceError> {
        Config::load(&self.place.path)
    }

    /// Its snapshots, oldest first.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, WorkspaceError> {
        Ok(self.config()?.snapshot)
    }

    /// The number of the last record that [`Workspace::tree`] shows: the present state, unless the tree was replaced.
    pub fn head(&self) -> u64 {
        self.attached.head()
    }

    /// Bytes of the open journal segment in use.
    pub fn journal_bytes(&self) -> u64 {
        self.control.segment().committed.offset()
    }

    /// When it was last opened other than by [`Workspace::look`], nanoseconds since 1970; 0: never.
    pub fn last_use(&self) -> i64 {
        self.control.last_use()
    }

    /// The error that every change meets if the journal is damaged: the tree is then the last state that can be read.
    pub fn damage(&self) -> Option<WorkspaceError> {
        self.attached.damage.as_ref().map(|damage| self.place.damaged(damage))
    }

    /// Torn ends of the journal that were put aside when it was opened.
    pub fn cuts(&self) -> Vec<PathBuf> {
        self.place.cuts()
    }
}
