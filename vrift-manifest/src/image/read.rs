//! What a record says, believed only after checking it.

use vrift_cas::Digest;

use super::error::Damaged;
use super::layout::{IDENTITY_LEN, RECORD_LEN};
use super::open::Image;
use super::record::{Identity, Record};
use crate::attributes::{Attributes, Content, Kind};
use crate::name;
use crate::time::Timestamp;

/// The longest target that a symlink can have, as in the kernel.
pub(super) const TARGET_MAX: u64 = 4095;

impl<B: AsRef<[u8]>> Image<B> {
    /// The record at `index`, as it is.
    #[inline]
    pub fn record(&self, index: u32) -> Result<Record<'_>, Damaged> {
        match self.section(&self.records).as_chunks::<RECORD_LEN>().0.get(index as usize) {
            Some(record) => Ok(Record(record)),
            None => Err(Damaged::new("there is no such record", index)),
        }
    }

    #[inline]
    pub(super) fn identity(&self, index: u32) -> Result<Identity<'_>, Damaged> {
        match self.section(&self.identity).as_chunks::<IDENTITY_LEN>().0.get(index as usize) {
            Some(identity) => Ok(Identity(identity)),
            None => Err(Damaged::new("there is no such record", index)),
        }
    }

    #[inline]
    pub(super) fn pool_bytes(&self, at: u64, len: u64) -> Option<&[u8]> {
        let pool = self.section(&self.pool);
        let at = usize::try_from(at).ok()?;
        pool.get(at..at.checked_add(usize::try_from(len).ok()?)?)
    }

    /// The name of a record; empty for the root. A name that cannot stand in a directory is an error.
    #[inline]
    pub fn name(&self, index: u32) -> Result<&[u8], Damaged> {
        let record = self.record(index)?;
        let len = record.name_len();
        let bytes = match record.name_field().get(..len) {
            Some(bytes) => bytes,
            None => self
                .pool_bytes(record.name_pool(), len as u64)
                .filter(|bytes| bytes.starts_with(record.name_prefix()))
                .ok_or_else(|| Damaged::new("a name is outside the pool", index))?,
        };
        if index != 0 && !name::is_valid(bytes) || index == 0 && len != 0 {
            return Err(Damaged::new("a name is not valid", index));
        }
        Ok(bytes)
    }

    /// The mode of a node, by its primary record: type and permission, as `st_mode`.
    #[inline]
    pub fn mode(&self, index: u32) -> Result<u32, Damaged> {
        Ok(self.record(index)?.mode())
    }

    /// What sort of thing a node is, by its primary record.
    #[inline]
    pub fn kind(&self, index: u32) -> Result<Kind, Damaged> {
        let mode = self.mode(index)?;
        Kind::of_mode(mode).ok_or_else(|| Damaged::new("a mode has no type", index))
    }

    /// The directory that a record is in; the root's is the root. Climbing ends: a parent has the smaller index.
    #[inline]
    pub fn parent(&self, index: u32) -> Result<u32, Damaged> {
        let parent = self.record(index)?.parent();
        if parent >= index && (index, parent) != (0, 0) {
            return Err(Damaged::new("a parent is not an earlier record", index));
        }
        Ok(parent)
    }

    /// The node number of a record; an alias has that of its primary.
    #[inline]
    pub fn node_number(&self, index: u32) -> Result<u64, Damaged> {
        match self.identity(index)?.node() {
            0 => Err(Damaged::new("a node has no number", index)),
            node => Ok(node),
        }
    }

    /// The attributes of a node, by its primary record.
    #[inline]
    pub fn attributes(&self, index: u32) -> Result<Attributes, Damaged> {
        let record = self.record(index)?;
        let identity = self.identity(index)?;
        let Some(kind) = Kind::of_mode(record.mode()) else {
            return Err(Damaged::new("a mode has no type", index));
        };
        let (mtime, ctime, atime) = (record.mtime(), identity.ctime(), identity.atime());
        if Timestamp::new(0, mtime.nsec.max(ctime.nsec).max(atime.nsec)).is_none() {
            return Err(Damaged::new("a time has too many nanoseconds", index));
        }
        let device = matches!(kind, Kind::CharDevice | Kind::BlockDevice);
        Ok(Attributes {
            mode: record.mode(),
            uid: record.uid(),
            gid: record.gid(),
            nlink: record.nlink(),
            size: record.size(),
            atime,
            mtime,
            ctime,
            rdev: if device { record.content_word(0) } else { 0 },
        })
    }

    /// The content of a node, by its primary record.
    #[inline]
    pub fn content(&self, index: u32) -> Result<Content<'_>, Damaged> {
        Ok(match self.kind(index)? {
            Kind::File => Content::Blob(Digest::from_bytes(self.record(index)?.content())),
            Kind::Symlink => Content::Target(self.symlink_target(index)?),
            _ => Content::None,
        })
    }

    /// The blob of a regular file, by its primary record. Another node is an error.
    #[inline]
    pub fn digest(&self, index: u32) -> Result<Digest, Damaged> {
        match self.kind(index)? {
            Kind::File => Ok(Digest::from_bytes(self.record(index)?.content())),
            _ => Err(Damaged::new("only a file has a digest", index)),
        }
    }

    /// The target of a symlink, by its primary record. Another node is an error.
    #[inline]
    pub fn symlink_target(&self, index: u32) -> Result<&[u8], Damaged> {
        if self.kind(index)? != Kind::Symlink {
            return Err(Damaged::new("only a symlink has a target", index));
        }
        let record = self.record(index)?;
        let len = record.content_word(1);
        let target = self
            .pool_bytes(record.content_word(0), len)
            .ok_or_else(|| Damaged::new("a target is outside the pool", index))?;
        if !is_target(target) {
            return Err(Damaged::new("a target is not valid", index));
        }
        Ok(target)
    }
}

/// Whether a symlink can have this target.
pub(super) fn is_target(target: &[u8]) -> bool {
    (1..=TARGET_MAX).contains(&(target.len() as u64)) && !target.contains(&0)
}
