//! Drafts of a workspace as a whole: sealing what is left, and putting aside what cannot be trusted.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use vrift_cas::Sealer;

use super::error::{Action, WorkspaceError};
use super::open::Workspace;
use super::place::Directory;
use crate::attributes::{Attributes, Kind};
use crate::handover::Handover;
use crate::session::{NOBODY, Seal, Session, SessionError, Who, show_draft};
use crate::tree::{Cursor, Tree};

/// What became of the files that were being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Files whose content is a blob now.
    pub sealed: u64,
    /// The sum of the lengths of those that the store did not have.
    pub new_bytes: u64,
    /// Files that somebody can still write: they show what was sealed last.
    pub busy: Vec<Unsealed>,
    /// Files that could not be sealed, and why.
    pub failed: Vec<(Unsealed, Errno)>,
}

/// A file whose content is in a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsealed {
    /// Its number.
    pub node: u64,
    /// One of its paths, from the root of the tree on.
    pub path: Vec<u8>,
}

/// How old a name in the directory of drafts must be before it is removed because no node has it: whoever makes a draft
/// makes its file first.
const LEFT_OVER: Duration = Duration::from_secs(3600);

/// How often the tree may be replaced while its files are sealed.
const TRIES: usize = 8;

impl Workspace {
    /// The files that are being written, by node and draft, in the order of the nodes.
    pub fn drafts(&self) -> Vec<(u64, u64)> {
        live_drafts(self.tree())
    }

    /// Makes every file that nobody can write any more a blob. What is busy stays as it is.
    pub fn seal_drafts(&mut self) -> Result<SealReport, WorkspaceError> {
        let mut report = SealReport::default();
        if !self.place.writable() {
            return Ok(report);
        }
        self.refresh()?;
        if self.drafts().is_empty() {
            self.clear_left_over();
            return Ok(report);
        }
        let handover = Handover::of(self)?;
        let author = self.author.clone();
        let process = AtomicU64::new(if author.is_some() { self.process } else { NOBODY });
        let describe = || author.clone().unwrap_or_default();
        for _ in 0..TRIES {
            let done = self.session(&handover).and_then(|session| {
                let who = Who { process: &process, author: &describe };
                self.seal_all(&session, &who, &mut report)
            });
            match done {
                Err(SessionError::Retired) => {
                    self.refresh()?;
                }
                Err(SessionError::Errno(errno)) => {
                    return Err(Action::Read.of(&self.place.path)(errno));
                }
                Ok(()) => break,
            }
        }
        if author.is_some() {
            self.process = process.into_inner();
        }
        self.refresh()?;
        let mut left: Vec<&mut Unsealed> = report.busy.iter_mut().collect();
        left.extend(report.failed.iter_mut().map(|(left, _)| left));
        name(self.tree(), &mut left)?;
        self.clear_left_over();
        Ok(report)
    }

    /// As [`Workspace::seal_drafts`], where what cannot be kept is an error.
    pub(super) fn seal_or_fail(&mut self) -> Result<SealReport, WorkspaceError> {
        let report = self.seal_drafts()?;
        match report.failed.first() {
            None => Ok(report),
            Some((left, errno)) => {
                let path = self.place.drafts().join(left.node.to_string());
                Err(Action::Read.of(&path)(*errno))
            }
        }
    }

    fn session(&self, handover: &Handover) -> Result<Session, SessionError> {
        Ok(Session::attach(handover)?.with_bounds(self.place.bounds))
    }

