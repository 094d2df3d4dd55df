//! Writing back what changed in the workspace.
//!
//! 1. Everything new is written beside where it is to be, and brought to the disk. Nothing is in force yet.
//! 2. Each is put in force by one rename: where nothing was, if nothing is there still; else by changing places with
//!    what was there. What comes out is looked at once more: if it is not what was compared, or somebody is writing it,
//!    both change back. So nothing that came into the directory meanwhile is lost, at whatever moment it came.
//! 3. Names of one file are joined, directories get their times.
//! 4. The directory is looked at again, and what both have in common now is the base.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;

use rustix::fs::syncfs;
use rustix::io::Errno;

use super::compare::{Compared, Difference, Verdict};
use super::dispose;
use super::job::{Job, Problem};
use super::place::Root;
use super::sides::{At, Facts, Sides, Triple};
use super::sync::is_whole;
use super::temporary::{Names, is_of};
use crate::error::{Error, Result};
use crate::ingest;
use crate::interrupt;
use crate::output::progress::Counters;

/// What was written back.
pub struct Applied {
    /// What differed before.
    pub compared: Compared,
    /// Entries that the directory has from the workspace now.
    pub entries: u64,
    /// What could not be done.
    pub problems: Vec<Problem>,
}

/// An apply at work.
pub(super) struct Work<'w> {
    pub sides: Sides<'w>,
    pub job: &'w Job<'w>,
    pub real: &'w ingest::Tree,
    pub root: Root,
    pub names: Names,
    pub counters: Counters,
    pub entries: u64,
    pub problems: Vec<Problem>,
    /// Paths that are from the workspace now, with all that is below them.
    pub done: BTreeSet<Vec<u8>>,
    /// Directories in which something was changed.
    pub touched: BTreeMap<Vec<u8>, Triple>,
}

impl Job<'_> {
    /// Writes back what changed in the workspace. `force`: also what both have changed.
    pub fn apply(&mut self, force: bool) -> Result<Applied> {
        let real = self.look()?;
        let compared = self.sides(&real).compare()?;
        interrupt::check()?;
        let (entries, mut problems, done, ended) = {
            let job = &*self;
            let mut work = Work {
                sides: job.sides(&real),
                job,
                real: &real,
                root: Root::open(&job.origin.directory)?,
                names: Names::of(&job.id),
                counters: Counters::default(),
                entries: 0,
                problems: Vec::new(),
                done: BTreeSet::new(),
                touched: BTreeMap::new(),
            };
            work.clear_left();
            let ended = work.all(&compared, force);
            let done = work.has_done_something();
            (work.entries, work.problems, done, ended)
        };
        ended?;
        if done || compared.settled {
            let real = self.look()?;
            let sides = self.sides(&real);
            let whole = is_whole(&sides.compare()?).then_some(self.seq);
            let agreed = sides.agreed()?;
            self.note(agreed, real, whole)?;
        }
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Applied { compared, entries, problems })
    }
}

