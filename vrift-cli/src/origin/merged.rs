//! The workspace's next tree, when it takes in what changed in the directory.

use vrift_manifest::image::Handle;

use super::build::{Building, Key, Put};
use super::compare::Verdict;
use super::sides::{Facts, Sides, Triple};
use crate::error::{Error, Result};
use crate::ingest::join;

/// Whose entry is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Real,
    /// Both are the same.
    Both,
}

impl Sides<'_> {
    /// Puts it together. `force`: what both have changed is taken from the directory.
    pub fn merged(&self, force: bool) -> Result<Building> {
        let roots = self.roots();
        let facts = self.all(&roots)?;
        let (whose, _) = self.whose(&roots, &facts, &[], None, force)?;
        let put = self.put(&roots, &facts, whose)?;
        let put = put.ok_or_else(|| Error::failed("a tree has no root"))?;
        let mut building = Building::new(&put, self.ours.next_node())?;
        type Pending = (Vec<u8>, Triple, Handle, Option<Whose>);
        let mut pending: Vec<Pending> = vec![(Vec::new(), roots, building.root(), None)];
        while let Some((path, at, parent, inherited)) = pending.pop() {
            for (name, child) in self.children(&at, &path)? {
                let (facts, path) = (self.all(&child)?, join(&path, &name));
                let (whose, below) = self.whose(&child, &facts, &path, inherited, force)?;
                let Some(put) = self.put(&child, &facts, whose)? else { continue };
                let handle = building.add(parent, &name, &put)?;
                if put.facts.is_directory() {
                    pending.push((path, child, handle, below));
                }
            }
        }
        Ok(building)
    }

    /// Whose entry is taken at a path, and whose are taken below it, if that is said already.
    fn whose(
        &self,
        at: &Triple,
        facts: &[Option<Facts>; 3],
        path: &[u8],
        inherited: Option<Whose>,
        force: bool,
    ) -> Result<(Whose, Option<Whose>)> {
        if inherited.is_some() {
            return Ok((inherited.unwrap_or(Whose::Ours), inherited));
        }
        let judged = self.judge(at, facts, path)?;
        let whose = match judged.verdict {
            Verdict::Same => Whose::Both,
            Verdict::Real | Verdict::Either => Whose::Real,
            Verdict::Conflict if force => Whose::Real,
            Verdict::Ours | Verdict::Conflict | Verdict::Unknown => Whose::Ours,
        };
        Ok((whose, judged.covers.then_some(whose)))
    }

    fn put<'f>(
        &self,
        at: &Triple,
        [base, ours, real]: &'f [Option<Facts>; 3],
        whose: Whose,
    ) -> Result<Option<Put<'f>>> {
        let facts = match whose {
            Whose::Ours => ours,
            Whose::Real | Whose::Both => real,
        };
        // What cannot be read is named by the scan.
        let Some(facts) = facts.as_ref().filter(|facts| whose == Whose::Ours || !facts.unknown)
        else {
            return Ok(None);
        };
        let [_, of_ours, of_real] = self.keys(at)?;
        let keys: Vec<Key> = match whose {
            _ if facts.is_directory() => Vec::new(),
            Whose::Ours => Vec::from_iter(of_ours),
            Whose::Real => Vec::from_iter(of_real),
            Whose::Both => of_ours.into_iter().chain(of_real).collect(),
        };
        let same_kind = ours.as_ref().is_some_and(|ours| ours.kind == facts.kind);
        let number = at.ours.filter(|_| same_kind).map(|at| self.ours.number(at)).transpose()?;
        // The times of directories: those of the side that has changed what is in it.
        let mtime = match (base, ours, real) {
            (Some(base), Some(ours), Some(_)) if facts.is_directory() && ours.is_directory() => {
                let unchanged = ours.attributes.mtime == base.attributes.mtime;
                if unchanged { facts.attributes.mtime } else { ours.attributes.mtime }
            }
            _ => facts.attributes.mtime,
        };
        Ok(Some(Put { facts, mtime, number, keys }))
    }
}
