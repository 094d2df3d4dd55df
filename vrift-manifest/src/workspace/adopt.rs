//! Drafts that are not what the tree says. After a power cut those that programs have brought to the disk are the content of
//! their files still; where a draft is gone, its file has what was sealed last.

use std::fs::{self, File};
use std::path::Path;

use rustix::fs::{Stat, Timespec, Timestamps, futimens, stat};
use rustix::io::Errno;
use vrift_cas::Sealer;

use super::control::Control;
use super::drafts::{Unsealed, live_drafts, name};
use super::error::{Action, WorkspaceError};
use super::open::Workspace;
use super::place::Directory;
use super::{attach, files};
use crate::session::{Session, draft_as_found, mode_of_draft};
use crate::time::Timestamp;
use crate::tree::Tree;

impl Workspace {
    /// The files that are being written, as the tree says, of which there is no draft.
    pub fn lost_drafts(&mut self) -> Result<Vec<Unsealed>, WorkspaceError> {
        if self.attached.is_private() {
            return Ok(Vec::new());
        }
        let unnamed = |(node, _)| Unsealed { node, path: Vec::new() };
        let mut found: Vec<Unsealed> = self
            .locked(|locked| Ok(lost(locked.place, locked.tree())))?
            .into_iter()
            .map(unnamed)
            .collect();
        name(self.tree(), &mut found.iter_mut().collect::<Vec<_>>())?;
        Ok(found)
    }

    /// Makes their drafts anew, of what was sealed last.
    pub fn renew_drafts(&mut self) -> Result<(), WorkspaceError> {
        self.locked(|locked| renew(locked.place, locked.tree()))
    }
}

/// The drafts that have no file. Under the lock, without which they may be about to be sealed.
fn lost(place: &Directory, tree: &Tree) -> Vec<(u64, u64)> {
    let is_lost =
        |&(node, draft): &(u64, u64)| matches!(stat(place.draft(node, draft)), Err(Errno::NOENT));
    live_drafts(tree).into_iter().filter(is_lost).collect()
}

/// Makes the files of drafts anew that have none. Under the lock.
pub(super) fn renew(place: &Directory, tree: &Tree) -> Result<(), WorkspaceError> {
    for (node, draft) in lost(place, tree) {
        again(place, tree, node, &place.draft(node, draft), None)?;
    }
    Ok(())
}

/// Makes the files of drafts that are on the disk fit to be drafts, and puts all others aside. Under the lock, with the tree in
/// force. What is done here is done again if it is not finished.
pub(super) fn adopt(place: &Directory, control: &Control) -> Result<(), WorkspaceError> {
    let Some(attached) = attach::map(place, control, control.epoch())? else {
        return place.put_drafts_aside(&[], &|_, _| false);
    };
    let mut drafts = live_drafts(&attached.tree);
    drafts.sort_unstable();
    for &(node, draft) in &drafts {
        let path = place.draft(node, draft);
        match stat(&path) {
            Ok(found) if found.st_nlink == 1 && draft_as_found(found.st_mode) => {}
            // It was being made a blob, and that was not on the disk yet.
            Ok(found) => again(place, &attached.tree, node, &path, Some(&found))?,
            // It was removed, which was on the disk, and the reason was not.
            Err(Errno::NOENT) => again(place, &attached.tree, node, &path, None)?,
            Err(errno) => return Err(Action::Read.of(&path)(errno)),
        }
    }
    place.put_drafts_aside(&drafts, &|node, found| is_superfluous(&attached.tree, node, found))
}

/// Whether a draft that no node has is nothing that anybody could miss: it is a blob, or was on the disk until its node
/// had no name any more.
fn is_superfluous(tree: &Tree, node: u64, found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let at = tree.node(node).ok().flatten();
    let Some(attributes) = at.and_then(|at| tree.attributes(at).ok()) else { return false };
    let is_blob = found.mode() & 0o7777 == Sealer::BLOB_MODE && found.nlink() > 1;
    is_blob || Session::is_synced(found.mode()) && attributes.nlink == 0
}

/// Makes the draft's file anew: of the one that is there, or of what was sealed last.
fn again(
    place: &Directory,
    tree: &Tree,
    node: u64,
    path: &Path,
    found: Option<&Stat>,
) -> Result<(), WorkspaceError> {
    let Some(at) = tree.node(node)? else { return Ok(()) };
    let attributes = tree.attributes(at)?;
    let mut from = match (found, tree.digest(at)?) {
        (Some(_), _) => File::open(path).map_err(Action::Read.of(path))?,
        (None, Some(digest)) => place.store.open_blob(&digest)?,
        (None, None) => return Ok(()),
    };
    let mtime = match found {
        // As a blob it has a stamp in the place of its time.
        Some(found) if found.st_mtime <= vrift_cas::LAST_BOOT.into() => tree.index.floor(),
        Some(found) => Timestamp { sec: found.st_mtime, nsec: found.st_mtime_nsec as u32 },
        None => attributes.mtime,
    };
    let other = path.with_extension("new");
    let mut make = || -> std::io::Result<()> {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let mut options = File::options();
        let mut to = options.write(true).create(true).truncate(true).mode(0o600).open(&other)?;
        std::io::copy(&mut from, &mut to)?;
        files::give(&place.store, &other)?;
        to.set_permissions(fs::Permissions::from_mode(mode_of_draft(attributes.mode)))?;
        let time = |at: Timestamp| Timespec { tv_sec: at.sec, tv_nsec: at.nsec.into() };
        let (last_access, last_modification) = (time(attributes.atime), time(mtime));
        futimens(&to, &Timestamps { last_access, last_modification })?;
        fs::rename(&other, path)
    };
    make().map_err(Action::Write.of(path))
}
