//! An open directory on the way down, held by the tasks for what is in it.
//!
//! A very deep tree would need more descriptors than a process may have. Past a bound, a directory keeps no
//! descriptor of its own and is opened again from its nearest open ancestor when its turn comes.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

const FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How many directories may keep their descriptor at a time.
#[derive(Debug)]
pub struct Budget {
    held: AtomicUsize,
    most: usize,
}

impl Budget {
    /// Leaves half of what the process may open to everybody else.
    pub fn of_process() -> Arc<Budget> {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Budget::new(limit / 2)
    }

    /// A bound of `most`.
    pub fn new(most: usize) -> Arc<Budget> {
        Arc::new(Budget { held: AtomicUsize::new(0), most })
    }

    fn take(&self) -> bool {
        let taken = self.held.fetch_add(1, Ordering::Relaxed) < self.most;
        if !taken {
            self.give_back();
        }
        taken
    }

    fn give_back(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A directory of the tree that is being gone through.
#[derive(Debug)]
pub struct Directory {
    above: Option<(Arc<Directory>, CString)>,
    held: Option<OwnedFd>,
    /// Whether the descriptor is part of the budget. One that is not lives for the time of its listing only.
    counted: bool,
    budget: Arc<Budget>,
    identity: (u64, u64),
}

/// A descriptor of a directory: the one that it holds, or one for the moment.
pub enum Handle<'d> {
    /// The directory's own.
    Held(BorrowedFd<'d>),
    /// Closed after use.
    Own(OwnedFd),
}

impl AsFd for Handle<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Handle::Held(fd) => *fd,
            Handle::Own(fd) => fd.as_fd(),
        }
    }
}

impl Directory {
    /// The directory that the walk begins at. It is always held.
    pub fn root(fd: OwnedFd, identity: (u64, u64), budget: Arc<Budget>) -> Directory {
        budget.held.fetch_add(1, Ordering::Relaxed);
        Directory { above: None, held: Some(fd), counted: true, budget, identity }
    }

    /// Opens a directory below `above`, which has to be the one of `identity` (device and inode): one that took its
    /// place meanwhile is ENOENT, as the one that was seen is gone.
    pub fn below(
        above: Arc<Directory>,
        name: CString,
        identity: (u64, u64),
    ) -> Result<Directory, (Errno, Arc<Directory>, CString)> {
        let opened = above.handle().and_then(|handle| {
            let fd = openat(handle, &name, FLAGS, Mode::empty())?;
            check(&fd, identity)?;
            Ok(fd)
        });
        let budget = Arc::clone(&above.budget);
        match opened {
            Ok(fd) => {
                let above = Some((above, name));
                Ok(Directory { above, held: Some(fd), counted: false, budget, identity })
            }
            Err(errno) => Err((errno, above, name)),
        }
    }

    /// Makes it one that tasks can hold. It keeps its descriptor if there is room for that.
    pub fn share(mut self) -> Arc<Directory> {
        if !self.counted {
            self.counted = self.budget.take();
            if !self.counted {
                self.held = None;
            }
        }
        Arc::new(self)
    }

    /// A descriptor to work relative to.
    pub fn handle(&self) -> Result<Handle<'_>, Errno> {
        if let Some(fd) = &self.held {
            return Ok(Handle::Held(fd.as_fd()));
        }
        // The names from here up to the nearest directory that holds its descriptor; the root always does.
        let (mut way, mut place) = (Vec::new(), self);
        let mut fd = loop {
            match (&place.held, &place.above) {
                (Some(held), _) => break rustix::io::fcntl_dupfd_cloexec(held, 0)?,
                (None, Some((above, name))) => {
                    way.push((name, place.identity));
                    place = above;
                }
                (None, None) => return Err(Errno::BADF),
            }
        };
        for (name, identity) in way.into_iter().rev() {
            fd = openat(&fd, name, FLAGS, Mode::empty())?;
            check(&fd, identity)?;
        }
        Ok(Handle::Own(fd))
    }

    /// The path relative to the root, without a slash at either end; empty for the root.
    pub fn path(&self) -> Vec<u8> {
        let (mut names, mut place) = (Vec::new(), self);
        while let Some((above, name)) = &place.above {
            names.push(name.as_bytes());
            place = above;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// Device and inode number.
    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.counted {
            self.budget.give_back();
        }
        // A chain of thousands of directories would be dropped by recursion; take it apart here instead.
        let mut above = self.above.take();
        while let Some((directory, _)) = above {
            match Arc::try_unwrap(directory) {
                Ok(mut last) => above = last.above.take(),
                Err(_) => break,
            }
        }
    }
}

fn check(fd: &OwnedFd, identity: (u64, u64)) -> Result<(), Errno> {
    let stat = rustix::fs::fstat(fd)?;
    if (stat.st_dev, stat.st_ino) == identity { Ok(()) } else { Err(Errno::NOENT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_far_deeper_than_the_budget_is_opened_and_dropped() {
        let temporary = tempfile::tempdir().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let root = rustix::fs::open(temporary.path(), flags, Mode::empty()).unwrap();
        let identity = |fd: &dyn AsFd| {
            let stat = rustix::fs::fstat(fd.as_fd()).unwrap();
            (stat.st_dev, stat.st_ino)
        };
        let first = identity(&root);
        let mut place = Arc::new(Directory::root(root, first, Budget::new(3)));
        let mut all = vec![Arc::clone(&place)];
        for depth in 0..300 {
            rustix::fs::mkdirat(place.handle().unwrap(), "d", Mode::RWXU).unwrap();
            let below = openat(place.handle().unwrap(), "d", flags, Mode::empty()).unwrap();
            let name = CString::from(c"d");
            let opened = Directory::below(Arc::clone(&place), name, identity(&below));
            place = opened.unwrap().share();
            assert_eq!(identity(&place.handle().unwrap()), identity(&below), "{depth}");
            all.push(Arc::clone(&place));
        }
        assert!(all.iter().filter(|directory| directory.held.is_some()).count() <= 3);
        assert_eq!(place.path().len(), 300 * 2 - 1);
        let budget = Arc::clone(&place.budget);
        drop((all, place));
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_directory_that_took_anothers_place_is_not_opened() {
        let temporary = tempfile::tempdir().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let root = rustix::fs::open(temporary.path(), flags, Mode::empty()).unwrap();
        rustix::fs::mkdirat(&root, "d", Mode::RWXU).unwrap();
        let root = Arc::new(Directory::root(root, (0, 0), Budget::new(9)));
        let opened = Directory::below(root, c"d".into(), (1, 1));
        assert_eq!(opened.err().map(|(errno, ..)| errno), Some(Errno::NOENT));
    }
}
