//! Reading a whole directory with several threads.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::content::Contents;
use super::exclude::Exclude;
use super::list::{Change, Finds, Task, Wanted, attributes, join};
use super::merge::merge;
use super::problem::What;
use super::read::{Outcome, Reader};
use super::stat_cache::{Shape, StatCache};
use super::tree::{Found, Tree, Xattr};
use crate::output::names;
use crate::output::progress::Counters;
use crate::walk::{Budget, Directory, Queue};

/// How a directory is to be read.
#[derive(Debug, Default)]
pub struct Options {
    /// What is left out.
    pub exclude: Exclude,
    /// Directories to leave out by device and inode: the store itself.
    pub skip: Vec<(u64, u64)>,
    /// How many threads; as many as there are processors, but at least two, if not said.
    pub threads: Option<usize>,
}

/// Why a directory could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E: std::error::Error + 'static> {
    /// It cannot be opened.
    #[error("cannot open the directory '{}'", names::path(.0))]
    Open(PathBuf, #[source] io::Error),
    /// A content could not be stored.
    #[error(transparent)]
    Store(E),
}

/// What all threads share.
pub struct Plan<'p> {
    pub exclude: &'p Exclude,
    pub skip: &'p [(u64, u64)],
    pub cache: &'p StatCache,
    pub counters: &'p Counters,
    pub euid: u32,
    claimed: Mutex<HashSet<(u64, u64)>>,
    xattrs: Mutex<Vec<Vec<Xattr>>>,
}

impl Plan<'_> {
    /// Whether the caller is the first to ask for this inode: a file with several names is read once.
    pub fn claim(&self, inode: (u64, u64)) -> bool {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).insert(inode)
    }

    /// Keeps extended attributes; gives what an entry refers to them by.
    pub fn keep_xattrs(&self, found: Vec<Xattr>) -> u32 {
        if found.is_empty() {
            return 0;
        }
        let mut kept = self.xattrs.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(found);
        kept.len() as u32
    }
}

/// A directory that was read.
#[derive(Default)]
pub struct Scan {
    finds: Vec<Finds>,
    xattrs: Vec<Vec<Xattr>>,
    unchanged: bool,
    files_read: u64,
    new_contents: u64,
    new_bytes: u64,
}