    fn seal_all(
        &self,
        session: &Session,
        who: &Who<'_>,
        report: &mut SealReport,
    ) -> Result<(), SessionError> {
        report.busy.clear();
        report.failed.clear();
        for (node, _) in live_drafts(session.tree()) {
            let left = Unsealed { node, path: Vec::new() };
            let sealed = match session.seal_draft(who, node, true) {
                // No lease can be had on this file system, or not for this user.
                Ok(Seal::Later) => session.seal_copy(who, node, &self.place.store),
                other => other,
            };
            match sealed {
                Ok(Seal::Sealed { new, size }) => {
                    report.sealed += 1;
                    report.new_bytes += if new { size } else { 0 };
                }
                Ok(Seal::Busy) => report.busy.push(left),
                Ok(Seal::Clean | Seal::Later) => {}
                Err(SessionError::Errno(errno)) => report.failed.push((left, errno)),
                Err(SessionError::Retired) => return Err(SessionError::Retired),
            }
        }
        Ok(())
    }

    /// Removes names that somebody left who was killed before or behind the record. Whatever fails is tried next time.
    fn clear_left_over(&mut self) {
        // Only by a tree that is whole and in force: of another one, a living draft may be unknown.
        let attached = &self.attached;
        let in_force = self.control.epoch() == attached.epoch;
        if !in_force || attached.is_private() || attached.damage.is_some() {
            return;
        }
        let Ok(entries) = fs::read_dir(self.place.drafts()) else { return };
        let live = self.drafts();
        let (mut left_over, mut needed_until_synced) = (Vec::new(), false);
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(draft) = name.to_str().and_then(parse) else { continue };
            let Ok(found) = entry.metadata() else { continue };
            if live.binary_search(&draft).is_ok() {
                continue;
            }
            let age = changed(&found).and_then(|at| SystemTime::now().duration_since(at).ok());
            if is_finished(&found) {
                needed_until_synced = true;
            } else if age.is_none_or(|age| age <= LEFT_OVER) {
                continue;
            }
            left_over.push(draft);
        }
        // What a program wanted on the disk goes from there when it is there as something else.
        if left_over.is_empty() || needed_until_synced && self.sync().is_err() {
            return;
        }
        // Drafts are made meanwhile, and one whose sealer waits for his turn looks like one that is finished.
        let _ = self.locked(|locked| {
            let live = live_drafts(locked.tree());
            left_over.retain(|draft| live.binary_search(draft).is_err());
            locked.place.remove_drafts(&left_over);
            Ok(())
        });
    }

    /// What `stat` shows of a node of the present tree: of a file that is being written, what its draft is now.
    pub fn shown(&self, at: Cursor) -> Result<Attributes, WorkspaceError> {
        let (mut attributes, draft) = self.tree().attributes_and_draft(at)?;
        if let Some(draft) = draft {
            let node = self.tree().number(at)?;
            let path = self.place.draft(node, draft);
            match rustix::fs::stat(&path) {
                Ok(stat) if self.tree().draft(at) == Some(draft) => {
                    show_draft(&mut attributes, &stat)
                }
                // Sealed a moment ago.
                Ok(_) | Err(Errno::NOENT) => attributes = self.tree().attributes(at)?,
                Err(errno) => return Err(Action::Read.of(&path)(errno)),
            }
        }
        Ok(attributes)
    }

    /// Opens the draft of a node of the present tree that is being written; `None`: it is not.
    pub fn open_draft(&self, at: Cursor) -> Result<Option<File>, WorkspaceError> {
        let Some(draft) = self.tree().draft(at) else { return Ok(None) };
        let path = self.place.draft(self.tree().number(at)?, draft);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some).map_err(Action::Read.of(&path)),
        }
    }

    /// What was being written when the machine went down, as files that were put aside.
    pub fn drafts_aside(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.place.drafts()).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(ASIDE) {
                let files = fs::read_dir(entry.path()).into_iter().flatten().flatten();
                found.extend(files.map(|file| file.path()));
            }
        }
        found.sort();
        found
    }
}