impl Work<'_> {
    fn all(&mut self, compared: &Compared, force: bool) -> Result<()> {
        let wanted = |difference: &&Difference| match difference.verdict {
            Verdict::Ours | Verdict::Either => true,
            Verdict::Conflict => force,
            _ => false,
        };
        for difference in compared.with(Verdict::Unknown) {
            self.unknown(difference)?;
        }
        let (mut directories, mut removed, mut made) = (Vec::new(), Vec::new(), Vec::new());
        for difference in compared.differences.iter().filter(wanted) {
            let [_, ours, real] = &difference.facts;
            let is_directory =
                |facts: &Option<Facts>| facts.as_ref().is_some_and(Facts::is_directory);
            match ours {
                None => removed.push(difference),
                Some(_) if is_directory(ours) && is_directory(real) => directories.push(difference),
                Some(_) => made.push(difference),
            }
        }
        // What is opened up comes first, what is closed last.
        let opens = |difference: &&&Difference| {
            difference.facts[1].as_ref().is_some_and(|ours| ours.mode() & 0o700 == 0o700)
        };
        directories.iter().filter(opens).for_each(|difference| self.directory(difference));
        let ended = self.write_all(&made).and_then(|()| {
            removed.iter().try_for_each(|difference| self.remove(difference))?;
            self.join_names()
        });
        let closes = |difference: &&&Difference| !opens(difference);
        directories.iter().filter(closes).for_each(|difference| self.directory(difference));
        for (path, at) in &compared.times {
            if self.ours_changed_time(at)? {
                self.touched.insert(path.clone(), *at);
            }
        }
        self.give_times();
        // Who interrupts it does not want to wait for the disk.
        if self.has_done_something() && interrupt::came().is_none() {
            self.sync()?;
        }
        ended
    }

    fn has_done_something(&self) -> bool {
        self.entries > 0 || !self.touched.is_empty()
    }

    pub(super) fn problem(&mut self, path: &[u8], what: impl Into<String>) {
        self.problems.push(Problem { path: path.to_vec(), what: what.into() });
    }

    /// A call that was refused concerns one path; a file system that takes no more ends it all.
    pub(super) fn refused(&mut self, path: &[u8], errno: Errno) -> Result<()> {
        let cause = std::io::Error::from(errno);
        if matches!(errno, Errno::NOSPC | Errno::DQUOT | Errno::ROFS | Errno::IO) {
            let whole = self.job.origin.directory.join(ingest_path(path));
            return Err(Error::at("write", &whole, cause)
                .hint("what was written so far stays; apply again when that is mended"));
        }
        self.problem(path, format!("cannot be written: {cause}"));
        Ok(())
    }

    fn unknown(&mut self, difference: &Difference) -> Result<()> {
        let [base, ours, _] = &difference.facts;
        let at = &difference.at;
        if ours.as_ref().is_some_and(|ours| ours.unknown) {
            self.problem(&difference.path, "is being written in the workspace at this moment");
        } else if self.sides.changed(
            at.base,
            base,
            at.ours.map(At::Ours),
            ours,
            &difference.path,
        )? != Some(false)
        {
            self.problem(&difference.path, "cannot be read in the directory, so it is left alone");
        }
        Ok(())
    }

    /// Notes that something in the directory of a path is changed.
    pub(super) fn touch_above(&mut self, path: &[u8]) {
        let above = path.iter().rposition(|&byte| byte == b'/');
        let above = above.and_then(|slash| path.get(..slash)).unwrap_or_default().to_vec();
        if !self.touched.contains_key(&above) {
            let at = self.find(&above);
            self.touched.insert(above, at);
        }
    }

    /// Where a path is in the three trees.
    pub(super) fn find(&self, path: &[u8]) -> Triple {
        let (mut at, mut way) = (self.sides.roots(), Vec::new());
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let children = self.sides.children(&at, &way).unwrap_or_default();
            let child = children.into_iter().find(|(known, _)| known == name);
            at = child.map(|(_, at)| at).unwrap_or_default();
            way = ingest::join(&way, name);
        }
        at
    }

    fn ours_changed_time(&self, at: &Triple) -> Result<bool> {
        let [base, ours, _] = self.sides.all(at)?;
        Ok(match (base, ours) {
            (Some(base), Some(ours)) => base.attributes.mtime != ours.attributes.mtime,
            _ => true,
        })
    }

    /// Brings what was written to the disk, by one call for all.
    pub(super) fn sync(&self) -> Result<()> {
        let path = &self.job.origin.directory;
        let failed = |errno| Error::at("bring to the disk", path, std::io::Error::from(errno));
        syncfs(self.root.fd()).map_err(failed)
    }

    /// Removes what an apply of this workspace has left that was killed.
    fn clear_left(&mut self) {
        for path in self.real.temporaries() {
            let Ok((above, name)) = self.root.parent(path) else { continue };
            if !is_of(name.to_bytes(), &self.job.id) {
                continue;
            }
            match dispose::remove_left(above.as_fd(), &name, self.job.home.store()) {
                Ok(true) => self.touch_above(path),
                Ok(false) => self.problem(
                    path,
                    "was left by an apply that was killed, and holds what is nowhere else",
                ),
                Err(errno) => {
                    let cause = std::io::Error::from(errno);
                    self.problem(path, format!("was left by an apply that was killed: {cause}"));
                }
            }
        }
    }
}

/// What came between looking and writing.
pub(super) const CHANGED: &str = "changed in the directory meanwhile, and is left alone";

fn ingest_path(path: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::path::PathBuf::from(std::ffi::OsStr::from_bytes(path))
}