/// Reads `directory` and puts what the cache does not know into `contents`. Entries that cannot be read are no error:
/// the tree lists them as problems.
pub fn scan<C: Contents>(
    directory: &Path,
    options: &Options,
    cache: &StatCache,
    contents: &C,
    counters: &Counters,
) -> Result<Scan, ScanError<C::Error>> {
    let opening = |errno: Errno| ScanError::Open(directory.to_path_buf(), errno.into());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(directory, flags, Mode::empty()).map_err(opening)?;
    let stat = rustix::fs::fstat(&root).map_err(opening)?;
    let plan = Plan {
        exclude: &options.exclude,
        skip: &options.skip,
        cache,
        counters,
        euid: rustix::process::geteuid().as_raw(),
        claimed: Mutex::default(),
        xattrs: Mutex::default(),
    };
    let mut first = Finds::new(0);
    let id = first.add_root(&plan, &root, &stat);
    let root = Directory::root(root, (stat.st_dev, stat.st_ino), Budget::of_process());
    let queue = Queue::new(first.list(&plan, root, id));

    let others = if queue.is_empty() { 0 } else { crate::walk::threads(options.threads) - 1 };
    let failed = Mutex::new(None);
    let (plan_of_all, queue_of_all, failed_of_all) = (&plan, &queue, &failed);
    let work = move |finds: Finds| {
        let reader = Reader::new(contents);
        let mut worker = Worker { plan: plan_of_all, queue: queue_of_all, finds, reader };
        queue_of_all.work(|task| {
            if let Err(error) = worker.run(task) {
                *failed_of_all.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                queue_of_all.stop();
            }
        });
        worker.finds
    };
    let finds = std::thread::scope(|scope| {
        let spawn = |number| scope.spawn(move || work(Finds::new(number)));
        let others: Vec<_> = (1..=others as u16).map(spawn).collect();
        let mut finds = vec![work(first)];
        finds.extend(others.into_iter().filter_map(|thread| thread.join().ok()));
        finds
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(ScanError::Store(error));
    }
    let mut scan = Scan::default();
    let (mut changed, mut shape) = (false, Shape::default());
    for finds in &finds {
        changed |= finds.changed;
        shape.join(finds.shape);
        scan.files_read += finds.files_read;
        scan.new_contents += finds.new_contents;
        scan.new_bytes += finds.new_bytes;
    }
    scan.unchanged = !changed && shape == cache.shape();
    scan.xattrs = plan.xattrs.into_inner().unwrap_or_else(PoisonError::into_inner);
    scan.finds = finds;
    Ok(scan)
}

/// One thread of a scan.
struct Worker<'w, 'p, C> {
    plan: &'w Plan<'p>,
    queue: &'w Queue<Task>,
    finds: Finds,
    reader: Reader<'w, C>,
}

impl<C: Contents> Worker<'_, '_, C> {
    fn run(&mut self, task: Task) -> Result<(), C::Error> {
        match task {
            Task::List { above, name, id, identity } => {
                match Directory::below(above, name, identity) {
                    Ok(directory) => {
                        let tasks = self.finds.list(self.plan, directory, id);
                        self.queue.push(tasks);
                    }
                    Err((Errno::NOENT, ..)) => self.finds.outcome(id, Change::Gone),
                    Err((errno, above, name)) => {
                        let path = join(&above.path(), name.to_bytes());
                        self.finds.problem(path, What::Unlistable(errno));
                        self.finds.outcome(id, Change::Unread);
                    }
                }
            }
            Task::Read { directory, files } => {
                for file in files {
                    if crate::interrupt::came().is_some() {
                        break;
                    }
                    self.read(&directory, file)?;
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, directory: &Directory, file: Wanted) -> Result<(), C::Error> {
        let path = || join(&directory.path(), file.name.to_bytes());
        let handle = match directory.handle() {
            Ok(handle) => handle,
            Err(errno) => {
                self.finds.problem(path(), What::Unreadable(errno));
                return Ok(());
            }
        };
        match self.reader.read(handle, &file.name, file.seen, file.noatime)? {
            Outcome::Stored { stat, stored, xattrs, racy } => {
                let mut attributes = attributes(&stat);
                attributes.size = stored.size;
                self.plan.counters.file(stored.size);
                self.finds.files_read += 1;
                if stored.new {
                    self.finds.new_contents += 1;
                    self.finds.new_bytes += stored.size;
                }
                let xattrs = match xattrs {
                    Ok(found) => self.plan.keep_xattrs(found),
                    Err(errno) => {
                        self.finds.problem(path(), What::Xattrs(errno));
                        0
                    }
                };
                let found = Found::Blob(stored.digest);
                let read = Change::Read { attributes: Box::new(attributes), found, racy, xattrs };
                self.finds.outcome(file.id, read);
            }
            Outcome::Gone => self.finds.outcome(file.id, Change::Gone),
            Outcome::Failed(what) => self.finds.problem(path(), what),
        }
        Ok(())
    }
}

impl Scan {
    /// Whether everything is exactly as the cache knew it.
    pub fn is_unchanged(&self) -> bool {
        self.unchanged
    }

    /// How many files were read.
    pub fn files_read(&self) -> u64 {
        self.files_read
    }

    /// How many contents the store did not have before.
    pub fn new_contents(&self) -> u64 {
        self.new_contents
    }

    /// How many bytes the store did not have before.
    pub fn new_bytes(&self) -> u64 {
        self.new_bytes
    }

    /// Puts together what the threads found.
    pub fn into_tree(self) -> Tree {
        merge(self.finds, self.xattrs)
    }
}
