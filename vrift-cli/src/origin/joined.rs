//! Names of one file: written one by one, they are joined in the end.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, RenameFlags, linkat, renameat_with, unlinkat};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;

use super::apply::Work;
use super::place::look;
use super::sides::At;
use crate::error::Result;
use crate::ingest::{self, join};

impl Work<'_> {
    /// Makes the names that are one file in the workspace, and of which some were written now, one file.
    pub(super) fn join_names(&mut self) -> Result<()> {
        if self.done.is_empty() {
            return Ok(());
        }
        for names in self.names_of_files()?.into_values() {
            crate::interrupt::check()?;
            let (written, others): (Vec<_>, Vec<_>) =
                names.iter().partition(|path| self.is_done(path));
            let Some(first) = others.iter().chain(&written).next() else { continue };
            for path in written.iter().filter(|path| *path != first) {
                match self.join(first, path) {
                    Ok(()) => {}
                    // Each has the right content as it is.
                    Err(
                        Errno::NOENT | Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::ACCESS,
                    ) => {}
                    Err(errno) => self.refused(path, errno)?,
                }
            }
        }
        Ok(())
    }

    /// The paths of files with several names, some of which were written now.
    fn names_of_files(&self) -> Result<BTreeMap<u64, Vec<Vec<u8>>>> {
        let mut files: BTreeMap<u64, Vec<Vec<u8>>> = BTreeMap::new();
        let tree = self.sides.ours;
        let mut pending = vec![(At::Ours(tree.root()), Vec::new())];
        while let Some((at, path)) = pending.pop() {
            for (name, child) in self.sides.entries(at, &path)? {
                let At::Ours(cursor) = child else { continue };
                let path = join(&path, &name);
                if tree.kind(cursor)? == Kind::Directory {
                    pending.push((child, path));
                } else if tree.attributes(cursor)?.nlink > 1 {
                    files.entry(tree.number(cursor)?).or_default().push(path);
                }
            }
        }
        files.retain(|_, names| names.len() > 1 && names.iter().any(|path| self.is_done(path)));
        Ok(files)
    }

    fn is_done(&self, path: &[u8]) -> bool {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut above = slashes.filter_map(|(at, _)| path.get(..at));
        self.done.contains(path) || above.any(|above| self.done.contains(above))
    }

    /// Makes `path`, which was written now, a further name of `first`, if both are the same.
    fn join(&mut self, first: &[u8], path: &[u8]) -> Result<(), Errno> {
        let (from, from_name) = self.root.parent(first)?;
        let (to, to_name) = self.root.parent(path)?;
        let (one, other) = (look(&from, &from_name)?, look(&to, &to_name)?);
        let (known, now) = (ingest::attributes(&one), ingest::attributes(&other));
        let same = (known.mode, known.uid, known.gid, known.size, known.mtime)
            == (now.mode, now.uid, now.gid, now.size, now.mtime);
        if !same || (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino) {
            return Ok(());
        }
        if !self.is_done(first) && !self.has_content_of_ours(first) {
            return Ok(());
        }
        self.touch_above(path);
        let link = self.names.whole();
        linkat(&from, &from_name, &to, &link, AtFlags::empty())?;
        if let Err(errno) = renameat_with(&to, &link, &to, &to_name, RenameFlags::EXCHANGE) {
            let _ = unlinkat(&to, &link, AtFlags::empty());
            return Err(errno);
        }
        // What comes out is what was written a moment ago, if it is that still.
        let out = look(&to, &link)?;
        let written = ingest::attributes(&out);
        if (out.st_dev, out.st_ino) == (other.st_dev, other.st_ino) && written.mtime == now.mtime {
            return unlinkat(to.as_fd(), &link, AtFlags::empty());
        }
        self.give_back(to.as_fd(), &link, &to_name, &one, path)
    }

    /// Whether the directory had the content of the workspace at a path when it was read.
    fn has_content_of_ours(&self, path: &[u8]) -> bool {
        let at = self.find(path);
        let Ok([_, Some(ours), Some(real)]) = self.sides.all(&at) else { return false };
        !real.unknown && ours.is_same(&real)
    }
}
