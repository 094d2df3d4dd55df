//! Listing one directory: the work of one thread of a scan, and what it has found so far.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, RawDir, Stat, readlinkat, statat};
use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::name::is_valid;
use vrift_manifest::time::Timestamp;

use super::problem::{Problem, What};
use super::read::Stamp;
use super::scan::Plan;
use super::stat_cache::{Shape, is_racy};
use super::tree::{Entry, Found};
use super::xattrs;
use crate::origin::is_temporary;
use crate::walk::Directory;

/// Which entry of which thread.
#[derive(Debug, Clone, Copy)]
pub struct Id {
    pub worker: u16,
    pub place: u32,
}

/// A piece of work.
pub enum Task {
    /// A directory is to be listed.
    List { above: Arc<Directory>, name: CString, id: Id, identity: (u64, u64) },
    /// Files of a directory are to be read.
    Read { directory: Arc<Directory>, files: Vec<Wanted> },
}

/// A file that is to be read.
pub struct Wanted {
    pub id: Id,
    pub name: CString,
    pub seen: Stamp,
    pub noatime: bool,
}

/// What became of an entry after it was listed.
pub enum Change {
    /// A file was read.
    Read { attributes: Box<Attributes>, found: Found, racy: bool, xattrs: u32 },
    /// A directory could not be listed.
    Unread,
    /// It was removed.
    Gone,
}

/// How many files are read in one go.
const BATCH: usize = 32;

/// What one thread has found.
#[derive(Default)]
pub struct Finds {
    pub worker: u16,
    pub entries: Vec<Entry>,
    pub bytes: Vec<u8>,
    pub problems: Vec<Problem>,
    /// What a killed `vrift apply` has left there: no part of the tree.
    pub temporaries: Vec<Vec<u8>>,
    /// What became of entries, of any thread's, after they were listed.
    pub changes: Vec<(Id, Change)>,
    /// Which directory was listed here, where its entries begin, and how many there are.
    pub listings: Vec<(Id, u32, u32)>,
    pub shape: Shape,
    /// Whether anything was not as the cache knew it.
    pub changed: bool,
    pub files_read: u64,
    pub new_contents: u64,
    pub new_bytes: u64,
    list: Vec<u8>,
    raw: Vec<MaybeUninit<u8>>,
}

impl Finds {
    /// Nothing yet.
    pub fn new(worker: u16) -> Finds {
        let raw = vec![MaybeUninit::uninit(); 1 << 15];
        Finds { worker, raw, ..Finds::default() }
    }

    /// Notes an entry.
    pub fn add(&mut self, name: &[u8], stat: &Stat, found: Found, racy: bool) -> Id {
        let place = self.entries.len() as u32;
        let name_at = self.bytes.len() as u64;
        self.bytes.extend_from_slice(name);
        self.entries.push(Entry {
            attributes: attributes(stat),
            found,
            dev: stat.st_dev,
            ino: stat.st_ino,
            parent: 0,
            link: None,
            racy,
            name_at,
            target_at: 0,
            target_length: 0,
            xattrs: 0,
            first_child: 0,
            children: 0,
            name_length: name.len() as u16,
            gone: false,
            worker: self.worker,
        });
        Id { worker: self.worker, place }
    }

    /// Notes what could not be read.
    pub fn problem(&mut self, path: Vec<u8>, what: What) {
        self.changed = true;
        self.problems.push(Problem { path, what });
    }

    /// Notes what became of an entry.
    pub fn outcome(&mut self, id: Id, change: Change) {
        self.changed = true;
        self.changes.push((id, change));
    }

    /// Notes the directory that the scan begins at.
    pub fn add_root(&mut self, plan: &Plan<'_>, root: impl AsFd, stat: &Stat) -> Id {
        let now_of_root = attributes(stat);
        let known = plan.cache.get(stat.st_dev, stat.st_ino, &now_of_root);
        self.changed |= known.is_none();
        let racy = known.is_none() && is_racy(now_of_root.mtime, now_of_root.ctime, now());
        let id = self.add(b"", stat, Found::Nothing, racy);
        self.shape.add(stat.st_ino, b"", stat.st_dev, stat.st_ino);
        if known.is_none_or(|known| known.has_xattrs) {
            match xattrs::of_file(root, &mut self.list) {
                Ok(found) => self.entries[0].xattrs = plan.keep_xattrs(found),
                Err(errno) => self.problem(Vec::new(), What::Xattrs(errno)),
            }
        }
        id
    }

