//! Removing what no workspace reaches: blobs, images, journal segments, and what interrupted work left.
//!
//! Images and segments go the way of blobs (see [`Store::gc`](vrift_cas::Store::gc)): to the trash; then the roots are
//! read again, and what they name by now comes back; after a grace in the trash it is removed. What is younger than the
//! grace, or than the oldest living activity, stays: every operation that makes an image or a segment before it writes
//! its name down is one.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use vrift_cas::{Digest, GcError, GcOptions, GcReport, StoreError};

use super::error::{Action, WorkspaceError};
use super::farm;
use super::place::Home;
use super::roots::{Roots, roots};
use super::trash;
use crate::journal::SegmentId;

/// What a collection did, or would do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Collected {
    /// With blobs.
    pub blobs: GcReport,
    /// Images and segments moved to the trash.
    pub moved: u64,
    /// The sum of their lengths.
    pub moved_bytes: u64,
    /// Images and segments brought back, because they are needed.
    pub restored: u64,
    /// Images and segments removed for good.
    pub purged: u64,
    /// What interrupted work had left beside them.
    pub leftovers: u64,
    /// The sum of the lengths of both.
    pub purged_bytes: u64,
}

/// A collection that was stopped. Nothing that is needed is gone.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// Something that decides what is needed cannot be read.
    #[error("cannot find out what is in use, so nothing is removed: {0}")]
    Roots(#[source] WorkspaceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be moved or removed.
    #[error(transparent)]
    Files(#[from] WorkspaceError),
}

/// Removes what no workspace reaches, beside whatever goes on in the store.
pub fn collect(home: &Home, options: &GcOptions) -> Result<Collected, CollectError> {
    let directory = home.store.images_dir();
    fs::create_dir_all(&directory).map_err(Action::Create.of(&directory))?;
    let lock = File::open(&directory).map_err(Action::Read.of(&directory))?;
    // Released when the descriptor closes.
    if let Err(errno) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        if errno == rustix::io::Errno::WOULDBLOCK {
            return Err(StoreError::Busy { path: home.store.root().to_owned() }.into());
        }
        return Err(CollectError::Files(Action::Read.of(&directory)(errno)));
    }
    let mut collection = Collection {
        home,
        options: *options,
        // Activities first: one that ends after this has written its names down before the roots are read.
        horizon: horizon(home, options.grace)?,
        done: Collected::default(),
        moved: Vec::new(),
    };
    let result = collection.run();
    if result.is_err() {
        // Not known to be unneeded after all.
        for path in &collection.moved {
            let _ = trash::bring_back(&home.store, path);
        }
    }
    result.map(|()| collection.done)
}

/// What was changed since is left alone.
fn horizon(home: &Home, grace: Duration) -> Result<SystemTime, StoreError> {
    let begun = SystemTime::now();
    let horizon = begun.checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
    Ok(home.store.oldest_activity()?.map_or(horizon, |oldest| oldest.min(horizon)))
}

struct Collection<'a> {
    home: &'a Home,
    options: GcOptions,
    horizon: SystemTime,
    done: Collected,
    /// Where the files were that are in the trash since.
    moved: Vec<PathBuf>,
}

