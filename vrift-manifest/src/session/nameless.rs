//! Files without a name (O_TMPFILE): an inode in the drafts' directory that has no name there either, as the kernel makes
//! it, with the owner and the mode that it was asked for. It is no node, until it is given a name: then the inode becomes
//! the draft of a new one, and what is written to it is written to that.

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, fchmod, fstat, linkat, open};
use rustix::io::{Errno, retry_on_intr};
use vrift_cas::{make_directory, with_path};

use super::draft::{Decimal, draft_now, mode_of};
use super::rights::draft_mode;
use super::{Session, SessionError, Who};
use crate::attributes::Kind;
use crate::tree::Change;

impl Session {
    /// A file without a name, open with `flags`.
    pub fn make_nameless(&self, mode: u32, flags: OFlags) -> Result<OwnedFd, SessionError> {
        let flags = flags | OFlags::TMPFILE;
        let mode = Mode::from_raw_mode(mode & 0o7777);
        let make = || with_path(&[&self.drafts], |path| retry_on_intr(|| open(path, flags, mode)));
        match make() {
            Err(Errno::NOENT) => {
                with_path(&[&self.drafts], |path| make_directory(path, self.give))?;
                Ok(make()?)
            }
            other => Ok(other?),
        }
    }

    /// Whether this is the path by which the kernel knows such a file.
    pub fn is_nameless(&self, path: &[u8]) -> bool {
        path.strip_prefix(&*self.drafts).is_some_and(|name| name.first() == Some(&b'#'))
    }

    /// The node whose draft is the inode with this number: for a file that was given a name after it was opened, so that
    /// the kernel does not know it by that. Its directory is read through.
    pub fn node_of_inode(&self, inode: u64) -> Option<u64> {
        const ROOM: usize = 8 << 10;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = with_path(&[&self.drafts], |path| open(path, flags, Mode::empty())).ok()?;
        let mut buffer = Vec::with_capacity(ROOM);
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.ok()?;
            if entry.ino() == inode {
                let path = [&*self.drafts, entry.file_name().to_bytes()].concat();
                return self.node_of_draft(&path).map(|(node, _)| node);
            }
        }
        None
    }

    /// Gives such a file a name in the tree: the number of the node that it is from now on. `by_itself`: the caller named it
    /// by its descriptor alone, for which the kernel asks more than for a path of it.
    pub fn name_nameless(
        &self,
        who: &Who<'_>,
        file: BorrowedFd<'_>,
        by_itself: bool,
        (parent, name): (u64, &[u8]),
    ) -> Result<u64, SessionError> {
        let stat = fstat(file)?;
        let mode = Kind::File as u32 | mode_of(&stat);
        let (uid, gid) = (stat.st_uid, stat.st_gid);
        let change = Change::Create { parent, name, mode, uid, gid, rdev: 0, target: b"" };
        self.check_early(&change)?;
        let author = who.before();
        let (guess, draft) = (self.tree.next_node(), draft_now());
        self.with_draft(guess, draft, |path| {
            if by_itself {
                return linkat(file, c"", CWD, path, AtFlags::EMPTY_PATH);
            }
            let number = Decimal::of(file.as_fd().as_raw_fd().unsigned_abs().into());
            with_path(&[b"/proc/self/fd/", number.bytes()], |link| {
                linkat(CWD, link, CWD, path, AtFlags::SYMLINK_FOLLOW)
            })
        })?;
        let marked = fchmod(file, Mode::from_raw_mode(draft_mode(mode)));
        let named = match marked {
            Ok(()) => self.record_new(who, author.as_ref(), &change, (guess, draft)),
            Err(errno) => {
                let _ = self.remove_draft(guess, draft);
                Err(errno.into())
            }
        };
        if named.is_err() {
            // As it was: it may be given another name.
            let _ = fchmod(file, Mode::from_raw_mode(mode_of(&stat)));
        }
        named
    }
}