    /// Lists a directory. Gives the work that is left to do in it, what is to be done first last.
    pub fn list(&mut self, plan: &Plan<'_>, directory: Directory, id: Id) -> Vec<Task> {
        let mut raw = std::mem::take(&mut self.raw);
        let listed = self.read_entries(plan, &directory, id, &mut raw);
        self.raw = raw;
        match listed {
            Ok(Listed { wanted, below }) => {
                if wanted.is_empty() && below.is_empty() {
                    return Vec::new();
                }
                let directory = directory.share();
                let mut tasks = Vec::with_capacity(below.len() + wanted.len() / BATCH + 1);
                tasks.extend(below.into_iter().map(|(name, id, identity)| Task::List {
                    above: Arc::clone(&directory),
                    name,
                    id,
                    identity,
                }));
                let mut wanted = wanted.into_iter().peekable();
                while wanted.peek().is_some() {
                    let files = wanted.by_ref().take(BATCH).collect();
                    tasks.push(Task::Read { directory: Arc::clone(&directory), files });
                }
                tasks
            }
            Err(errno) => {
                self.problem(directory.path(), What::Unlistable(errno));
                self.outcome(id, Change::Unread);
                Vec::new()
            }
        }
    }

    fn read_entries(
        &mut self,
        plan: &Plan<'_>,
        directory: &Directory,
        id: Id,
        raw: &mut [MaybeUninit<u8>],
    ) -> Result<Listed, Errno> {
        let moment = now();
        let handle = directory.handle()?;
        let handle = handle.as_fd();
        let start = (self.entries.len(), self.bytes.len(), self.shape);
        let mut path = if plan.exclude.needs_path() { directory.path() } else { Vec::new() };
        let mut listed = Listed::default();
        let mut entries = RawDir::new(handle, raw);
        while let Some(entry) = entries.next() {
            let done = match entry {
                Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => Ok(()),
                Ok(entry) => {
                    let place = Place { directory, handle, path: &mut path, moment };
                    self.look_at(plan, place, entry.file_name(), &mut listed)
                }
                Err(errno) => Err(errno),
            };
            if let Err(errno) = done {
                // Half a listing would look like deletions.
                self.entries.truncate(start.0);
                self.bytes.truncate(start.1);
                self.shape = start.2;
                return Err(errno);
            }
        }
        self.listings.push((id, start.0 as u32, (self.entries.len() - start.0) as u32));
        Ok(listed)
    }

