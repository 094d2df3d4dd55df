//! Staging: where a file of the store is written before it has its name.
//!
//! Each open store writes into a few directories of its own below `staging/`, locked (`flock`) as long as a
//! process has it open: the kernel drops the lock when the process dies, however it dies, and the lock is
//! seen by processes in other PID namespaces, for which a process number would say nothing. What lies in an
//! unlocked directory is the leftover of a dead process.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FlockOperation, Gid, Mode, OFlags, RenameFlags, Uid, chmodat, fchmod, fchown,
    flock, fsync, futimens, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::Store;
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::layout::{BLOB_MODE, DIRECTORY_MODE};
use crate::limit::within_limit;
use crate::stamp::Stamp;

/// How often a name or a directory that was taken away is tried anew. Others would have to interfere that
/// often in a row.
const TRIES: usize = 64;

/// Directories of one open store. The kernel locks a directory while it makes or renames a file in it, which is
/// half of the time of a small put: threads that share one wait for each other.
const SHARDS: usize = 4;

/// The staging area of one open store.
#[derive(Debug)]
pub(super) struct Sessions {
    staging: Arc<OwnedFd>,
    path: PathBuf,
    current: [Mutex<Option<Arc<Session>>>; SHARDS],
    /// To whom everything is given that is made here: the store's owner, if we are root and he is not.
    /// Else root would leave directories behind that the owner cannot write to.
    owner: Option<(u32, u32)>,
}

/// A locked directory below `staging/`.
#[derive(Debug)]
pub(super) struct Session {
    staging: Arc<OwnedFd>,
    directory: OwnedFd,
    name: String,
    path: PathBuf,
    next: AtomicU64,
    owner: Option<(u32, u32)>,
    /// Whether the file system keeps a stamp as it is set, to the nanosecond.
    pub(super) exact: bool,
}

/// A file that is being written and has no name in the store yet. Dropped, it vanishes.
#[derive(Debug)]
pub struct Staged {
    session: Arc<Session>,
    name: String,
    file: File,
    published: bool,
}

impl Store {
    /// Begins a file in the staging area: for files of the store that are not blobs. It is written through
    /// [`Write`] and gets its place by [`Staged::publish`]. Should this process die, [`Store::gc`] or
    /// [`Store::clear_staging`] removes it.
    pub fn stage(&self) -> Result<Staged, StoreError> {
        self.writer("stage a file")?.sessions.stage()
    }
}

impl Sessions {
    /// To whom new files and directories are given; none if to nobody else.
    pub(super) fn owner(&self) -> Option<(u32, u32)> {
        self.owner
    }

    pub(super) fn new(staging: OwnedFd, path: PathBuf, owner: Option<(u32, u32)>) -> Sessions {
        Sessions { staging: Arc::new(staging), path, current: Default::default(), owner }
    }

