//! What the three commands begin with: the workspace as it is now, its base, and the directory as it is now.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use vrift_cas::{Digest, Hasher};
use vrift_manifest::tree::Tree;
use vrift_manifest::workspace::{Config, Home, Origin, Workspace, check_image, open_image};

use super::build::Building;
use super::sides::Sides;
use crate::error::{Error, Result};
use crate::home;
use crate::ingest::{self, CACHE, Contents, Exclude, PutError, StatCache, Stored};
use crate::output::names;
use crate::output::progress::Counters;

/// What could not be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path from the root on.
    pub path: Vec<u8>,
    /// Why, as the rest of a sentence that begins with the path.
    pub what: String,
}

/// A workspace that came from a directory.
pub struct Job<'j> {
    /// The store.
    pub home: &'j Home,
    /// The workspace.
    pub workspace: Workspace,
    /// The directory.
    pub origin: Origin,
    /// The workspace's random id.
    pub id: String,
    /// The state that is compared.
    pub seq: u64,
    base_id: Digest,
    base: Tree,
    ours: Tree,
    exclude: Exclude,
    busy: HashSet<u64>,
    counters: Counters,
    /// Held as long as something is taken in or written back.
    _lock: Option<OwnedFd>,
}

impl<'j> Job<'j> {
    /// Opens a workspace. `alone`: nobody else may sync or apply it meanwhile.
    pub fn open(home: &'j Home, name: &str, alone: bool) -> Result<Job<'j>> {
        let workspace = match alone {
            true => home::open_to_change(home, name)?,
            false => home::open(home, name)?,
        };
        if let Some(damage) = workspace.damage().filter(|_| alone) {
            return Err(damage.into());
        }
        let lock = if alone { Some(lock(&workspace)?) } else { None };
        let config = workspace.config()?;
        let (origin, base_id) = of_config(name, &config)?;
        let base = workspace.tree_of(&base_id)?;
        let exclude =
            Exclude::new(&origin.excludes).map_err(|why| Error::failed("").caused_by(why))?;
        let seq = workspace.head();
        let ours = workspace.view(seq)?;
        if alone {
            check_image(home.store(), &base)?;
            check_image(home.store(), &ours)?;
        }
        let busy = workspace.drafts().into_iter().map(|(node, _)| node).collect();
        let counters = Counters::default();
        let id = config.id;
        Ok(Job {
            home,
            workspace,
            origin,
            id,
            seq,
            base_id,
            base,
            ours,
            exclude,
            busy,
            counters,
            _lock: lock,
        })
    }

    /// Looks at the workspace again.
    pub fn again(&mut self) -> Result<()> {
        self.workspace.seal_drafts()?;
        self.workspace.refresh()?;
        self.seq = self.workspace.head();
        self.ours = self.workspace.view(self.seq)?;
        check_image(self.home.store(), &self.ours)?;
        self.busy = self.workspace.drafts().into_iter().map(|(node, _)| node).collect();
        Ok(())
    }

    /// Whether something in the workspace is being written at this moment.
    pub fn is_busy(&self) -> bool {
        !self.busy.is_empty()
    }

    /// The three trees, with the directory as it was read.
    pub fn sides<'s>(&'s self, real: &'s ingest::Tree) -> Sides<'s> {
        let (base, ours, exclude, busy) = (&self.base, &self.ours, &self.exclude, &self.busy);
        Sides { base, ours, real, exclude, busy }
    }

    /// Does something as if the workspace had this tree.
    pub fn with_ours<T>(&mut self, tree: Tree, work: impl FnOnce(&Self) -> T) -> T {
        let before = std::mem::replace(&mut self.ours, tree);
        let done = work(self);
        self.ours = before;
        done
    }

    /// Whether two images of the store have the same tree.
    pub fn is_same_tree(&self, one: &Digest, other: &Digest) -> Result<bool> {
        let tree =
            |digest: &Digest| open_image(self.home.store(), digest).map(|image| image.tree_id());
        Ok(tree(one)? == tree(other)?)
    }

    /// The present tree.
    pub fn ours(&self) -> &Tree {
        &self.ours
    }

    /// Reads the directory. What changed in it is only hashed.
    pub fn look(&self) -> Result<ingest::Tree> {
        self.read(&OnlyHashed)
    }

    /// Reads the directory. What changed in it goes into the store.
    pub fn take(&self) -> Result<ingest::Tree> {
        self.read(self.home.store().as_ref())
    }

    fn read<C: Contents<Error: Into<Error>>>(&self, contents: &C) -> Result<ingest::Tree> {
        let cache = match StatCache::load(&self.cache_path()) {
            Ok(cache) if cache.tag() == ingest::tag_of(&self.base_id) => cache,
            _ => StatCache::empty(),
        };
        let (directory, excludes) = (&self.origin.directory, &self.origin.excludes);
        let scan =
            ingest::scan_origin(self.home, directory, excludes, &cache, contents, &self.counters);
        match scan.and_then(|scan| ingest::listed(scan, directory)) {
            Err(error) if !directory.exists() => Err(error.hint(format!(
                "the workspace is whole without it: `vrift export {} DIR` writes the tree to a directory",
                self.workspace.name()
            ))),
            read => read,
        }
    }

    /// Writes the image of the new base, and notes it. `whole`: the state at which both are the same in all.
    pub fn note(
        &mut self,
        building: Building,
        real: ingest::Tree,
        whole: Option<u64>,
    ) -> Result<()> {
        let _activity = self.home.store().begin()?;
        let (base, contents) = building.write(self.home.store())?;
        if base != self.base_id || whole.is_some_and(|seq| seq != self.origin.seq) {
            self.workspace.note_origin(&self.origin, base, whole)?;
        }
        self.remember(real, &base, &contents);
        Ok(())
    }

    /// Remembers what was seen, for the next time. What is in no tree is not sure to stay in the store.
    pub fn remember(&self, mut real: ingest::Tree, base: &Digest, contents: &HashSet<Digest>) {
        real.doubt_all_but(|digest| contents.contains(digest));
        ingest::remember(&self.cache_path(), &real, base);
    }

    fn cache_path(&self) -> PathBuf {
        self.workspace.directory().join(CACHE)
    }
}

/// The directory that a workspace came from, and the image of what both had in common last.
pub fn of_config(name: &str, config: &Config) -> Result<(Origin, Digest)> {
    match (config.origin.clone(), config.base()) {
        (Some(origin), Some(base)) => Ok((origin, base)),
        (origin, _) => Err(none(name, config.forked_from.as_deref(), origin.is_some())),
    }
}

fn none(name: &str, forked_from: Option<&str>, has_origin: bool) -> Error {
    if has_origin {
        return Error::failed(format!(
            "what '{name}' had in common with its directory was forgotten by an earlier version"
        ))
        .hint("`vrift ingest` of the directory makes a new beginning");
    }
    let error = Error::failed(format!("workspace '{name}' was not made of a directory"));
    match forked_from {
        Some(from) => error.hint(format!(
            "it was forked from {from}, a state from before its directory was read last; \
             `vrift diff` compares it with any directory"
        )),
        None => error.hint("`vrift diff` compares it with any directory"),
    }
}

/// One sync or apply of a workspace at a time. The kernel ends the lock with the process.
fn lock(workspace: &Workspace) -> Result<OwnedFd> {
    let path = workspace.directory();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let failed = |errno: rustix::io::Errno| Error::at("lock", path, io::Error::from(errno));
    let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
    match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(directory),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let name = workspace.name();
            let text = format!("another sync or apply of '{name}' is at work");
            Err(Error::failed(text).hint("try again when it is done"))
        }
        Err(errno) => Err(failed(errno)),
    }
}

/// A store that keeps nothing.
struct OnlyHashed;

impl Contents for OnlyHashed {
    type Error = Infallible;

    fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, Infallible> {
        Ok(Stored { digest: Digest::of(bytes), size: bytes.len() as u64, new: false })
    }

    fn put_file(&self, mut file: &File) -> Result<Stored, PutError<Infallible>> {
        let (mut hasher, mut size) = (Hasher::new(), 0);
        let mut buffer = vec![0; 256 << 10];
        loop {
            crate::interrupt::check_io().map_err(PutError::Source)?;
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Stored { digest: hasher.finish(), size, new: false }),
                Ok(read) => {
                    hasher.update(buffer.get(..read).unwrap_or_default());
                    size += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(PutError::Source(error)),
            }
        }
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Error {
        match never {}
    }
}

/// A directory as people know it.
pub fn shown(origin: &Origin) -> String {
    names::path(&origin.directory).to_string()
}
