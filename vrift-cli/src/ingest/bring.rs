//! A directory becomes a workspace, or the next state of the workspace that it became before.
//!
//! Order is what makes it safe to be killed anywhere: contents, then the image, then one sync of all, then the name
//! that leads to them. Until that name is there, an [`Activity`](vrift_cas::Activity) keeps gc away; what a killed
//! ingest leaves behind, gc removes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vrift_cas::Digest;
use vrift_manifest::journal::Reason;
use vrift_manifest::workspace::{
    Config, Home, NewWorkspace, Origin, Replacement, Workspace, WorkspaceError, check_image,
    open_image, write_image,
};

use super::{Contents, Exclude, Options, Problem, Scan, StatCache, Tree, image, scan};
use crate::error::{Error, Result};
use crate::home;
use crate::output::names;
use crate::output::progress::Counters;
use crate::place::Name;

/// The stat cache's name in the workspace's directory.
pub(crate) const CACHE: &str = "origin.stat";

/// What is to be ingested.
pub struct Job<'a> {
    /// The store and its workspaces.
    pub home: &'a Home,
    /// The directory, without symlinks.
    pub directory: &'a Path,
    /// The workspace.
    pub name: &'a Name,
    /// Where processes are to see the tree, if not at `directory`.
    pub mount: Option<&'a Path>,
    /// Globs left out; if there are none, those of the last time.
    pub excludes: &'a [String],
    /// Whether the workspace's own changes are to give way.
    pub force: bool,
    /// What is counted meanwhile.
    pub counters: &'a Arc<Counters>,
}

/// What an ingest did.
pub struct Ingested {
    /// The state that is the directory's.
    pub seq: u64,
    /// How the workspace changed.
    pub step: Step,
    /// Regular files in it.
    pub files: u64,
    /// The sum of their lengths.
    pub bytes: u64,
    /// Contents that the store did not have.
    pub new_contents: u64,
    /// The sum of their lengths.
    pub new_bytes: u64,
    /// What could not be kept.
    pub problems: Vec<Problem>,
}

/// How an ingest changed a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It was made.
    Made,
    /// It has a new state.
    Changed,
    /// Nothing was written.
    Unchanged,
}