    fn shard(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        let index = THREAD.with(|thread| thread % SHARDS);
        self.current[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory of this thread, made at its first use.
    pub(super) fn current(&self) -> Result<Arc<Session>, StoreError> {
        let mut current = self.shard();
        if let Some(session) = &*current {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(self.begin()?);
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Forgets `session`, whose directory somebody has removed.
    fn forget(&self, session: &Arc<Session>) {
        let mut current = self.shard();
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(now, session)) {
            *current = None;
        }
    }

    fn begin(&self) -> Result<Session, StoreError> {
        for _ in 0..TRIES {
            let name = random_name().at("find a name in", &self.path)?;
            let path = self.path.join(&name);
            match mkdirat(&self.staging, name.as_str(), Mode::from_raw_mode(DIRECTORY_MODE)) {
                Err(Errno::EXIST) => continue,
                other => other.at("create", &path)?,
            }
            // The umask may have taken the owner's own permissions.
            let mode = Mode::from_raw_mode(DIRECTORY_MODE);
            let directory =
                chmodat(&self.staging, name.as_str(), mode, AtFlags::empty()).and_then(|()| {
                    openat(&self.staging, name.as_str(), directory_flags(), Mode::empty())
                });
            let directory = match directory {
                // A cleaner was faster than our lock.
                Err(Errno::NOENT) => continue,
                other => other.at("open", &path)?,
            };
            match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => continue,
                other => other.at("lock", &path)?,
            }
            if Facts::of(&directory).at("examine", &path)?.links == 0 {
                continue;
            }
            give(&directory, self.owner).at("change the owner of", &path)?;
            let exact = keeps_stamps(&directory).at("set the times of", &path)?;
            return Ok(Session {
                staging: Arc::clone(&self.staging),
                directory,
                name,
                path,
                next: AtomicU64::new(0),
                owner: self.owner,
                exact,
            });
        }
        Err(StoreError::new("create a directory in", &self.path, Errno::AGAIN))
    }

    /// A new file, writable by us only.
    pub(super) fn stage(&self) -> Result<Staged, StoreError> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC;
        // The mode is the final one, so that a blob needs no chmod under the usual umasks.
        let mode = Mode::from_raw_mode(BLOB_MODE);
        for _ in 0..TRIES {
            let session = self.current()?;
            let name = session.next.fetch_add(1, Ordering::Relaxed).to_string();
            match openat(&session.directory, name.as_str(), flags, mode) {
                Ok(file) => {
                    return Ok(Staged { session, name, file: file.into(), published: false });
                }
                // A process that was forked off with this store open counts the same names.
                Err(Errno::EXIST) => {}
                Err(Errno::NOENT) => self.forget(&session),
                Err(errno) => {
                    return Err(StoreError::new("create", session.path.join(name), errno));
                }
            }
        }
        Err(StoreError::new("create a file in", &self.path, Errno::AGAIN))
    }

    /// Makes the directory `name` in `parent`; that it is there already is fine. It appears with its mode,
    /// whatever the umask.
    pub(super) fn make_directory(
        &self,
        parent: impl AsFd,
        name: &[u8],
        path: &Path,
    ) -> Result<(), StoreError> {
        let session = self.current()?;
        let own = format!("d{}", session.next.fetch_add(1, Ordering::Relaxed));
        let mode = Mode::from_raw_mode(DIRECTORY_MODE);
        mkdirat(&session.directory, own.as_str(), mode).at("create", session.path.join(&own))?;
        let made = chmodat(&session.directory, own.as_str(), mode, AtFlags::empty())
            .and_then(|()| match self.owner {
                Some((uid, gid)) => rustix::fs::chownat(
                    &session.directory,
                    own.as_str(),
                    Some(Uid::from_raw(uid)),
                    Some(Gid::from_raw(gid)),
                    AtFlags::SYMLINK_NOFOLLOW,
                ),
                None => Ok(()),
            })
            // Over an empty directory this would succeed as well, and that is as good.
            .and_then(|()| renameat(&session.directory, own.as_str(), &parent, name));
        match made {
            Ok(()) => Ok(()),
            Err(errno) => {
                let _ = unlinkat(&session.directory, own.as_str(), AtFlags::REMOVEDIR);
                match errno {
                    Errno::EXIST | Errno::NOTEMPTY => Ok(()),
                    _ => Err(StoreError::new("create", path, errno)),
                }
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Not empty if a forked process works in it, or something could not be removed: a cleaner's work.
        let _ = unlinkat(&self.staging, self.name.as_str(), AtFlags::REMOVEDIR);
    }
}

impl Staged {
    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the file is now: for messages.
    pub fn path(&self) -> PathBuf {
        self.session.path.join(&self.name)
    }

    /// Moves the file to `to`, which must be on the store's file system, over whatever is there. With
    /// `durable`, file and name are on the disk when this returns.
    pub fn publish(mut self, to: &Path, mode: u32, durable: bool) -> Result<(), StoreError> {
        self.set_owner_and_mode(mode)?;
        if durable {
            fsync(&self.file).at("sync", self.path())?;
        }
        renameat(&self.session.directory, self.name.as_str(), CWD, to)
            .at("rename a file to", to)?;
        self.published = true;
        if durable {
            sync_directory_of(to)?;
        }
        Ok(())
    }

    /// As [`Staged::publish`], durable, but what is there stays there.
    pub(super) fn publish_new(mut self, to: &Path, mode: u32) -> Result<(), StoreError> {
        self.set_owner_and_mode(mode)?;
        fsync(&self.file).at("sync", self.path())?;
        match self.name_new(CWD, to.as_os_str().as_bytes()) {
            Ok(()) | Err(Errno::EXIST) => sync_directory_of(to),
            Err(errno) => Err(StoreError::new("create", to, errno)),
        }
    }

    /// Gives a complete blob its owner, mode and stamp: everything but its name.
    pub(super) fn seal(&self, stamp: Stamp) -> Result<(), StoreError> {
        self.set_owner_and_mode(BLOB_MODE)?;
        futimens(&self.file, &stamp.times()).at("set the times of", self.path())
    }

    /// Gives the file its name in `directory`, if there is none of that name.
    pub(super) fn name_new(&mut self, directory: impl AsFd, name: &[u8]) -> Result<(), Errno> {
        let flags = RenameFlags::NOREPLACE;
        match renameat_with(&self.session.directory, self.name.as_str(), &directory, name, flags) {
            // A file system that cannot: then it replaces, with the same bytes.
            Err(Errno::INVAL | Errno::NOSYS) => self.name_over(directory, name),
            other => other.map(|()| self.published = true),
        }
    }

    /// Gives the file its name in `directory`, over whatever is there.
    pub(super) fn name_over(&mut self, directory: impl AsFd, name: &[u8]) -> Result<(), Errno> {
        renameat(&self.session.directory, self.name.as_str(), &directory, name)?;
        self.published = true;
        Ok(())
    }

    fn set_owner_and_mode(&self, mode: u32) -> Result<(), StoreError> {
        give(&self.file, self.session.owner).at("change the owner of", self.path())?;
        // The umask, or an access control list, may have taken permissions.
        if Facts::of(&self.file).at("examine", self.path())?.mode != mode {
            fchmod(&self.file, Mode::from_raw_mode(mode)).at("set the mode of", self.path())?;
        }
        Ok(())
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        within_limit(self.file.stream_position()?.saturating_add(bytes.len() as u64))?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            let _ = unlinkat(&self.session.directory, self.name.as_str(), AtFlags::empty());
        }
    }
}

/// Brings the names in the directory of `path` to the disk.
pub(super) fn sync_directory_of(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = openat(CWD, parent.as_os_str().as_bytes(), directory_flags(), Mode::empty())
        .at("open", parent)?;
    fsync(&directory).at("sync", parent)
}

/// How directories are opened.
pub(super) fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// 16 hex digits that nobody else has.
pub(super) fn random_name() -> Result<String, Errno> {
    random_hex::<8>()
}

/// `N` random bytes, as hex digits.
pub(super) fn random_hex<const N: usize>() -> Result<String, Errno> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let rest = bytes.get_mut(filled..).unwrap_or_default();
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Gives a file to the store's owner, if we are not he.
pub(super) fn give(file: impl AsFd, owner: Option<(u32, u32)>) -> Result<(), Errno> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
}

/// Whether a stamp set on a file is read back as it was set. Where it is not (no nanoseconds, seconds in pairs)
/// a stamp says nothing about order in time, and is not trusted to.
fn keeps_stamps(file: impl AsFd) -> Result<bool, Errno> {
    let probe = Stamp { boot: 7, tick: 123_456_789 };
    futimens(&file, &probe.times())?;
    Ok(Facts::of(&file)?.stamp == Some(probe))
}
