//! Dropping a workspace. Its images, segments and blobs stay until gc finds that nobody else needs them.

use std::fs;
use std::io;
use std::path::Path;

use super::config::sync_directory;
use super::control::{Control, DROPPED};
use super::error::{Action, WorkspaceError};
use super::place::{Directory, Home};
use super::runtime::random_id;
use crate::places;

/// Removes the workspace `name`. Processes that still have it open get errors.
pub fn drop_workspace(home: &Home, name: &str) -> Result<(), WorkspaceError> {
    let path = home.directory_of(name)?;
    if !path.is_dir() {
        return Err(WorkspaceError::NoSuchWorkspace(name.to_owned()));
    }
    if home.store.is_read_only() {
        return Err(WorkspaceError::ReadOnly(name.to_owned()));
    }
    let parent = home.store.workspaces_dir();
    let random = random_id().map_err(Action::Remove.of(&path))?;
    let gone = parent.join(format!("{GONE}{:032x}", u128::from_le_bytes(random)));
    let leave = || fs::rename(&path, &gone).map_err(Action::Remove.of(&path));
    // A workspace whose description or control page is damaged can be dropped too.
    let opened = Directory::of(home, name)
        .ok()
        .and_then(|(place, _)| Some((Control::open(&place.control_path(), true).ok()?, place)));
    match opened {
        None => leave()?,
        // The name goes first: whoever dies here has dropped the workspace, or not.
        Some((control, place)) => control.with_lock(|_| {
            let index = place.index_path(&control, control.epoch() & !1);
            leave()?;
            control.set_epoch(DROPPED);
            let _ = fs::remove_file(index);
            // What stood for its directories: who is in one of them is in a removed directory now.
            let places = format!("{}{}", places::PREFIX, place.id);
            let _ = fs::remove_dir_all(place.runtime.join(places));
            Ok::<_, WorkspaceError>(())
        })??,
    }
    sync_directory(&parent)?;
    clear(&parent)
}

/// How directories begin that were workspaces.
const GONE: &str = ".dropped-";

/// Removes what this drop has left, and what others have that died.
fn clear(parent: &Path) -> Result<(), WorkspaceError> {
    for entry in fs::read_dir(parent).map_err(Action::Read.of(parent))? {
        let entry = entry.map_err(Action::Read.of(parent))?;
        if entry.file_name().to_string_lossy().starts_with(GONE) {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.map_err(Action::Remove.of(&entry.path()))?,
            }
        }
    }
    Ok(())
}
