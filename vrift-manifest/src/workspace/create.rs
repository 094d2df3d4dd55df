//! Making a workspace.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat, renameat_with};
use rustix::io::Errno;

use super::config::{self, Config, Era, FORMAT, Origin, Segment, Snapshot};
use super::control::Control;
use super::error::{Action, WorkspaceError};
use super::files;
use super::place::Home;
use super::runtime::random_id;
use super::segments::new_segment;
use crate::journal::SegmentId;
use vrift_cas::Digest;

/// What a new workspace is to be.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    /// Its name.
    pub name: String,
    /// Where processes see its tree.
    pub mount: PathBuf,
    /// The directory it was ingested from, and globs left out; its state is the new workspace's first.
    pub origin: Option<(PathBuf, Vec<String>)>,
    /// The tree it begins with.
    pub image: Digest,
}

impl NewWorkspace {
    /// Makes the workspace, all of it or nothing. Blobs and image must be in the store; this syncs it.
    pub fn create(self, home: &Home) -> Result<(), WorkspaceError> {
        let segment = random_segment(home)?;
        let era = Era {
            base: 0,
            time: config::now_nanos(),
            image: self.image,
            segment: vec![Segment { id: segment, first: 1, last: None }],
        };
        let base = Some(self.image);
        let origin =
            self.origin.map(|(directory, excludes)| Origin { directory, excludes, seq: 0, base });
        establish(home, &self.name, self.mount, origin, None, vec![era], Vec::new())
    }
}

pub(super) fn random_segment(home: &Home) -> Result<SegmentId, WorkspaceError> {
    let id = random_id().map_err(Action::Create.of(&home.store.journals_dir()))?;
    Ok(SegmentId(id))
}

/// Makes a workspace of these eras, whose last segment is new. It appears under its name when it is complete and on
/// disk.
pub(super) fn establish(
    home: &Home,
    name: &str,
    mount: PathBuf,
    origin: Option<Origin>,
    forked_from: Option<String>,
    era: Vec<Era>,
    snapshot: Vec<Snapshot>,
) -> Result<(), WorkspaceError> {
    let path = home.directory_of(name)?;
    if home.store.is_read_only() {
        return Err(WorkspaceError::ReadOnly(name.to_owned()));
    }
    if path.exists() {
        return Err(WorkspaceError::Exists(name.to_owned()));
    }
    let parent = home.store.workspaces_dir();
    fs::create_dir_all(&parent).map_err(Action::Create.of(&parent))?;
    // Until the segment is named by the workspace, gc is not to take it.
    let _activity = home.store.begin()?;
    let id =
        format!("{:032x}", u128::from_le_bytes(random_id().map_err(Action::Create.of(&path))?));
    let config = Config { format: FORMAT, id, mount, origin, forked_from, era, snapshot };
    let staged = parent.join(format!(".new-{}", config.id));
    files::create_directory(&home.store, &staged).map_err(Action::Create.of(&staged))?;
    let make = || {
        fill(home, &staged, &config)?;
        // With it the tree's blobs, image and journal: a name on disk must never lead to something that is not.
        home.store.sync()?;
        match rename_new(&staged, &path) {
            Err(Errno::EXIST | Errno::NOTEMPTY) => Err(WorkspaceError::Exists(name.to_owned())),
            other => other.map_err(Action::Create.of(&path)),
        }
    };
    let made = make();
    if let Err(error) = made {
        let _ = fs::remove_dir_all(&staged);
        return Err(error);
    }
    config::sync_directory(&parent)
}

/// Its segment and everything in its directory, on the disk when the store was synced after that.
fn fill(home: &Home, directory: &Path, config: &Config) -> Result<(), WorkspaceError> {
    let (open, control) = (config.open_segment(), directory.join("control"));
    new_segment(&home.store, open.id, open.first)?;
    files::write_unsynced(&home.store, &control, &Control::fresh())
        .map_err(Action::Create.of(&control))?;
    config.put(&home.store, directory)
}

/// Renames a directory that is not empty; never over another one like it.
fn rename_new(from: &Path, to: &Path) -> Result<(), Errno> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => renameat(CWD, from, CWD, to),
        other => other,
    }
}
