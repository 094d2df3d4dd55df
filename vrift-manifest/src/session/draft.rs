//! Drafts: the real files behind nodes that are being written.
//!
//! A draft is called `drafts/NODE.DRAFT`, both in decimal. DRAFT is the time at which it was made, in nanoseconds since
//! 1970; a name is never used again. Its mode is 01600: the sticky bit says "of the store" to whoever has only a
//! descriptor, and a blob is 01555, so what a descriptor is on can be told by one `fstat` (see `seal` for why that matters).
//!
//! A draft is complete before the record that names it. From that record on, every process that opens the node opens the
//! draft, for reading as for writing; until the record that says that it was sealed.

use std::ffi::CStr;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::fs::{futimens, open, utimensat};
use rustix::io::{Errno, retry_on_intr};
use vrift_cas::{make_directory, with_path};

use super::{Session, SessionError};
use crate::image::Damaged;
use crate::journal::Operation;
use crate::time::Timestamp;
use crate::tree::{Cursor, Tree};

/// The mode of a draft, as `st_mode` without the type; of some with one bit more, see `rights`.
pub(super) const DRAFT_MODE: u32 = 0o1600;

/// The time of the last access of a draft that was made as a copy, as long as nobody has set its times. In the far future, so
/// that reading does not change it where such times are kept as usual (relatime).
const COPIED: i64 = 0x2_5652_4454;

/// A number in decimal.
pub(crate) struct Decimal {
    digits: [u8; 20],
    start: usize,
}

impl Decimal {
    pub(crate) fn of(mut number: u64) -> Decimal {
        let mut digits = [b'0'; 20];
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            start -= 1;
            if number == 0 {
                break;
            }
        }
        Decimal { digits, start }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or(&[])
    }
}

/// The number of a draft that is made now.
pub(super) fn draft_now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let nanos = now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec);
    u64::try_from(nanos).unwrap_or(0).max(1)
}

impl Session {
    /// Runs `work` with the path of a draft.
    pub(super) fn with_draft<T>(
        &self,
        node: u64,
        draft: u64,
        work: impl FnOnce(&CStr) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let (node, draft) = (Decimal::of(node), Decimal::of(draft));
        with_path(&[&self.drafts, node.bytes(), b".", draft.bytes()], work)
    }

    /// The node and the draft whose file has, or had, this path: as `readlink` tells it of a descriptor. `None`: it is not
    /// the path of a draft of this workspace.
    pub fn node_of_draft(&self, path: &[u8]) -> Option<(u64, u64)> {
        let name = path.strip_prefix(&*self.drafts)?;
        let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
        let dot = name.iter().position(|&byte| byte == b'.')?;
        Some((number(name.get(..dot)?)?, number(name.get(dot + 1..)?)?))
    }

    /// Makes the file of a new draft, open with `flags`. Nobody knows of it yet.
    pub(super) fn make_draft_file(
        &self,
        node: u64,
        draft: u64,
        flags: OFlags,
    ) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(DRAFT_MODE);
        let make =
            || self.with_draft(node, draft, |path| retry_on_intr(|| open(path, flags, mode)));
        let file = match make() {
            Err(Errno::NOENT) => {
                with_path(&[&self.drafts], |path| make_directory(path, self.give))?;
                make()?
            }
            other => other?,
        };
        // The umask may have taken what others of ours need.
        if mode_of(&rustix::fs::fstat(&file)?) != DRAFT_MODE {
            rustix::fs::fchmod(&file, mode)?;
        }
        if let Some((uid, gid)) = self.give {
            use rustix::fs::{Gid, Uid, fchown};
            fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok(file)
    }

    /// Removes a draft that no node has any more.
    pub(super) fn remove_draft(&self, node: u64, draft: u64) -> Result<(), Errno> {
        self.with_draft(node, draft, |path| rustix::fs::unlink(path))
    }

