//! What differs, and on which side it changed.
//!
//! A change is another content, type, permission, owner or extended attribute. Another modification time alone is a weak
//! one: it gives way to a change of the other side, and where both have one, the command says whose holds. Times of
//! directories are none: they follow from what is in them.
//!
//! Where one side has a directory and the other has not, the directory stands for all that is in it: it has changed if
//! something in it was added or changed. What is missing in it is no change, since the other side has none of it either.

use vrift_manifest::tree::Cursor;

use super::sides::{At, Facts, Sides, Triple};
use crate::error::Result;
use crate::ingest::join;

/// What becomes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Both have the same.
    Same,
    /// The workspace has changed it.
    Ours,
    /// It changed in the directory.
    Real,
    /// Both have the same with different times, of which none is that of the base; or both have made a directory, with
    /// different permissions.
    Either,
    /// Both have changed it.
    Conflict,
    /// One side cannot be read, or is being written.
    Unknown,
}

/// How a path is to be seen.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// What becomes of it.
    pub verdict: Verdict,
    /// Whether that is all about what lies below, too.
    pub covers: bool,
    /// Both are the same, and not as in the base.
    pub settled: bool,
    /// Directories that differ in their times only.
    pub times: bool,
}

/// A path that is not the same on both sides.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The path from the root on; empty for that itself.
    pub path: Vec<u8>,
    /// Where it is.
    pub at: Triple,
    /// What becomes of it.
    pub verdict: Verdict,
    /// As it was in base, workspace and directory.
    pub facts: [Option<Facts>; 3],
    /// How many entries it stands for, with itself.
    pub entries: u64,
}

/// All that differs.
#[derive(Debug, Default)]
pub struct Compared {
    /// By path.
    pub differences: Vec<Difference>,
    /// Directories that differ in their times only.
    pub times: Vec<(Vec<u8>, Triple)>,
    /// Whether both have something in common that the base has not.
    pub settled: bool,
}

impl Compared {
    /// The differences with this verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(move |difference| difference.verdict == verdict)
    }

    /// Whether there are any.
    pub fn has(&self, verdict: Verdict) -> bool {
        self.with(verdict).next().is_some()
    }
}

