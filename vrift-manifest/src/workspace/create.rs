//! Making a workspace.

use std::fs;
use std::path::PathBuf;

use super::config::{self, Config, Era, FORMAT, Origin, Segment, Snapshot};
use super::control::Control;
use super::error::{Action, WorkspaceError};
use super::load;
use super::place::Home;
use super::runtime::random_id;
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
        let origin =
            self.origin.map(|(directory, excludes)| Origin { directory, excludes, seq: 0 });
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
    let open = *config.open_segment();
    load::ensure_segment(&home.store, open.id, open.first)?;
    // The tree's blobs, image and journal first: a name on disk must never lead to something that is not.
    home.store.sync()?;
    let staged = parent.join(format!(".new-{}", config.id));
    fs::create_dir(&staged).map_err(Action::Create.of(&staged))?;
    let control = staged.join("control");
    Control::create(&control).map_err(Action::Create.of(&control))?;
    config.save(&staged)?;
    let renamed = rustix::fs::renameat_with(
        rustix::fs::CWD,
        &staged,
        rustix::fs::CWD,
        &path,
        rustix::fs::RenameFlags::NOREPLACE,
    );
    if let Err(errno) = renamed {
        let _ = fs::remove_dir_all(&staged);
        return Err(match errno {
            rustix::io::Errno::EXIST => WorkspaceError::Exists(name.to_owned()),
            errno => Action::Create.of(&path)(errno),
        });
    }
    config::sync_directory(&parent)
}
