//! Drafts: the real files behind nodes that are being written.
//!
//! A draft is called `drafts/NODE.DRAFT`, both in decimal. DRAFT is the time at which it was made, in nanoseconds since
//! 1970; a name is never used again. Its mode is 01600: the sticky bit says "of the store" to whoever has only a
//! descriptor, and a blob is 01555, so what a descriptor is on can be told by one `fstat` (see `seal` for why that matters).
//!
//! A draft is complete before the record that names it. From that record on, every process that opens the node opens the
//! draft, for reading as for writing; until the record that says that it was sealed.

use std::ffi::CStr;

use rustix::fs::Stat;
use rustix::io::Errno;
use vrift_cas::with_path;

use super::Session;
use crate::image::Damaged;
use crate::journal::Operation;
use crate::time::Timestamp;
use crate::tree::Tree;

/// The mode of a draft, as `st_mode` without the type.
pub(super) const DRAFT_MODE: u32 = 0o1600;

/// A number in decimal.
pub(super) struct Decimal {
    digits: [u8; 20],
    start: usize,
}

impl Decimal {
    pub(super) fn of(mut number: u64) -> Decimal {
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

    pub(super) fn bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or(&[])
    }
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

    /// Removes a draft that no node has any more.
    pub(super) fn remove_draft(&self, node: u64, draft: u64) -> Result<(), Errno> {
        self.with_draft(node, draft, |path| rustix::fs::unlink(path))
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
        let last = tree.attributes(at)?.nlink <= 1;
        Ok(tree.draft(at).filter(|_| last).map(|draft| (node, draft)))
    }
}

/// The time of the last write, as the kernel keeps it of a draft.
#[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "types differ by target")]
pub(super) fn mtime_of(stat: &Stat) -> Timestamp {
    Timestamp { sec: stat.st_mtime.into(), nsec: stat.st_mtime_nsec as u32 }
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
