//! Attaching: control page, live index and image are mapped, and nothing else is read.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64};

use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::verified::Verified;
use super::{Session, SessionError};
use crate::handover::Handover;
use crate::image::Image;
use crate::index::Index;
use crate::index::layout::{CAPACITY, H_APPLIED, H_IMAGE};
use crate::journal::Position;
use crate::shm::{Late, Mapping, Region};
use crate::tree::{Tree, words_digest};
use crate::workspace::Bounds;
use crate::workspace::attach::{is_unusable, open_index};
use crate::workspace::build::owner_of;
use crate::workspace::control::{Control, DROPPED};
use crate::workspace::names;
use vrift_cas::Sealer;

/// How often a workspace is put right before it is given up.
const TRIES: usize = 8;

impl Session {
    /// Attaches to a workspace. Where its live index is missing or cannot be trusted, that is put right first.
    pub fn attach(handover: &Handover) -> Result<Session, SessionError> {
        for _ in 0..TRIES {
            if let Some(session) = map(handover)? {
                return Ok(session);
            }
            super::mend::open(handover)?;
        }
        Err(Errno::IO.into())
    }

    /// The same session with smaller bounds of journal and index: for tests of what happens there.
    pub fn with_bounds(mut self, bounds: Bounds) -> Session {
        self.bounds = bounds;
        self
    }

    /// Where the index of `epoch` lies.
    pub(super) fn index_path(&self) -> PathBuf {
        index_path(&self.handover, &self.control, self.epoch)
    }
}

/// Maps what is in force. `None`: something must be put right before.
fn map(handover: &Handover) -> Result<Option<Session>, SessionError> {
    let directory = handover.directory();
    let control = Control::open(&directory.join("control"), true)?;
    let epoch = control.epoch();
    if epoch == DROPPED {
        return Err(Errno::NOENT.into());
    }
    if !control.is_taken_over() || epoch % 2 == 1 || control.owner_died() {
        return Ok(None);
    }
    let path = index_path(handover, &control, epoch);
    let (users, give) = owners(&handover.store);
    let Some(tree) = map_tree(handover, &control, epoch, &path, &users)? else {
        return Ok(None);
    };
    // What was read between two epochs need not fit together.
    if control.epoch() != epoch {
        return Ok(None);
    }
    let mut drafts = handover.drafts().into_os_string().into_vec();
    drafts.push(b'/');
    Ok(Some(Session {
        handover: handover.clone(),
        control,
        epoch,
        tree,
        writer: Late::new(),
        sealer: sealer(handover),
        drafts: drafts.into(),
        owner: owner_of(&handover.id),
        users,
        give,
        overlay: AtomicU8::new(0),
        rooms: Late::new(),
        verified: handover.verify.then(Verified::default),
        synced_at: AtomicU64::new(u64::MAX),
        removed: Late::new(),
        bounds: Bounds::default(),
    }))
}

/// Where contents are verified there is no short way to a blob: so what opens one by it need not ask (see
/// `Session::open_seen`).
fn sealer(handover: &Handover) -> Sealer {
    let sealer = Sealer::new(handover.store.as_os_str().as_bytes());
    if handover.verify { sealer.verifying() } else { sealer }
}

/// Whose the index may be, and to whom files are given: to the store's owner, if we are root and he is not.
fn owners(store: &Path) -> ([u32; 2], Option<(u32, u32)>) {
    let user = rustix::process::geteuid().as_raw();
    match rustix::fs::stat(store) {
        Ok(found) => {
            let foreign = user == 0 && found.st_uid != 0;
            ([user, found.st_uid], foreign.then_some((found.st_uid, found.st_gid)))
        }
        Err(_) => ([user, user], None),
    }
}

fn map_tree(
    handover: &Handover,
    control: &Control,
    epoch: u64,
    path: &Path,
    users: &[u32],
) -> Result<Option<Tree>, SessionError> {
    let (file, stat) = match open_index(path, users, false) {
        Err(errno) if is_unusable(errno) => return Ok(None),
        other => other?,
    };
    let index = Index::new(Region::of_stat(&file, &stat, path, CAPACITY, false)?);
    // The image is the one that the index says it is over: whoever built it has read the description.
    let image = std::array::from_fn(|place| index.header(H_IMAGE + place));
    if !index.is_of(epoch, image) {
        return Ok(None);
    }
    // In this order: applied never overtakes committed, unless the control page is an older one that somebody put back.
    let applied = Position::from_word(index.header(H_APPLIED));
    if applied > control.segment().committed {
        return Ok(None);
    }
    let digits = words_digest(image).digits();
    let path = handover.store.join("images").join(OsStr::from_bytes(&digits));
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = match retry_on_intr(|| rustix::fs::open(&path, flags, Mode::empty())) {
        // In the trash, perhaps.
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let image = Image::open_again(Mapping::of(&file)?).map_err(|_| Errno::IO)?;
    Ok(Some(Tree::new(image.into(), index)))
}

fn index_path(handover: &Handover, control: &Control, epoch: u64) -> PathBuf {
    let directory = control.place().unwrap_or_else(|| handover.store.join("workspaces"));
    directory.join(names::index(&handover.id, control.inode(), epoch))
}
