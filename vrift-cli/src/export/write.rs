//! Writing a whole tree with several threads.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, fstat, linkat, statat};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::name::is_valid;

use super::destination::{self, ExportError};
use super::entry::{make, make_directory};
use super::loss::{Loss, What};
use super::pending::Pending;
use super::plan::{Full, Item, Plan};
use super::source::{Child, Source};
use crate::ingest::join;
use crate::interrupt;
use crate::output::progress::Counters;
use crate::walk::{Budget, Directory, Queue};

/// How a tree is to be written.
#[derive(Debug, Default)]
pub struct Options {
    /// Whether the destination may have entries, of which those that the tree has too are replaced.
    pub force: bool,
    /// How many threads; as many as there are processors, but at least two, if not said.
    pub threads: Option<usize>,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Report {
    /// What is not as it is in the tree, sorted by path.
    pub losses: Vec<Loss>,
}

/// How many entries of a directory are written in one go.
const BATCH: usize = 32;

/// A piece of work.
enum Task<N> {
    /// A directory is to be made, and what is in it.
    Directory { above: Arc<Pending>, item: Item<N> },
    /// Other entries of a directory are to be made.
    Entries { above: Arc<Pending>, items: Vec<Item<N>> },
}

/// Writes `node` of `source`, and everything below it, as `destination`. What cannot be written as it is in the tree
/// is no error but listed.
pub fn export<S: Source>(
    source: &S,
    node: S::Node,
    destination: &Path,
    options: &Options,
    counters: &Counters,
) -> Result<Report, ExportError> {
    let plan = Plan::new(source, options.force, counters);
    let fatal = |(path, cause): Full| ExportError::Full {
        path,
        destination: destination.to_path_buf(),
        cause,
    };
    let Some(attributes) = plan.known(Vec::new(), || source.attributes(node)) else {
        return Ok(plan.report());
    };
    let queue = Queue::new(Vec::new());
    if Kind::of_mode(attributes.mode) == Some(Kind::Directory) {
        let directory = destination::open_directory(destination, options.force)?;
        let xattrs = plan.known(Vec::new(), || source.xattrs(node)).unwrap_or_default();
        let root = Pending::root(root(directory, destination)?, Some((attributes, xattrs)));
        queue.push(plan.list(&root, node));
        plan.release(root);
    } else {
        let (above, name) = destination::above(destination)?;
        if !options.force && statat(&above, &name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Err(ExportError::Exists(destination.to_path_buf()));
        }
        let root = Pending::root(root(above, destination)?, None);
        queue.push([Task::Entries { above: root, items: vec![Item { name, node, attributes }] }]);
    }
    let threads = if queue.is_empty() { 1 } else { crate::walk::threads(options.threads) };
    let failed = Mutex::new(None);
    let work = || {
        let mut buffer = Vec::new();
        queue.work(|task| {
            if let Err(full) = plan.run(task, &queue, &mut buffer) {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(full);
                queue.stop();
            }
        });
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    stopped()?;
    if let Some(full) = failed {
        return Err(fatal(full));
    }
    let linked = plan.write_links();
    stopped()?;
    linked.map_err(fatal)?;
    Ok(plan.report())
}

/// An error if a signal came: then not all is there.
fn stopped() -> Result<(), ExportError> {
    interrupt::came().map_or(Ok(()), |signal| Err(ExportError::Interrupted(signal)))
}

/// The directory that the export begins at.
fn root(fd: OwnedFd, destination: &Path) -> Result<Directory, ExportError> {
    let stat =
        fstat(&fd).map_err(|errno| ExportError::Open(destination.to_path_buf(), errno.into()))?;
    Ok(Directory::root(fd, (stat.st_dev, stat.st_ino), Budget::of_process()))
}

impl<S: Source> Plan<'_, S> {
    fn run(
        &self,
        task: Task<S::Node>,
        queue: &Queue<Task<S::Node>>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Full> {
        match task {
            Task::Directory { above, item } => {
                if let Some(made) = self.directory(&above, &item)? {
                    queue.push(self.list(&made, item.node));
                    self.release(made);
                }
                self.release(above);
            }
            Task::Entries { above, items } => {
                for item in items {
                    if interrupt::came().is_some() {
                        break;
                    }
                    self.entry(&above, item, buffer)?;
                }
                self.release(above);
            }
        }
        Ok(())
    }

    /// The work that is to be done in a directory, what is to be done first last.
    fn list(&self, directory: &Arc<Pending>, node: S::Node) -> Vec<Task<S::Node>> {
        let path = || directory.directory.path();
        let children = self.known(path(), || self.source.children(node)).unwrap_or_default();
        let (mut below, mut items) = (Vec::new(), Vec::new());
        for Child { name, node } in children {
            let of_child = join(&path(), &name);
            let name = match CString::new(name) {
                Ok(name) if is_valid(name.to_bytes()) => name,
                _ => {
                    self.lost(of_child, What::Name);
                    continue;
                }
            };
            let Some(attributes) = self.known(of_child, || self.source.attributes(node)) else {
                continue;
            };
            let item = Item { name, node, attributes };
            if Kind::of_mode(attributes.mode) == Some(Kind::Directory) {
                below.push(Task::Directory { above: Arc::clone(directory), item });
            } else {
                items.push(item);
            }
        }
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let items = items.by_ref().take(BATCH).collect();
            below.push(Task::Entries { above: Arc::clone(directory), items });
        }
        below
    }

    fn directory(
        &self,
        above: &Arc<Pending>,
        item: &Item<S::Node>,
    ) -> Result<Option<Arc<Pending>>, Full> {
        let path = || join(&above.directory.path(), item.name.to_bytes());
        let identity = above
            .directory
            .handle()
            .and_then(|handle| make_directory(handle.as_fd(), &item.name, self.force));
        let identity = match identity {
            Ok(identity) => identity,
            Err(errno) => {
                self.refused(path(), Kind::Directory, errno)?;
                return Ok(None);
            }
        };
        let opened = Directory::below(Arc::clone(&above.directory), item.name.clone(), identity);
        match opened {
            Ok(directory) => {
                let xattrs = self.known(path(), || self.source.xattrs(item.node));
                let wanted = (item.attributes, xattrs.unwrap_or_default());
                Ok(Some(Pending::below(above, directory, wanted)))
            }
            Err((errno, ..)) => {
                self.refused(path(), Kind::Directory, errno)?;
                Ok(None)
            }
        }
    }

    fn entry(
        &self,
        above: &Arc<Pending>,
        item: Item<S::Node>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Full> {
        if item.attributes.nlink < 2 {
            self.write(above, &item, buffer)?;
            return Ok(());
        }
        let number = self.source.number(item.node);
        let place = (Arc::clone(above), item.name.clone());
        let (name, node, attributes) = (item.name.clone(), item.node, item.attributes);
        let later = || (place, Item { name, node, attributes });
        if self.links.claim(number, later) && self.write(above, &item, buffer)? {
            self.links.written(number, (Arc::clone(above), item.name));
        }
        Ok(())
    }

    /// Makes the further names of files. All first names are there by now.
    fn write_links(&self) -> Result<(), Full> {
        let mut buffer = Vec::new();
        for (number, (above, name), item) in self.links.take_others() {
            if interrupt::came().is_some() {
                self.release(above);
                continue;
            }
            let path = || join(&above.directory.path(), name.to_bytes());
            match self.links.place(number) {
                // The first name could not be written; perhaps this one can.
                None => {
                    if self.write(&above, &item, &mut buffer)? {
                        self.links.written(number, (Arc::clone(&above), name));
                    }
                }
                Some((first, first_name)) => {
                    let linked = self.link(&first, &first_name, &above, &name);
                    if let Err(errno) = linked {
                        self.lost(path(), What::HardLink(errno));
                        self.write(&above, &item, &mut buffer)?;
                    }
                    self.release(first);
                }
            }
            self.release(above);
        }
        for (above, _) in self.links.take_first() {
            self.release(above);
        }
        Ok(())
    }

    fn link(
        &self,
        first: &Pending,
        first_name: &CStr,
        above: &Pending,
        name: &CStr,
    ) -> Result<(), Errno> {
        let (from, to) = (first.directory.handle()?, above.directory.handle()?);
        let (from, to) = (from.as_fd(), to.as_fd());
        let link = |name: &CStr| linkat(from, first_name, to, name, AtFlags::empty());
        make(name, self.force, link)?.settle(to, name)
    }

    /// Lets go of a directory; the last to do so gives it its attributes.
    fn release(&self, directory: Arc<Pending>) {
        directory.release(|last| {
            let Some((attributes, xattrs)) = &last.wanted else { return };
            let mut lost = |what| self.lost(last.directory.path(), what);
            match last.directory.handle() {
                Ok(handle) => {
                    self.exporter.apply_to_file(handle, attributes, xattrs, &mut lost);
                }
                Err(errno) => lost(What::Mode(errno)),
            }
        });
    }
}