impl Collection<'_> {
    fn run(&mut self) -> Result<(), CollectError> {
        let (store, options) = (self.home.store.clone(), self.options);
        let mut again = false;
        let mut files = Ok(());
        let mut live = || -> Result<HashSet<Digest>, WorkspaceError> {
            let roots = roots(self.home)?;
            if files.is_ok() {
                files = if again { self.restore(&roots) } else { self.first(&roots) };
            }
            again = true;
            Ok(roots.blobs)
        };
        let report = store.gc(&options, &mut live);
        files?;
        self.done.blobs = report.map_err(|error| match error {
            GcError::Store(error) => CollectError::Store(error),
            GcError::Roots(error) => CollectError::Roots(error),
        })?;
        // No blob was moved, so nobody has looked again.
        if !self.moved.is_empty() {
            let roots = roots(self.home).map_err(CollectError::Roots)?;
            self.restore(&roots)?;
        }
        Ok(())
    }

    /// Empties the trash and moves candidates there.
    fn first(&mut self, roots: &Roots) -> Result<(), WorkspaceError> {
        let store = &self.home.store;
        for (directory, is_image) in [(store.images_dir(), true), (store.journals_dir(), false)] {
            let in_trash = trash::place(store, &directory.join("x"));
            let in_trash = in_trash.and_then(|path| Some(path.parent()?.to_owned()));
            for (path, metadata) in in_trash.map_or(Ok(Vec::new()), |path| list(&path))? {
                let needed = matches!(kind(&path, is_image, roots), Kind::Needed);
                if needed {
                    self.bring_back(&directory.join(path.file_name().unwrap_or_default()))?;
                } else if self.is_over(&metadata) {
                    self.remove(&path, &metadata)?;
                    self.done.purged += 1;
                }
            }
            for (path, metadata) in list(&directory)? {
                match kind(&path, is_image, roots) {
                    Kind::Needed => {}
                    _ if !self.is_over(&metadata) => {}
                    Kind::Unneeded => self.put(path, &metadata)?,
                    Kind::Leftover => {
                        self.remove(&path, &metadata)?;
                        self.done.leftovers += 1;
                    }
                }
            }
        }
        self.half_workspaces()?;
        self.farms()
    }

    /// Names by which programs and libraries were executed or loaded, and that are the last ones of their files.
    fn farms(&mut self) -> Result<(), WorkspaceError> {
        for (workspace, metadata) in list(&self.home.store.workspaces_dir())? {
            if !metadata.is_dir() {
                // A live index, where there is no other place for it.
                continue;
            }
            let farm = workspace.join("farm");
            let unneeded = farm::unneeded(&farm, |metadata| self.is_over(metadata));
            let unneeded = unneeded.map_err(Action::Read.of(&farm))?;
            if !self.options.dry_run {
                unneeded.remove().map_err(Action::Remove.of(&farm))?;
            }
            self.done.leftovers += unneeded.count();
            self.done.purged_bytes += unneeded.bytes;
        }
        Ok(())
    }

    /// Workspaces that were being made or dropped when somebody was killed.
    fn half_workspaces(&mut self) -> Result<(), WorkspaceError> {
        for (path, metadata) in list(&self.home.store.workspaces_dir())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let half = name.starts_with(".new-") || name.starts_with(".dropped-");
            if !half || !self.is_over(&metadata) {
                continue;
            }
            if !self.options.dry_run {
                match fs::remove_dir_all(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    other => other.map_err(Action::Remove.of(&path))?,
                }
            }
            self.done.leftovers += 1;
        }
        Ok(())
    }

    /// Brings back what is needed by now.
    fn restore(&mut self, roots: &Roots) -> Result<(), WorkspaceError> {
        let images = self.home.store.images_dir();
        for path in std::mem::take(&mut self.moved) {
            let is_image = path.starts_with(&images);
            if matches!(kind(&path, is_image, roots), Kind::Needed) {
                self.bring_back(&path)?;
                self.done.moved = self.done.moved.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn is_over(&self, metadata: &Metadata) -> bool {
        let second = Duration::from_secs(metadata.ctime().unsigned_abs());
        let changed = SystemTime::UNIX_EPOCH + second;
        let changed = changed + Duration::from_nanos(metadata.ctime_nsec().unsigned_abs());
        changed < self.horizon
    }

    fn put(&mut self, path: PathBuf, metadata: &Metadata) -> Result<(), WorkspaceError> {
        if !self.options.dry_run {
            let put = trash::put(&self.home.store, &path).map_err(Action::Remove.of(&path))?;
            if !put {
                return Ok(());
            }
            self.moved.push(path);
        }
        self.done.moved += 1;
        self.done.moved_bytes += metadata.len();
        Ok(())
    }

    fn bring_back(&mut self, path: &Path) -> Result<(), WorkspaceError> {
        if !self.options.dry_run {
            trash::bring_back(&self.home.store, path).map_err(Action::Create.of(path))?;
        }
        self.done.restored += 1;
        Ok(())
    }

    fn remove(&mut self, path: &Path, metadata: &Metadata) -> Result<(), WorkspaceError> {
        if !self.options.dry_run {
            match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                other => other.map_err(Action::Remove.of(path))?,
            }
        }
        self.done.purged_bytes += metadata.len();
        Ok(())
    }
}

/// What a file in `images` or `journals` is.
enum Kind {
    Needed,
    Unneeded,
    Leftover,
}

fn kind(path: &Path, is_image: bool, roots: &Roots) -> Kind {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digest: Option<Digest> = name.parse().ok().filter(|_| is_image);
    let segment = SegmentId::parse(&name).filter(|_| !is_image);
    let needed = digest.is_some_and(|digest| roots.images.contains(&digest))
        || segment.is_some_and(|id| roots.segments.contains_key(&id))
        // What a repair put aside stays until a person removes it.
        || name.contains(".cut-");
    match needed {
        true => Kind::Needed,
        false if name.starts_with(".new-") || name.ends_with(".new") => Kind::Leftover,
        false if digest.is_some() || segment.is_some() => Kind::Unneeded,
        // Nothing of ours.
        false => Kind::Needed,
    }
}

/// The files of a directory that may not be there.
fn list(directory: &Path) -> Result<Vec<(PathBuf, Metadata)>, WorkspaceError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Action::Read.of(directory))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Action::Read.of(directory))?;
        // What is gone by now needs nobody's attention.
        if let Ok(metadata) = entry.path().symlink_metadata() {
            found.push((entry.path(), metadata));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}
