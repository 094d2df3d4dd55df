//! The directories above a mount path that are not on the disk, as a small tree of their own: one in the other, down to
//! where the workspace's tree begins.
//!
//! It is a tree as any other, so that whoever looks at a node need not know which of the two it is of. Nothing in it
//! changes, and its numbers are beyond all that a workspace gives: a placeholder says by them which directory it is.

use rustix::fs::{MemfdFlags, Stat};
use rustix::io::Errno;

use super::{Session, SessionError};
use crate::attributes::{Attributes, Content, Kind};
use crate::handover::Handover;
use crate::image::{BuildError, Builder, Image, NodeSpec};
use crate::index::Index;
use crate::shm::Mapping;
use crate::time::Timestamp;
use crate::tree::{ROOT, Tree};

/// The number of the directory whose path is the mount path's first `length` bytes is this and the length. A placeholder
/// keeps it as a time, and no file system keeps much later ones.
pub const FIRST: u64 = 15_000_000_000;

/// How many bytes of the mount path lead to a directory with this number; `None`: it is a node of a workspace.
#[inline]
pub fn length_of(node: u64) -> Option<usize> {
    node.checked_sub(FIRST).and_then(|length| usize::try_from(length).ok())
}

/// The number of the directory whose path is so long.
pub fn number(length: usize) -> u64 {
    FIRST + length as u64
}

impl Session {
    /// A session whose tree are the directories of `mount` from the one whose path is its first `from` bytes. They belong
    /// to root, and have the times of `below`, which is what the first of them lies in.
    pub fn above(
        handover: &Handover,
        mount: &[u8],
        from: usize,
        below: &Stat,
    ) -> Result<Session, SessionError> {
        let session = Session::attach(handover)?;
        let image = directories(mount, from, below).map_err(|_| Errno::IO)?;
        let file = rustix::fs::memfd_create(c"vrift", MemfdFlags::CLOEXEC)?;
        let mut left = &image[..];
        while !left.is_empty() {
            let written = rustix::io::write(&file, left)?;
            left = left.get(written..).unwrap_or_default();
        }
        let image = Image::open(Mapping::of(&file)?).map_err(|_| Errno::IO)?;
        let index = Index::private().map_err(|_| Errno::NOMEM)?;
        Ok(Session { tree: Tree::new(image.into(), index), ..session })
    }
}

/// Their image.
fn directories(mount: &[u8], from: usize, below: &Stat) -> Result<Vec<u8>, BuildError> {
    #[allow(clippy::unnecessary_cast, reason = "the types of these fields differ between machines")]
    let time = |sec, nsec| Timestamp { sec: sec as i64, nsec: nsec as u32 };
    let attributes = Attributes {
        mode: Kind::Directory as u32 | 0o755,
        uid: 0,
        gid: 0,
        nlink: 0,
        size: 4096,
        atime: time(below.st_atime, below.st_atime_nsec),
        mtime: time(below.st_mtime, below.st_mtime_nsec),
        ctime: time(below.st_ctime, below.st_ctime_nsec),
        rdev: 0,
    };
    let node = |node| NodeSpec { node, attributes, content: Content::None, xattrs: &[] };
    let mut builder = Builder::new(node(number(from)))?;
    let (mut at, mut length) = (builder.root(), from);
    for name in mount.get(from..).unwrap_or_default().split(|&byte| byte == b'/') {
        if name.is_empty() {
            continue;
        }
        length += 1 + name.len();
        // The last one stands for the tree itself, and nobody walks to it.
        let which = if length == mount.len() { ROOT } else { number(length) };
        at = builder.add(at, name, node(which))?;
    }
    let mut image = Vec::new();
    builder.finish(number(mount.len() + 1), &mut image)?;
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_lie_in_each_other_down_to_the_tree() {
        let below = rustix::fs::stat("/").expect("there is a root");
        let image = directories(b"/real/no/where/tree", 8, &below).expect("they can be built");
        let image = Image::open(image).expect("it is an image");
        let mut names = Vec::new();
        let mut at = 0;
        while let Ok(children) = image.children(at) {
            let Some(next) = children.clone().next() else { break };
            assert_eq!(children.len(), 1);
            names
                .push((image.name(next).expect("it has a name").to_vec(), image.node_number(next)));
            at = next;
        }
        let numbers: Vec<_> = names.iter().map(|(_, number)| number.as_ref().ok()).collect();
        assert_eq!(numbers, [Some(&number(14)), Some(&ROOT)]);
        assert_eq!(
            names.iter().map(|(name, _)| &name[..]).collect::<Vec<_>>(),
            [&b"where"[..], b"tree"]
        );
        assert_eq!(image.node_number(0).ok(), Some(number(8)));
        assert_eq!(
            image.attributes(0).map(|seen| (seen.mode, seen.nlink)).ok(),
            Some((0o040755, 3))
        );
    }

    #[test]
    fn numbers_say_how_long_the_path_is() {
        assert_eq!(length_of(number(8)), Some(8));
        assert_eq!(length_of(ROOT), None);
    }
}
