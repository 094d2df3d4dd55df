//! Changes that a caller asks for, and the checks that come before they are journalled: this is where the errno comes
//! from. The order of the checks is the kernel's.

use rustix::io::Errno;
use vrift_cas::Digest;

use super::path::PATH_MAX;
use super::read::{Cursor, ROOT, Tree};
use super::xattrs;
use crate::attributes::{Attributes, Kind};
use crate::image::Damaged;
use crate::journal::Operation;
use crate::name;
use crate::time::Timestamp;

/// Names a file can have, as on ext4.
const LINK_MAX: u32 = 65_000;

/// The longest name of an extended attribute, as in Linux.
const XATTR_NAME_MAX: usize = 255;

/// The longest value of one, as in Linux.
const XATTR_VALUE_MAX: usize = 65_536;

/// How a rename treats what has the new name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenameMode {
    /// Replace it.
    Replace,
    /// RENAME_NOREPLACE: fail.
    NoReplace,
    /// RENAME_EXCHANGE: change places with it.
    Exchange,
}

/// A change of the tree, by node numbers and names. Paths are the caller's business (see [`Tree::walk`]), and so is
/// permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// A new file, directory, symlink or special.
    Create {
        /// The directory.
        parent: u64,
        /// The name in it.
        name: &'a [u8],
        /// Type and permission (umask applied).
        mode: u32,
        /// Owner.
        uid: u32,
        /// Group, unless the directory is setgid.
        gid: u32,
        /// A device's number, else 0.
        rdev: u64,
        /// A symlink's target, else empty.
        target: &'a [u8],
    },
    /// New content of a file.
    SetContent {
        /// The file.
        node: u64,
        /// The blob, which must be in the store.
        digest: Digest,
        /// Its bytes.
        size: u64,
        /// The time of the last write; now, if left out.
        mtime: Option<Timestamp>,
    },
    /// chmod.
    SetMode {
        /// The node.
        node: u64,
        /// The permission bits.
        mode: u32,
    },
    /// chown.
    SetOwner {
        /// The node.
        node: u64,
        /// Owner, if it changes.
        uid: Option<u32>,
        /// Group, if it changes.
        gid: Option<u32>,
    },
    /// utimes; what is left out stays.
    SetTimes {
        /// The node.
        node: u64,
        /// Last access.
        atime: Option<Timestamp>,
        /// Last change of content.
        mtime: Option<Timestamp>,
    },
    /// setxattr.
    SetXattr {
        /// The node.
        node: u64,
        /// The attribute's name.
        name: &'a [u8],
        /// Its value; `None` removes it.
        value: Option<&'a [u8]>,
    },
    /// A further name for a node that is no directory.
    Link {
        /// The node.
        node: u64,
        /// The directory.
        parent: u64,
        /// The name in it.
        name: &'a [u8],
    },
    /// Removes a name that is no directory's.
    Unlink {
        /// The directory.
        parent: u64,
        /// The name in it.
        name: &'a [u8],
    },
    /// Removes an empty directory.
    RemoveDirectory {
        /// The directory that holds it.
        parent: u64,
        /// Its name.
        name: &'a [u8],
    },
    /// Moves a node.
    Rename {
        /// From this directory.
        from_parent: u64,
        /// Under this name.
        from: &'a [u8],
        /// To this directory.
        to_parent: u64,
        /// Under this name.
        to: &'a [u8],
        /// What happens to the one that has the new name.
        mode: RenameMode,
    },
}

/// A change that is not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The kernel would answer the same.
    #[error("{0}")]
    Errno(#[from] Errno),
    /// The tree below lies.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

impl Change<'_> {
    /// Whether the change makes the tree smaller: such a change must succeed on a full disk.
    pub fn frees(&self) -> bool {
        matches!(self, Change::Unlink { .. } | Change::RemoveDirectory { .. })
    }
}

