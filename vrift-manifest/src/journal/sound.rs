//! What a record can say, as far as that can be told without the tree.
//!
//! A checksum tells that a record is what somebody wrote, not that it makes sense. What no tree can hold, and what no
//! image could keep, is neither written nor read: a name with a slash in it would lead an export out of its directory,
//! and a mode without a type would keep a workspace from ever being compacted.

use super::record::{Operation, Record};
use crate::attributes::Kind;
use crate::image::Xattrs;
use crate::name;
use crate::time::Timestamp;

/// The longest symlink target, as in Linux.
const TARGET_MAX: usize = 4095;

/// The first number that is no node's: far beyond what can ever be counted up to.
const NODES_END: u64 = 1 << 63;

impl Record<'_> {
    /// Whether a journal can hold it.
    pub fn is_sound(&self) -> bool {
        is_time(&self.time) && self.operation.is_sound()
    }
}

impl Operation<'_> {
    /// Whether a tree can take it.
    pub fn is_sound(&self) -> bool {
        match self {
            Operation::Process { .. }
            | Operation::StoreSynced { .. }
            | Operation::Rebased { .. } => true,
            Operation::Create { name, node, mode, rdev, target, .. } => {
                let fits = match Kind::of_mode(*mode) {
                    None => false,
                    Some(Kind::Symlink) => is_target(target) && *rdev == 0,
                    Some(Kind::CharDevice | Kind::BlockDevice) => target.is_empty(),
                    Some(_) => target.is_empty() && *rdev == 0,
                };
                fits && *mode <= Kind::MASK | 0o7777
                    && name::is_valid(name)
                    && (2..NODES_END).contains(node)
            }
            Operation::SetContent { size, mtime, .. } => {
                i64::try_from(*size).is_ok() && mtime.iter().all(is_time)
            }
            Operation::DraftOpened { draft, .. } | Operation::DraftSynced { draft, .. } => {
                *draft != 0
            }
            Operation::Sealed { draft, size, mtime, .. } => {
                *draft != 0 && i64::try_from(*size).is_ok() && is_time(mtime)
            }
            Operation::SetMode { mode, .. } | Operation::SetOwner { mode, .. } => *mode <= 0o7777,
            Operation::SetTimes { atime, mtime, .. } => atime.iter().chain(mtime).all(is_time),
            Operation::SetXattrs { block, .. } => block.is_empty() || is_block(block),
            Operation::Link { name, .. }
            | Operation::Unlink { name, .. }
            | Operation::RemoveDirectory { name, .. } => name::is_valid(name),
            Operation::Rename { from, to, .. } => name::is_valid(from) && name::is_valid(to),
            Operation::Exchange { one, other, .. } => name::is_valid(one) && name::is_valid(other),
        }
    }
}

fn is_target(target: &[u8]) -> bool {
    (1..=TARGET_MAX).contains(&target.len()) && !target.contains(&0)
}

fn is_time(time: &Timestamp) -> bool {
    time.nsec < 1_000_000_000
}

/// Whether `block` is attributes, sorted, and nothing else.
fn is_block(block: &[u8]) -> bool {
    let states_its_length =
        block.first_chunk().is_some_and(|head| u32::from_le_bytes(*head) as usize == block.len());
    let mut attributes = Xattrs::parse(block).peekable();
    states_its_length && attributes.peek().is_some() && attributes.all(|item| item.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create<'a>(name: &'a [u8], mode: u32, target: &'a [u8]) -> Operation<'a> {
        Operation::Create { parent: 1, name, node: 2, mode, uid: 0, gid: 0, rdev: 0, target }
    }

    #[test]
    fn names_that_no_directory_can_hold_are_refused() {
        let long = [b'x'; 256];
        let bad: [&[u8]; 7] = [b"", b".", b"..", b"a/b", b"/", b"a\0", &long];
        for name in bad {
            assert!(!create(name, 0o100644, b"").is_sound());
            assert!(!Operation::Link { node: 2, parent: 1, name }.is_sound());
            let (from_parent, to_parent, node, replaced) = (1, 1, 2, 0);
            for (from, to) in [(name, &b"x"[..]), (b"x", name)] {
                let rename = Operation::Rename { from_parent, from, to_parent, to, node, replaced };
                assert!(!rename.is_sound());
            }
        }
        assert!(create(&long[..255], 0o100644, b"").is_sound());
    }

    #[test]
    fn modes_without_a_type_and_targets_of_what_has_none_are_refused() {
        for mode in [0, 0o644, 0o110644, 0o170644, 0o100644 | 1 << 16, u32::MAX] {
            assert!(!create(b"x", mode, b"").is_sound(), "{mode:o}");
        }
        assert!(!create(b"x", 0o100644, b"target").is_sound());
        assert!(!create(b"x", 0o120777, b"").is_sound());
        assert!(!create(b"x", 0o120777, b"a\0b").is_sound());
        assert!(!create(b"x", 0o120777, &[b't'; 4096]).is_sound());
        assert!(create(b"x", 0o120777, &[b't'; 4095]).is_sound());
        assert!(!Operation::SetMode { node: 2, mode: 0o10000 }.is_sound());
    }

    #[test]
    fn times_with_more_nanoseconds_than_a_second_are_refused() {
        let bad = Timestamp { sec: 0, nsec: 1_000_000_000 };
        assert!(!Operation::SetTimes { node: 2, atime: Some(bad), mtime: None }.is_sound());
        assert!(!Operation::SetTimes { node: 2, atime: None, mtime: Some(bad) }.is_sound());
        let operation = Operation::StoreSynced { through: 1 };
        assert!(!Record { time: bad, process: 0, operation }.is_sound());
    }

    #[test]
    fn a_block_of_attributes_must_be_one() {
        let sound = |block: &[u8]| Operation::SetXattrs { node: 2, block }.is_sound();
        let good = b"\x18\0\0\0\x02\0\0\0\x01\0\x01\0\0\0av\x01\0\x01\0\0\0bw";
        assert!(sound(b"") && sound(good));
        for length in 1..good.len() {
            assert!(!sound(&good[..length]));
        }
        assert!(!sound(&[&good[..], b"\0"].concat()));
        let unsorted = b"\x18\0\0\0\x02\0\0\0\x01\0\x01\0\0\0bv\x01\0\x01\0\0\0aw";
        assert!(!sound(unsorted));
        assert!(!sound(b"\x08\0\0\0\0\0\0\0"));
    }
}