    fn look_at(
        &mut self,
        plan: &Plan<'_>,
        place: Place<'_>,
        name: &CStr,
        listed: &mut Listed,
    ) -> Result<(), Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let stat = match statat(place.handle, name, flags) {
            Ok(stat) => stat,
            // Removed since the directory was read.
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let identity = (stat.st_dev, stat.st_ino);
        let bytes = name.to_bytes();
        let kind = Kind::of_mode(stat.st_mode);
        let is_directory = kind == Some(Kind::Directory);
        if is_temporary(bytes) {
            self.temporaries.push(place.path_of(bytes));
            return Ok(());
        }
        if !plan.exclude.is_empty() && place.is_excluded(plan, bytes, is_directory) {
            return Ok(());
        }
        if is_directory && plan.skip.contains(&identity) {
            return Ok(());
        }
        if !is_valid(bytes) || kind.is_none() {
            self.problem(place.path_of(bytes), What::Unreadable(Errno::NAMETOOLONG));
            return Ok(());
        }
        self.shape.add(place.directory.identity().1, bytes, stat.st_dev, stat.st_ino);
        let now = attributes(&stat);
        let known = plan.cache.get(stat.st_dev, stat.st_ino, &now);
        self.changed |= known.is_none();
        let racy = known.is_none() && is_racy(now.mtime, now.ctime, place.moment);
        let look_for_xattrs = known.is_none_or(|known| known.has_xattrs);
        match kind {
            Some(Kind::Directory) => {
                let id = self.add(bytes, &stat, Found::Nothing, racy);
                if look_for_xattrs {
                    self.read_xattrs(plan, &place, id, bytes);
                }
                listed.below.push((name.to_owned(), id, identity));
            }
            Some(Kind::File) => {
                let found = known.map_or(Found::Unread, |known| Found::Blob(known.digest));
                let id = self.add(bytes, &stat, found, racy);
                if known.is_some() {
                    plan.counters.file(now.size);
                    if look_for_xattrs {
                        self.read_xattrs(plan, &place, id, bytes);
                    }
                } else if stat.st_nlink < 2 || plan.claim(identity) {
                    let noatime = plan.euid == 0 || stat.st_uid == plan.euid;
                    let seen = Stamp::of(&stat);
                    listed.wanted.push(Wanted { id, name: name.to_owned(), seen, noatime });
                }
            }
            Some(Kind::Symlink) => {
                let target = match readlinkat(place.handle, name, Vec::new()) {
                    Ok(target) => target,
                    Err(Errno::NOENT | Errno::INVAL) => return Ok(()),
                    Err(errno) => return Err(errno),
                };
                let id = self.add(bytes, &stat, Found::Target, racy);
                let target_at = self.bytes.len() as u64;
                self.bytes.extend_from_slice(target.to_bytes());
                if let Some(entry) = self.entries.get_mut(id.place as usize) {
                    entry.target_at = target_at;
                    entry.target_length = target.to_bytes().len() as u32;
                    entry.attributes.size = target.to_bytes().len() as u64;
                }
                if look_for_xattrs {
                    self.read_xattrs(plan, &place, id, bytes);
                }
            }
            _ => {
                let id = self.add(bytes, &stat, Found::Nothing, racy);
                if look_for_xattrs {
                    self.read_xattrs(plan, &place, id, bytes);
                }
            }
        }
        Ok(())
    }

    fn read_xattrs(&mut self, plan: &Plan<'_>, place: &Place<'_>, id: Id, name: &[u8]) {
        let mut list = std::mem::take(&mut self.list);
        match xattrs::of_entry(place.handle, name, &mut list) {
            Ok(found) => {
                let kept = plan.keep_xattrs(found);
                if let Some(entry) = self.entries.get_mut(id.place as usize) {
                    entry.xattrs = kept;
                }
            }
            Err(Errno::NOENT) => {}
            Err(errno) => self.problem(place.path_of(name), What::Xattrs(errno)),
        }
        self.list = list;
    }
}

/// What is left to do in a directory that was listed.
#[derive(Default)]
struct Listed {
    wanted: Vec<Wanted>,
    below: Vec<(CString, Id, (u64, u64))>,
}

/// The directory that is being listed.
struct Place<'l> {
    directory: &'l Directory,
    handle: BorrowedFd<'l>,
    /// Its path, if globs need it; for reuse.
    path: &'l mut Vec<u8>,
    moment: Timestamp,
}

impl Place<'_> {
    fn is_excluded(&self, plan: &Plan<'_>, name: &[u8], is_directory: bool) -> bool {
        if !plan.exclude.needs_path() {
            return plan.exclude.matches(name, b"", is_directory);
        }
        plan.exclude.matches(name, &join(self.path, name), is_directory)
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        join(&self.directory.path(), name)
    }
}

/// The path of `name` in the directory with the path `directory`.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    if !directory.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// What `stat` said, as a tree keeps it.
pub fn attributes(stat: &Stat) -> Attributes {
    let time = |sec: i64, nsec: u64| Timestamp { sec, nsec: nsec.min(999_999_999) as u32 };
    let is_directory = Kind::of_mode(stat.st_mode) == Some(Kind::Directory);
    Attributes {
        mode: stat.st_mode,
        uid: stat.st_uid,
        gid: stat.st_gid,
        nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        size: if is_directory { 4096 } else { u64::try_from(stat.st_size).unwrap_or(0) },
        atime: time(stat.st_atime, stat.st_atime_nsec),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
        rdev: stat.st_rdev,
    }
}

/// The time by the clock that file systems stamp with.
pub fn now() -> Timestamp {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    Timestamp { sec: now.tv_sec, nsec: now.tv_nsec as u32 }
}