    /// Sets the mtime of a draft; from then on it does not count as an untouched copy.
    pub(super) fn set_draft_mtime(
        &self,
        node: u64,
        draft: u64,
        mtime: Timestamp,
    ) -> Result<(), Errno> {
        let times = times(0, mtime);
        self.with_draft(node, draft, |path| utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// Why a node has not the draft that it is said to have: it has lost its last name, and the draft went with that
    /// (ESTALE: whoever came by the name should look what has it now); or the tree was replaced since, and the draft was sealed or
    /// removed in what is in force now; or the store is damaged.
    pub(super) fn without_draft(&self, at: Cursor) -> SessionError {
        match self.tree.attributes(self.tree.again(at)) {
            Ok(attributes) if attributes.nlink == 0 => Errno::STALE.into(),
            _ if !self.is_in_force() => SessionError::Retired,
            _ => Errno::IO.into(),
        }
    }

    /// The node that has no name any more after `operation`, if it has a draft.
    pub(super) fn made_nameless(
        &self,
        tree: &Tree,
        operation: &Operation<'_>,
    ) -> Result<Option<(u64, u64)>, Damaged> {
        let node = match *operation {
            Operation::Unlink { node, .. } => node,
            Operation::Rename { replaced, .. } if replaced != 0 => replaced,
            _ => return Ok(None),
        };
        let Some(at) = tree.node(node)? else { return Ok(None) };
        let Some(draft) = tree.draft(at) else { return Ok(None) };
        Ok((tree.attributes(at)?.nlink <= 1).then_some((node, draft)))
    }
}

/// A number written in decimal.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Opens a draft to be hashed. That it is read is not noted of it, which would be another write: where only its owner may
/// ask for that and another seals it, it is.
pub(super) fn open_to_seal(path: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match retry_on_intr(|| open(path, flags | OFlags::NOATIME, Mode::empty())) {
        Err(Errno::PERM) => retry_on_intr(|| open(path, flags, Mode::empty())),
        other => other,
    }
}

/// Marks a draft as a copy of content that was last written at `mtime`.
pub(super) fn mark_copied(file: impl AsFd, mtime: Timestamp) -> Result<(), Errno> {
    futimens(file, &times(COPIED, mtime))
}

/// Whether a draft was made as a copy, and nobody has set its times since.
#[allow(clippy::useless_conversion, reason = "the type differs between targets")]
pub(super) fn is_copy(stat: &Stat) -> bool {
    i64::from(stat.st_atime) == COPIED
}

fn times(access: i64, mtime: Timestamp) -> Timestamps {
    let nsec = if mtime.nsec < 1_000_000_000 { mtime.nsec.into() } else { UTIME_OMIT };
    Timestamps {
        last_access: Timespec { tv_sec: access, tv_nsec: 0 },
        last_modification: Timespec { tv_sec: mtime.sec, tv_nsec: nsec },
    }
}

/// The time of the last write, as the kernel keeps it of a draft.
#[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "types differ by target")]
pub(super) fn mtime_of(stat: &Stat) -> Timestamp {
    Timestamp { sec: stat.st_mtime.into(), nsec: stat.st_mtime_nsec as u32 }
}

/// The length of an open file.
pub(super) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// The permission bits of an open file.
pub(super) fn mode_of(stat: &Stat) -> u32 {
    stat.st_mode & 0o7777
}

/// The mtime that is shown of a node whose draft has `draft`'s. The kernel stamps files by another clock than ours: a
/// node that was made, or had its times set, must not look older again because of that.
pub(super) fn shown_mtime(node: Timestamp, draft: Timestamp) -> Timestamp {
    if node.is_soon_after(draft) { node } else { draft }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_decimal() {
        for number in [0, 1, 9, 10, 4711, u64::MAX] {
            assert_eq!(Decimal::of(number).bytes(), number.to_string().as_bytes());
        }
    }

    #[test]
    fn a_node_is_not_shown_older_than_it_was_because_two_clocks_differ() {
        let at = |nsec| Timestamp { sec: 5, nsec };
        assert_eq!(shown_mtime(at(4_000_000), at(0)), at(4_000_000));
        assert_eq!(shown_mtime(at(0), at(4_000_000)), at(4_000_000));
        // Set by somebody, and then written.
        assert_eq!(shown_mtime(at(500_000_000), at(0)), at(0));
    }
}