impl Tree {
    /// Checks a change against the tree as it is, and says what is to be journalled. `None`: nothing changes. `store`
    /// holds the bytes of an attribute block, where one is needed.
    pub fn check<'a>(
        &self,
        change: &Change<'a>,
        store: &'a mut Vec<u8>,
    ) -> Result<Option<Operation<'a>>, ChangeError> {
        let operation = self.operation(change, store)?;
        match operation {
            // Times with a billion nanoseconds and the like: what could not be read back is not written.
            Some(operation) if !operation.is_sound() => Err(Errno::INVAL.into()),
            operation => Ok(operation),
        }
    }

    fn operation<'a>(
        &self,
        change: &Change<'a>,
        store: &'a mut Vec<u8>,
    ) -> Result<Option<Operation<'a>>, ChangeError> {
        let operation = match *change {
            Change::Create { .. } => return self.check_create(change).map(Some),
            Change::Rename { .. } => return self.check_rename(change),
            Change::SetContent { node, digest, size, mtime } => {
                match Kind::of_mode(self.existing(node)?.mode) {
                    Some(Kind::File) => {}
                    Some(Kind::Directory) => return Err(Errno::ISDIR.into()),
                    _ => return Err(Errno::INVAL.into()),
                }
                Operation::SetContent { node, digest: *digest.as_bytes(), size, mtime }
            }
            Change::SetMode { node, mode } => {
                if Kind::of_mode(self.existing(node)?.mode) == Some(Kind::Symlink) {
                    return Err(Errno::OPNOTSUPP.into());
                }
                Operation::SetMode { node, mode: mode & 0o7777 }
            }
            Change::SetOwner { node, uid, gid } => {
                let old = self.existing(node)?;
                Operation::SetOwner {
                    node,
                    uid: uid.unwrap_or(old.uid),
                    gid: gid.unwrap_or(old.gid),
                    mode: mode_after_chown(&old),
                }
            }
            Change::SetTimes { atime: None, mtime: None, .. } => return Ok(None),
            Change::SetTimes { node, atime, mtime } => {
                self.existing(node)?;
                if atime.iter().chain(&mtime).any(|time| time.nsec >= 1_000_000_000) {
                    return Err(Errno::INVAL.into());
                }
                let (atime, mtime) = (atime.map(Timestamp::kept), mtime.map(Timestamp::kept));
                Operation::SetTimes { node, atime, mtime }
            }
            Change::SetXattr { node, name, value } => {
                let Some(block) = self.block_with(node, name, value)? else { return Ok(None) };
                *store = block;
                Operation::SetXattrs { node, block: store }
            }
            Change::Link { node, parent, name } => {
                self.check_link(node, parent, name)?;
                Operation::Link { node, parent, name }
            }
            Change::Unlink { parent, name } => {
                let found = self.named(parent, name)?.ok_or(Errno::NOENT)?;
                if self.kind(found)? == Kind::Directory {
                    return Err(Errno::ISDIR.into());
                }
                Operation::Unlink { parent, name, node: self.number(found)? }
            }
            Change::RemoveDirectory { parent, name } => {
                let found = self.named(parent, name)?.ok_or(Errno::NOENT)?;
                if self.kind(found)? != Kind::Directory {
                    return Err(Errno::NOTDIR.into());
                }
                if !self.is_empty_directory(found)? {
                    return Err(Errno::NOTEMPTY.into());
                }
                Operation::RemoveDirectory { parent, name, node: self.number(found)? }
            }
        };
        Ok(Some(operation))
    }

    fn check_create<'a>(&self, change: &Change<'a>) -> Result<Operation<'a>, ChangeError> {
        let Change::Create { parent, name, mode, uid, gid, rdev, target } = *change else {
            return Err(Errno::INVAL.into());
        };
        let kind = Kind::of_mode(mode).ok_or(Errno::INVAL)?;
        if self.named(parent, name)?.is_some() {
            return Err(Errno::EXIST.into());
        }
        let directory = self.directory(parent)?;
        let above = self.attributes(directory)?;
        if above.nlink == 0 {
            return Err(Errno::NOENT.into());
        }
        match kind {
            Kind::Symlink if target.is_empty() => return Err(Errno::NOENT.into()),
            Kind::Symlink if target.len() >= PATH_MAX => return Err(Errno::NAMETOOLONG.into()),
            Kind::Symlink => {}
            _ if !target.is_empty() => return Err(Errno::INVAL.into()),
            _ => {}
        }
        let inherits = above.mode & 0o2000 != 0;
        let setgid = if inherits && kind == Kind::Directory { 0o2000 } else { 0 };
        let permission = if kind == Kind::Symlink { 0o777 } else { mode & 0o7777 };
        Ok(Operation::Create {
            parent,
            name,
            node: self.next_node(),
            mode: kind as u32 | permission | setgid,
            uid,
            gid: if inherits { above.gid } else { gid },
            rdev: if matches!(kind, Kind::CharDevice | Kind::BlockDevice) { rdev } else { 0 },
            target,
        })
    }

    fn check_link(&self, node: u64, parent: u64, name: &[u8]) -> Result<(), ChangeError> {
        if self.named(parent, name)?.is_some() {
            return Err(Errno::EXIST.into());
        }
        if self.attributes(self.directory(parent)?)?.nlink == 0 {
            return Err(Errno::NOENT.into());
        }
        let attributes = self.existing(node)?;
        if Kind::of_mode(attributes.mode) == Some(Kind::Directory) {
            return Err(Errno::PERM.into());
        }
        match attributes.nlink {
            0 => Err(Errno::NOENT.into()),
            LINK_MAX.. => Err(Errno::MLINK.into()),
            _ => Ok(()),
        }
    }

    fn check_rename<'a>(&self, change: &Change<'a>) -> Result<Option<Operation<'a>>, ChangeError> {
        let Change::Rename { from_parent, from, to_parent, to, mode } = *change else {
            return Err(Errno::INVAL.into());
        };
        let moved = self.named(from_parent, from)?.ok_or(Errno::NOENT)?;
        let there = self.named(to_parent, to)?;
        match (mode, there) {
            (RenameMode::NoReplace, Some(_)) => return Err(Errno::EXIST.into()),
            (RenameMode::Exchange, None) => return Err(Errno::NOENT.into()),
            _ => {}
        }
        let node = self.number(moved)?;
        let replaced = there.map(|there| self.number(there)).transpose()?;
        if self.is_at_or_above(node, to_parent)? {
            return Err(Errno::INVAL.into());
        }
        if let Some(replaced) = replaced
            && self.is_at_or_above(replaced, from_parent)?
        {
            let exchange = mode == RenameMode::Exchange;
            return Err(if exchange { Errno::INVAL } else { Errno::NOTEMPTY }.into());
        }
        if replaced == Some(node) {
            return Ok(None);
        }
        if self.attributes(self.directory(to_parent)?)?.nlink == 0 {
            return Err(Errno::NOENT.into());
        }
        if let (RenameMode::Exchange, Some(other_node)) = (mode, replaced) {
            return Ok(Some(Operation::Exchange {
                one_parent: from_parent,
                one: from,
                other_parent: to_parent,
                other: to,
                one_node: node,
                other_node,
            }));
        }
        if let Some(there) = there {
            let from_directory = self.kind(moved)? == Kind::Directory;
            let to_directory = self.kind(there)? == Kind::Directory;
            match (from_directory, to_directory) {
                (true, false) => return Err(Errno::NOTDIR.into()),
                (false, true) => return Err(Errno::ISDIR.into()),
                (true, true) if !self.is_empty_directory(there)? => {
                    return Err(Errno::NOTEMPTY.into());
                }
                _ => {}
            }
        }
        Ok(Some(Operation::Rename {
            from_parent,
            from,
            to_parent,
            to,
            node,
            replaced: replaced.unwrap_or(0),
        }))
    }

    /// Whether `node` is the directory `below`, or holds it.
    pub fn is_at_or_above(&self, node: u64, below: u64) -> Result<bool, ChangeError> {
        let mut at = below;
        // Bounded, so that a damaged tree with a loop of parents ends too.
        for _ in 0..1 << 20 {
            if at == node {
                return Ok(true);
            }
            if at == ROOT {
                return Ok(false);
            }
            let cursor = self.node(at)?.ok_or(Errno::NOENT)?;
            let parent = self.parent(cursor)?.ok_or(Errno::NOENT)?;
            at = self.number(parent)?;
        }
        Err(Damaged::new("directories hold each other in a ring", 0).into())
    }

    fn existing(&self, node: u64) -> Result<Attributes, ChangeError> {
        let cursor = self.node(node)?.ok_or(Errno::NOENT)?;
        Ok(self.attributes(cursor)?)
    }

    pub(super) fn directory(&self, node: u64) -> Result<Cursor, ChangeError> {
        let cursor = self.node(node)?.ok_or(Errno::NOENT)?;
        match self.kind(cursor)? {
            Kind::Directory => Ok(cursor),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    pub(super) fn named(&self, parent: u64, name: &[u8]) -> Result<Option<Cursor>, ChangeError> {
        let directory = self.directory(parent)?;
        if name.len() > name::NAME_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        if !name::is_valid(name) {
            return Err(Errno::INVAL.into());
        }
        Ok(self.child(directory, name)?)
    }

    /// The attributes of a node with this one; `None`: as they are.
    fn block_with(
        &self,
        node: u64,
        name: &[u8],
        value: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, ChangeError> {
        let cursor = self.node(node)?.ok_or(Errno::NOENT)?;
        if !(1..=XATTR_NAME_MAX).contains(&name.len()) {
            return Err(Errno::RANGE.into());
        }
        if value.is_some_and(|value| value.len() > XATTR_VALUE_MAX) {
            return Err(Errno::TOOBIG.into());
        }
        let mut list = self.xattrs(cursor)?;
        let place = list.binary_search_by(|(known, _)| known.as_slice().cmp(name));
        match (place, value) {
            (Ok(place), Some(value)) if list[place].1 == value => return Ok(None),
            (Ok(place), Some(value)) => list[place].1 = value.to_vec(),
            (Ok(place), None) => drop(list.remove(place)),
            (Err(place), Some(value)) => list.insert(place, (name.to_vec(), value.to_vec())),
            (Err(_), None) => return Err(Errno::NODATA.into()),
        }
        xattrs::block(&list).map(Some).ok_or_else(|| Errno::NOSPC.into())
    }
}

/// chown takes setuid away, and setgid where it means "run as" (group-executable).
fn mode_after_chown(old: &Attributes) -> u32 {
    let permission = old.mode & 0o7777;
    if Kind::of_mode(old.mode) == Some(Kind::Directory) {
        return permission;
    }
    let setgid = if permission & 0o010 != 0 { 0o2000 } else { 0 };
    permission & !(0o4000 | setgid)
}