impl Job<'_> {
    /// Does it.
    pub fn run(&self) -> Result<Ingested> {
        let directory = self.home.store().workspaces_dir().join(self.name.as_str());
        if directory.is_dir() { self.again() } else { self.first() }
    }

    fn first(&self) -> Result<Ingested> {
        let store = self.home.store();
        let activity = store.begin()?;
        let scan = self.scan(self.excludes, &StatCache::empty())?;
        let (new_contents, new_bytes) = (scan.new_contents(), scan.new_bytes());
        let tree = self.listed(scan)?;
        let built = image::build(&tree, None)?;
        let summary = write_image(store, built.builder, built.next_node)?;
        let new = NewWorkspace {
            name: self.name.as_str().to_owned(),
            mount: self.mount.unwrap_or(self.directory).to_path_buf(),
            origin: Some((self.directory.to_path_buf(), self.excludes.to_vec())),
            image: summary.image_id,
        };
        new.create(self.home)?;
        drop(activity);
        self.remember(&tree, &summary.image_id);
        Ok(Ingested {
            seq: 0,
            step: Step::Made,
            files: summary.files,
            bytes: summary.bytes,
            new_contents,
            new_bytes,
            problems: tree.problems().to_vec(),
        })
    }

    fn again(&self) -> Result<Ingested> {
        let mut workspace = home::open_to_change(self.home, self.name.as_str())?;
        // Not before: whoever opens it finishes the step of one who died.
        let config = &workspace.config()?;
        let origin = self.origin(config)?;
        if let Some(mount) = self.mount.filter(|mount| *mount != config.mount) {
            return Err(Error::failed(format!(
                "workspace '{}' is at '{}', not at '{}'",
                self.name,
                names::path(&config.mount),
                names::path(mount)
            ))
            .hint("a workspace stays where it is; ingest the directory with another --name"));
        }
        let excludes = if self.excludes.is_empty() { &origin.excludes } else { self.excludes };
        if let Some(damage) = workspace.damage() {
            return Err(damage.into());
        }
        let seen = workspace.head();
        let own = workspace.changed_since(origin.seq)? || !workspace.drafts().is_empty();
        if own && !self.force {
            return Err(Error::failed(format!(
                "workspace '{}' has changes of its own since it was ingested",
                self.name
            ))
            .hint(format!(
                "`vrift sync {}` takes in what changed in the directory and keeps them",
                self.name
            ))
            .hint("--force puts the directory's state in their place, as one step of history")
            .hint(format!("`vrift diff {0}@{1} {0}` shows them", self.name, origin.seq)));
        }
        // By force nothing comes from there but numbers.
        if !self.force {
            check_image(self.home.store(), workspace.tree())?;
        }
        let activity = self.home.store().begin()?;
        // What the cache says is known to be in the store only as long as the image that it tells of is in force.
        let cache = match (self.cache(), config.base()) {
            (cache, Some(base)) if cache.tag() == tag_of(&base) => cache,
            _ => StatCache::empty(),
        };
        let scan = self.scan(excludes, &cache)?;
        if scan.is_unchanged() && !own && *excludes == origin.excludes {
            return unchanged(&workspace, config, &scan);
        }
        let (new_contents, new_bytes) = (scan.new_contents(), scan.new_bytes());
        let tree = self.listed(scan)?;
        let built = image::build(&tree, Some(workspace.tree()))?;
        let summary = write_image(self.home.store(), built.builder, built.next_node)?;
        // Without changes of its own, the workspace has the tree that it has in common with the directory.
        let known = config.base().map(|base| open_image(self.home.store(), &base)).transpose()?;
        let same = !own && known.is_some_and(|known| known.tree_id() == summary.tree_id);
        let (seq, step) = if same && *excludes == origin.excludes {
            // Times of access and the like: nothing that a tree shows.
            (origin.seq, Step::Unchanged)
        } else {
            let origin = Some((self.directory.to_path_buf(), excludes.to_vec()));
            let step = self.replace(&mut workspace, summary.image_id, seen, origin)?;
            (step, Step::Changed)
        };
        drop(activity);
        // Where nothing changed, what is noted is what it was.
        let base = if step == Step::Unchanged { config.base() } else { Some(summary.image_id) };
        if let Some(base) = base {
            self.remember(&tree, &base);
        }
        Ok(Ingested {
            seq,
            step,
            files: summary.files,
            bytes: summary.bytes,
            new_contents,
            new_bytes,
            problems: tree.problems().to_vec(),
        })
    }

    fn replace(
        &self,
        workspace: &mut Workspace,
        image: Digest,
        seen: u64,
        origin: Option<(PathBuf, Vec<String>)>,
    ) -> Result<u64> {
        let replacement =
            Replacement { image, reason: Reason::Ingest, expected: Some(seen), origin, base: None };
        workspace.replace(&replacement).map_err(|error| match error {
            WorkspaceError::ChangedMeanwhile(_) => {
                Error::from(error).hint("nothing was replaced: the other's changes stand")
            }
            error => error.into(),
        })
    }

    /// Where the workspace came from: this directory, or the name is taken.
    fn origin<'c>(&self, config: &'c Config) -> Result<&'c Origin> {
        match &config.origin {
            Some(origin) if origin.directory == self.directory => Ok(origin),
            Some(origin) => Err(Error::failed(format!(
                "the name '{}' is taken: that workspace was made of '{}'",
                self.name,
                names::path(&origin.directory)
            ))
            .hint("--name NAME gives this one another")),
            None => Err(Error::failed(format!(
                "the name '{}' is taken: that workspace was not made of a directory",
                self.name
            ))
            .hint("--name NAME gives this one another")),
        }
    }

    fn scan(&self, excludes: &[String], cache: &StatCache) -> Result<Scan> {
        let store = self.home.store();
        scan_origin(self.home, self.directory, excludes, cache, store.as_ref(), self.counters)
    }

    fn listed(&self, scan: Scan) -> Result<Tree> {
        listed(scan, self.directory)
    }

    fn cache_path(&self) -> PathBuf {
        self.home.store().workspaces_dir().join(self.name.as_str()).join(CACHE)
    }

    /// What the last ingest saw. If that cannot be read, everything is read again.
    fn cache(&self) -> StatCache {
        StatCache::load(&self.cache_path()).unwrap_or_else(|_| StatCache::empty())
    }

    fn remember(&self, tree: &Tree, base: &Digest) {
        remember(&self.cache_path(), tree, base);
    }
}

