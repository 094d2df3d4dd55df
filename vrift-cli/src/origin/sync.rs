//! Taking in what changed in the directory.

use vrift_manifest::journal::Reason;
use vrift_manifest::workspace::{Replacement, WorkspaceError};

use super::compare::{Compared, Verdict};
use super::job::{Job, shown};
use crate::error::{Error, Result};
use crate::ingest;

/// What was taken in.
pub struct Synced {
    /// What differed before.
    pub compared: Compared,
    /// The step of the history, if there is a new one.
    pub seq: Option<u64>,
    /// What of the directory could not be read.
    pub problems: Vec<ingest::Problem>,
}

/// How often it is tried again where the workspace was changed meanwhile.
const TRIES: usize = 5;

impl Job<'_> {
    /// Takes in what changed in the directory, as one step of the history. `force`: also what both have changed.
    pub fn sync(&mut self, force: bool) -> Result<Synced> {
        // What comes into the store stays there until something names it.
        let home = self.home;
        let _activity = home.store().begin()?;
        let real = self.take()?;
        let problems = real.problems().to_vec();
        for _ in 0..TRIES {
            let compared = self.sides(&real).compare()?;
            let wanted = |verdict| match verdict {
                Verdict::Real | Verdict::Either => true,
                Verdict::Conflict => force,
                _ => false,
            };
            if !compared.differences.iter().any(|difference| wanted(difference.verdict)) {
                if compared.settled {
                    let whole = is_whole(&compared).then_some(self.seq);
                    let agreed = self.sides(&real).agreed()?;
                    self.note(agreed, real, whole)?;
                }
                return Ok(Synced { compared, seq: None, problems });
            }
            if self.is_busy() {
                return Err(Error::failed(format!(
                    "files of '{}' are being written at this moment",
                    self.workspace.name()
                ))
                .hint("sync when what runs in it has ended"));
            }
            let store = self.home.store();
            let (merged, _) = self.sides(&real).merged(force)?.write(store)?;
            let ours = self.workspace.tree_of(&merged)?;
            let (base, contents) =
                self.with_ours(ours, |job| job.sides(&real).agreed())?.write(store)?;
            let whole = self.is_same_tree(&merged, &base)?;
            let origin = (self.origin.directory.clone(), self.origin.excludes.clone());
            let replacement = Replacement {
                image: merged,
                reason: Reason::Ingest,
                expected: Some(self.seq),
                origin: Some(origin),
                base: (!whole).then_some(base),
            };
            match self.workspace.replace(&replacement) {
                Ok(seq) => {
                    self.remember(real, if whole { &merged } else { &base }, &contents);
                    return Ok(Synced { compared, seq: Some(seq), problems });
                }
                Err(WorkspaceError::ChangedMeanwhile(_)) => self.again()?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::failed(format!("'{}' is being changed all the time", self.workspace.name()))
            .hint(format!("sync with '{}' when what runs in it has ended", shown(&self.origin))))
    }
}

/// Whether nothing is left that differs.
pub fn is_whole(compared: &Compared) -> bool {
    compared.differences.is_empty() && compared.times.is_empty()
}
