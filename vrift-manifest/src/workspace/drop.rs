//! Dropping a workspace. Its images, segments and blobs stay until gc finds that nobody else needs them.

use std::fs;

use super::config::sync_directory;
use super::control::{Control, DROPPED};
use super::error::{Action, WorkspaceError};
use super::place::{Directory, Home};

/// Removes the workspace `name`. Processes that still have it open get errors.
pub fn drop_workspace(home: &Home, name: &str) -> Result<(), WorkspaceError> {
    let path = home.directory_of(name)?;
    if !path.is_dir() {
        return Err(WorkspaceError::NoSuchWorkspace(name.to_owned()));
    }
    if home.store.is_read_only() {
        return Err(WorkspaceError::ReadOnly(name.to_owned()));
    }
    // A workspace whose description or control page is damaged can be dropped too.
    if let Ok((place, _)) = Directory::of(home, name)
        && let Ok(control) = Control::open(&place.control_path(), true)
    {
        let epoch = control.epoch();
        let _ = control.with_lock(|_| control.set_epoch(DROPPED));
        let _ = fs::remove_file(place.index_path(epoch & !1));
    }
    let parent = home.store.workspaces_dir();
    let gone = parent.join(format!(".dropped-{}-{name}", std::process::id()));
    fs::rename(&path, &gone).map_err(Action::Remove.of(&path))?;
    sync_directory(&parent)?;
    fs::remove_dir_all(&gone).map_err(Action::Remove.of(&gone))
}