fn changed(found: &fs::Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(found.ctime()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// How directories of drafts begin that were put aside.
const ASIDE: &str = "aside-";

/// Whether a draft that no node has was one: it was sealed, or its file removed, and it was on the disk before.
fn is_finished(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.mode() & 0o7777 == Sealer::BLOB_MODE || Session::is_synced(found.mode())
}

/// Node and draft in a file's name.
fn parse(name: &str) -> Option<(u64, u64)> {
    let (node, draft) = name.split_once('.')?;
    Some((node.parse().ok()?, draft.parse().ok()?))
}

/// The files of a tree that have drafts and names.
pub fn live_drafts(tree: &Tree) -> Vec<(u64, u64)> {
    let states = tree.index.nodes().filter_map(|node| {
        let state = tree.index.state(node).filter(|state| state.draft != 0)?;
        (state.attributes.nlink > 0).then_some((tree.index.number(node), state.draft))
    });
    let mut found: Vec<(u64, u64)> = states.collect();
    found.sort_unstable();
    found
}

/// Finds a path for each of the nodes.
pub(super) fn name(tree: &Tree, left: &mut [&mut Unsealed]) -> Result<(), WorkspaceError> {
    let mut missing = left.len();
    let mut pending = vec![(Vec::new(), tree.root())];
    while missing > 0
        && let Some((path, directory)) = pending.pop()
    {
        for child in tree.children(directory)? {
            let (name, at) = child?;
            let mut path: Vec<u8> = path.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            if tree.kind(at)? == Kind::Directory {
                pending.push((path, at));
                continue;
            }
            let number = tree.number(at)?;
            for left in left.iter_mut().filter(|left| left.node == number && left.path.is_empty()) {
                left.path.clone_from(&path);
                missing -= 1;
            }
        }
    }
    Ok(())
}

impl Directory {
    /// The directory of the files that are being written.
    pub(super) fn drafts(&self) -> PathBuf {
        self.path.join("drafts")
    }

    /// The file of a draft.
    pub(super) fn draft(&self, node: u64, draft: u64) -> PathBuf {
        self.drafts().join(format!("{node}.{draft}"))
    }

    /// Whether a draft is the content of its file also after a power cut.
    pub(super) fn is_synced_draft(&self, node: u64, draft: u64) -> bool {
        rustix::fs::stat(self.draft(node, draft))
            .is_ok_and(|found| Session::is_synced(found.st_mode))
    }

    /// Puts drafts aside, but for those of `kept`, which is in order: nobody knows which of their bytes reached the disk. What
    /// is superfluous goes.
    pub(super) fn put_drafts_aside(
        &self,
        kept: &[(u64, u64)],
        is_superfluous: &dyn Fn(u64, &fs::Metadata) -> bool,
    ) -> Result<(), WorkspaceError> {
        let drafts = self.drafts();
        let entries = match fs::read_dir(&drafts) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(Action::Read.of(&drafts))?,
        };
        let mut aside = None;
        for entry in entries {
            let entry = entry.map_err(Action::Read.of(&drafts))?;
            let Some(draft) = entry.file_name().to_str().and_then(parse) else { continue };
            if kept.binary_search(&draft).is_ok() {
                continue;
            }
            if entry.metadata().is_ok_and(|found| is_superfluous(draft.0, &found)) {
                let _ = fs::remove_file(entry.path());
                continue;
            }
            let aside = match &aside {
                Some(aside) => aside,
                None => aside.insert(self.new_aside()?),
            };
            let to = aside.join(entry.file_name());
            fs::rename(entry.path(), &to).map_err(Action::Write.of(&to))?;
        }
        Ok(())
    }

    fn new_aside(&self) -> Result<PathBuf, WorkspaceError> {
        let mut number = 0;
        loop {
            let path = self.drafts().join(format!("{ASIDE}{number}"));
            match super::files::create_directory(&self.store, &path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                other => return other.map(|()| path.clone()).map_err(Action::Create.of(&path)),
            }
        }
    }

    /// Removes drafts that no node has any more, because the tree was replaced.
    pub(super) fn remove_drafts(&self, drafts: &[(u64, u64)]) {
        for (node, draft) in drafts {
            // What cannot be removed is left over, and in nobody's way.
            let _ = fs::remove_file(self.draft(*node, *draft));
        }
    }
}