/// Remembers what was seen of a directory. The workspace is complete without it.
pub(crate) fn remember(path: &Path, tree: &Tree, base: &Digest) {
    if let Err(error) = tree.stat_cache(tag_of(base)).save(path) {
        let path = names::path(path);
        home::warn(&format!("the next ingest reads everything again: '{path}': {error}"));
    }
}

/// Reads a directory that a workspace came from, or is to come from.
pub(crate) fn scan_origin<C: Contents<Error: Into<Error>>>(
    home: &Home,
    directory: &Path,
    excludes: &[String],
    cache: &StatCache,
    contents: &C,
    counters: &Counters,
) -> Result<Scan> {
    let exclude = Exclude::new(excludes).map_err(|error| {
        Error::usage("a glob to be excluded cannot be understood").caused_by(error)
    })?;
    // Whoever ingests his home directory does not mean the store in it.
    let skip = [home.store().root(), home.runtime()].map(identity);
    let skip = skip.into_iter().flatten().collect();
    let options = Options { exclude, skip, threads: None };
    let scanned = scan(directory, &options, cache, contents, counters);
    // What it found then is not all.
    crate::interrupt::check()?;
    scanned.map_err(|error| match error {
        super::ScanError::Store(error) => error.into(),
        super::ScanError::Open(path, error) => Error::at("open the directory", &path, error),
    })
}

/// The tree that was read, if at least the directory itself could be.
pub(crate) fn listed(scan: Scan, directory: &Path) -> Result<Tree> {
    let tree = scan.into_tree();
    let root = tree.entries().first();
    if root.is_some_and(|root| root.found != super::Found::Unread) {
        return Ok(tree);
    }
    let why = tree.problems().iter().find(|problem| problem.path.is_empty());
    let path = names::path(directory);
    Err(match why {
        Some(problem) => Error::failed(format!("'{path}' cannot be read: {problem}")),
        None => Error::failed(format!("'{path}' cannot be read: it is gone")),
    })
}

/// What a stat cache is tagged with that was made when this image was what the directory had in common with the
/// workspace: its contents are then in the store.
pub(crate) fn tag_of(base: &Digest) -> u64 {
    let bytes = base.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(bytes)
}

fn unchanged(workspace: &Workspace, config: &Config, scan: &Scan) -> Result<Ingested> {
    let known = config.base().map(|base| open_image(workspace.store(), &base)).transpose()?;
    let (files, bytes) = known.map_or((0, 0), |image| (image.files(), image.bytes()));
    let seq = config.origin.as_ref().map_or(0, |origin| origin.seq);
    Ok(Ingested {
        seq,
        step: Step::Unchanged,
        files,
        bytes,
        new_contents: scan.new_contents(),
        new_bytes: scan.new_bytes(),
        problems: Vec::new(),
    })
}

/// Device and inode of a directory that is there.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::stat(path).ok()?;
    Some((stat.st_dev, stat.st_ino))
}
