//! A workspace in use by a process that must not notice: what a preloaded library stands on.
//!
//! A [`Workspace`](crate::workspace::Workspace) is opened, with its store, for a command. A session is only mappings: it
//! keeps no descriptor, starts no thread, reads no environment, and on its ordinary paths it allocates nothing and calls
//! the kernel by itself, never through libc's names (which are hooks where this runs). Where something is out of the
//! ordinary (an index to be built, a journal to be folded), it opens a `Workspace` for a moment, and closes it.
//!
//! Content that is being written is in a **draft**, a real file `drafts/NODE.DRAFT` beside the workspace's description:
//! see `draft`. When nobody can write it any more it is **sealed**: it becomes a blob.

pub mod above;
mod attach;
mod attributes;
mod blocks;
mod change;
mod content;
mod copy;
mod create;
mod digest;
mod draft;
mod error;
mod locking;
mod mend;
mod moved;
pub use mend::run_inside;
mod nameless;
mod note;
mod pause;
mod removed;
mod rights;
mod seal;
mod seal_copy;
mod synced;
mod times;
mod verified;
mod writing;

use std::sync::atomic::{AtomicU8, AtomicU64};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::handover::Handover;
use crate::shm::{Late, lease};
use crate::tree::Tree;
use crate::workspace::attach::Writer;
use crate::workspace::control::Control;
use crate::workspace::{Author, Bounds};
use vrift_cas::Sealer;

pub use attributes::Shown;
pub(crate) use attributes::show_draft;
pub(crate) use change::NOBODY;
pub use copy::all as copy_content;
pub(crate) use draft::Decimal;
pub use error::SessionError;
pub use moved::{Removal, Version};
pub(crate) use rights::{draft_mode as mode_of_draft, is_draft_mode as draft_as_found};
pub use seal::Seal;

/// A workspace, mapped. `Send` and `Sync`; a fork may go on using it.
pub struct Session {
    handover: Handover,
    control: Control,
    epoch: u64,
    tree: Tree,
    /// The mappings for writing: made at the first change.
    writer: Late<Writer>,
    sealer: Sealer,
    /// The directory of the drafts, with a slash behind it.
    drafts: Box<[u8]>,
    /// The number that says that a draft is this workspace's.
    owner: u64,
    /// Whose a live index may be.
    users: [u32; 2],
    /// To whom files are given: the store's owner, if we are root and he is not.
    give: Option<(u32, u32)>,
    /// Whether the store is on an overlayfs: 0 = not known yet, 1 = no, 2 = yes.
    overlay: AtomicU8,
    /// The room on the disk of contents that were looked at, once there are any.
    rooms: Late<blocks::Rooms>,
    /// The contents that were compared with their digests; `None`: they are not.
    verified: Option<verified::Verified>,
    /// How far the journal was when this process brought it to the disk.
    synced_at: AtomicU64,
    /// What to remove when everything is there, once there is something.
    removed: Late<removed::Removed>,
    bounds: Bounds,
}

/// Who asks for a change.
pub struct Who<'a> {
    /// The number of the record that describes the process; 0: there is none yet, and it is made when it is needed.
    pub process: &'a AtomicU64,
    /// What to put into it.
    pub author: &'a dyn Fn() -> Author,
}

impl Session {
    /// Whether the tree is still that of the workspace: one load. If not, attach anew; this one stays readable.
    #[inline]
    pub fn is_in_force(&self) -> bool {
        self.control.epoch() == self.epoch
    }

    /// The present tree.
    #[inline]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// What it was attached by.
    pub fn handover(&self) -> &Handover {
        &self.handover
    }
}

/// A file that is open for reading, and an eye on whoever comes to write it, as far as the kernel tells: it does of one's
/// own. Until this ends he waits.
pub struct Watch {
    file: OwnedFd,
    leased: bool,
}

impl Watch {
    /// Begins. `None`: somebody can write it already.
    pub fn begin(file: OwnedFd) -> Option<Watch> {
        match lease::take(file.as_fd()) {
            Err(Errno::AGAIN) => None,
            taken => Some(Watch { file, leased: taken.is_ok() }),
        }
    }

    /// Whether nobody has come to write it since.
    pub fn is_quiet(&self) -> bool {
        !self.leased || lease::holds(self.file.as_fd())
    }

    /// The file.
    pub fn file(&self) -> &OwnedFd {
        &self.file
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A child that was forked off meanwhile has the file open, too.
        lease::give_up(self.file.as_fd());
    }
}

/// What of a caller's flags concerns the file that is opened, not how it is found or made.
fn open_flags(flags: OFlags) -> OFlags {
    flags - (OFlags::CREATE | OFlags::EXCL | OFlags::TRUNC | OFlags::DIRECTORY | OFlags::NOFOLLOW)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_can_be_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<super::Session>();
    }
}
