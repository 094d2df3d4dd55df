//! A record as it lies in the image: fields, not yet believed.

use super::layout::{IDENTITY_LEN, RECORD_LEN, identity, record};
use super::open::{chunk, u16_at, u32_at, u64_at};
use crate::time::Timestamp;

/// One record. Its fields are given as they are: [`Image`](super::Image) has the accessors that check them.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a>(pub(super) &'a [u8; RECORD_LEN]);

impl<'a> Record<'a> {
    /// The record of the directory that this name is in.
    #[inline]
    pub fn parent(self) -> u32 {
        u32_at(self.0, record::PARENT)
    }

    /// Type and permission, as `st_mode`.
    #[inline]
    pub fn mode(self) -> u32 {
        u32_at(self.0, record::MODE)
    }

    /// Owner.
    #[inline]
    pub fn uid(self) -> u32 {
        u32_at(self.0, record::UID)
    }

    /// Group.
    #[inline]
    pub fn gid(self) -> u32 {
        u32_at(self.0, record::GID)
    }

    /// A directory's first child, an alias's primary, else 0.
    #[inline]
    pub fn link(self) -> u32 {
        u32_at(self.0, record::LINK)
    }

    /// A directory's number of children, else 0.
    #[inline]
    pub fn count(self) -> u32 {
        u32_at(self.0, record::COUNT)
    }

    /// The length of the name.
    #[inline]
    pub fn name_len(self) -> usize {
        usize::from(u16_at(self.0, record::NAME_LEN))
    }

    /// All flags.
    #[inline]
    pub(super) fn flags(self) -> u16 {
        u16_at(self.0, record::FLAGS)
    }

    /// Whether this is a second or later name of a node.
    #[inline]
    pub fn is_alias(self) -> bool {
        self.flags() & record::ALIAS != 0
    }

    /// Bytes of content; of a symlink's target; 4096 for a directory.
    #[inline]
    pub fn size(self) -> u64 {
        u64_at(self.0, record::SIZE)
    }

    /// Last change of content; the nanoseconds may lie.
    #[inline]
    pub(super) fn mtime(self) -> Timestamp {
        let sec = u64_at(self.0, record::MTIME_SEC) as i64;
        Timestamp { sec, nsec: u32_at(self.0, record::MTIME_NSEC) }
    }

    /// Names of the node; of a directory 2 and its subdirectories.
    #[inline]
    pub fn nlink(self) -> u32 {
        u32_at(self.0, record::NLINK)
    }

    /// Where the block of extended attributes is in the pool; 0 is none.
    #[inline]
    pub(super) fn xattr(self) -> u64 {
        u64_at(self.0, record::XATTR)
    }

    /// The content field: digest, place of the target, or device number.
    #[inline]
    pub(super) fn content(self) -> [u8; 32] {
        chunk(self.0, record::CONTENT)
    }

    /// A number in the content field: 0 is the target's offset or the device number, 1 the target's length.
    #[inline]
    pub(super) fn content_word(self, place: usize) -> u64 {
        let content = self.content();
        u64_at(&content, 8 * place)
    }

    /// The name field: a short name, or what stands for a long one.
    #[inline(always)]
    pub(super) fn name_field(self) -> &'a [u8; record::INLINE_NAME] {
        const NAME: usize = record::NAME;
        match self.0[NAME..].first_chunk() {
            Some(field) => field,
            None => &[0; record::INLINE_NAME],
        }
    }

    /// Where a long name is in the pool.
    #[inline]
    pub(super) fn name_pool(self) -> u64 {
        u64_at(self.0, record::NAME_POOL)
    }

    /// The beginning of a long name.
    #[inline]
    pub(super) fn name_prefix(self) -> &'a [u8] {
        &self.0[record::NAME_PREFIX..record::NAME_END]
    }
}

/// One identity: the part of a node that is not the tree's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity<'a>(pub &'a [u8; IDENTITY_LEN]);

impl Identity<'_> {
    #[inline]
    pub fn node(self) -> u64 {
        u64_at(self.0, identity::NODE)
    }

    #[inline]
    pub fn ctime(self) -> Timestamp {
        let sec = u64_at(self.0, identity::CTIME_SEC) as i64;
        Timestamp { sec, nsec: u32_at(self.0, identity::CTIME_NSEC) }
    }

    #[inline]
    pub fn atime(self) -> Timestamp {
        let sec = u64_at(self.0, identity::ATIME_SEC) as i64;
        Timestamp { sec, nsec: u32_at(self.0, identity::ATIME_NSEC) }
    }
}