impl Sides<'_> {
    /// Compares the three trees.
    pub fn compare(&self) -> Result<Compared> {
        let mut compared = Compared::default();
        let mut pending = vec![(Vec::new(), self.roots())];
        while let Some((path, at)) = pending.pop() {
            let facts = self.all(&at)?;
            let judged = self.judge(&at, &facts, &path)?;
            compared.settled |= judged.settled;
            if judged.times {
                compared.times.push((path.clone(), at));
            }
            if !judged.covers {
                for (name, child) in self.children(&at, &path)? {
                    pending.push((join(&path, &name), child));
                }
            }
            if judged.verdict != Verdict::Same {
                let verdict = judged.verdict;
                let entries = if judged.covers { self.count(&at, &facts, &path)? } else { 1 };
                compared.differences.push(Difference { path, at, verdict, facts, entries });
            }
        }
        compared.differences.sort_by(|one, other| one.path.cmp(&other.path));
        compared.times.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(compared)
    }

    /// What becomes of a path.
    pub fn judge(&self, at: &Triple, facts: &[Option<Facts>; 3], path: &[u8]) -> Result<Judged> {
        let [base, ours, real] = facts;
        let judged = |verdict| Judged { verdict, covers: true, settled: false, times: false };
        if let (Some(ours), Some(real)) = (ours, real)
            && ours.is_directory()
            && real.is_directory()
        {
            return Ok(self.directories(base.as_ref(), ours, real));
        }
        let same = match (ours, real) {
            (None, None) => true,
            (Some(ours), Some(real)) => !ours.unknown && !real.unknown && ours.is_same(real),
            _ => false,
        };
        if same {
            let verdict = weak(base.as_ref(), ours.as_ref(), real.as_ref());
            let as_base = match (base, ours) {
                (Some(base), Some(ours)) => base.is_same(ours),
                (None, None) => true,
                _ => false,
            };
            // What is gone on both sides is passed over, with all that was below it.
            return Ok(Judged { settled: !as_base, ..judged(verdict) });
        }
        let ours_changed = self.changed(at.base, base, at.ours.map(At::Ours), ours, path)?;
        let real_changed = self.changed(at.base, base, at.real.map(At::Real), real, path)?;
        Ok(judged(match (ours_changed, real_changed) {
            (None, _) | (_, None) => Verdict::Unknown,
            (Some(true), Some(true)) => Verdict::Conflict,
            (Some(true), Some(false)) => Verdict::Ours,
            (Some(false), Some(true)) => Verdict::Real,
            // Neither has what the other lacks: both have a directory of the base in part, or one has it no more.
            (Some(false), Some(false)) => Verdict::Ours,
        }))
    }

    fn directories(&self, base: Option<&Facts>, ours: &Facts, real: &Facts) -> Judged {
        let base = base.filter(|base| base.is_directory());
        let changed = |side: &Facts| base.is_none_or(|base| !base.is_same(side));
        let (verdict, settled) = match (ours.is_same(real), changed(ours), changed(real)) {
            (true, changed, _) => (Verdict::Same, changed),
            (false, _, _) if real.unknown => (Verdict::Unknown, false),
            // Both have made it. Were it a conflict, what is in it could not be in the base, and what one side removes
            // there would come back from the other.
            (false, true, true) if base.is_none() => (Verdict::Either, false),
            (false, true, true) => (Verdict::Conflict, false),
            (false, true, false) => (Verdict::Ours, false),
            (false, false, _) => (Verdict::Real, false),
        };
        let times = ours.attributes.mtime != real.attributes.mtime;
        // Of a directory that cannot be listed nothing below is known.
        let covers = real.unknown;
        let verdict = if covers { Verdict::Unknown } else { verdict };
        Judged { verdict, covers, settled, times: times && !covers }
    }

    /// Whether one side has changed what the base has. `None`: that cannot be known.
    pub(super) fn changed(
        &self,
        base_at: Option<Cursor>,
        base: &Option<Facts>,
        at: Option<At>,
        facts: &Option<Facts>,
        path: &[u8],
    ) -> Result<Option<bool>> {
        match (base, facts) {
            (_, Some(facts)) if facts.unknown => Ok(None),
            (Some(base), Some(facts)) if base.is_directory() && facts.is_directory() => {
                match (base_at, at) {
                    (Some(base), Some(at)) => self.has_more(base, at, path),
                    _ => Ok(Some(false)),
                }
            }
            (Some(base), Some(facts)) => Ok(Some(!base.is_same(facts))),
            (None, None) => Ok(Some(false)),
            _ => Ok(Some(true)),
        }
    }

    /// Whether something in a directory was added or changed.
    fn has_more(&self, base: Cursor, side: At, path: &[u8]) -> Result<Option<bool>> {
        let mut pending = vec![(base, side, path.to_vec())];
        while let Some((base, side, path)) = pending.pop() {
            for (name, child) in self.entries(side, &path)? {
                let known = self.base.child(base, &name)?;
                let facts = self.facts(child)?;
                if facts.unknown {
                    return Ok(None);
                }
                let Some(known) = known else { return Ok(Some(true)) };
                let before = self.facts(At::Base(known))?;
                if before.is_directory() && facts.is_directory() {
                    pending.push((known, child, join(&path, &name)));
                } else if !before.is_same(&facts) {
                    return Ok(Some(true));
                }
            }
        }
        Ok(Some(false))
    }

    /// A file of the workspace at a path, or below it, that is being written at this moment.
    pub fn busy_below(&self, at: Cursor, path: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.busy.is_empty() {
            return Ok(None);
        }
        let mut pending = vec![(At::Ours(at), path.to_vec())];
        while let Some((at, path)) = pending.pop() {
            if self.facts(at)?.unknown {
                return Ok(Some(path));
            }
            for (name, child) in self.entries(at, &path)? {
                pending.push((child, join(&path, &name)));
            }
        }
        Ok(None)
    }

    /// How many entries the larger of both sides has at a path.
    fn count(&self, at: &Triple, facts: &[Option<Facts>; 3], path: &[u8]) -> Result<u64> {
        let mut most = 1;
        for (at, facts) in [(at.ours.map(At::Ours), &facts[1]), (at.real.map(At::Real), &facts[2])]
        {
            let Some(at) = at.filter(|_| facts.as_ref().is_some_and(Facts::is_directory)) else {
                continue;
            };
            let (mut entries, mut pending) = (1, vec![(at, path.to_vec())]);
            while let Some((at, path)) = pending.pop() {
                for (name, child) in self.entries(at, &path)? {
                    entries += 1;
                    pending.push((child, join(&path, &name)));
                }
            }
            most = most.max(entries);
        }
        Ok(most)
    }
}

/// What becomes of two that are the same but for times.
fn weak(base: Option<&Facts>, ours: Option<&Facts>, real: Option<&Facts>) -> Verdict {
    let (Some(ours), Some(real)) = (ours, real) else { return Verdict::Same };
    let (of_ours, of_real) = (ours.attributes.mtime, real.attributes.mtime);
    if of_ours == of_real {
        return Verdict::Same;
    }
    let before = base.filter(|base| base.is_same(ours)).map(|base| base.attributes.mtime);
    match before {
        Some(before) if before == of_real => Verdict::Ours,
        Some(before) if before == of_ours => Verdict::Real,
        _ => Verdict::Either,
    }
}
