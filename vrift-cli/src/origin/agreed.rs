//! The new base: what workspace and directory have in common, and of the rest what they had in common before.

use vrift_manifest::image::Handle;
use vrift_manifest::time::Timestamp;

use super::build::{Building, Put};
use super::sides::{Facts, Sides, Triple};
use crate::error::Result;
use crate::ingest::join;

impl Sides<'_> {
    /// Puts it together.
    pub fn agreed(&self) -> Result<Building> {
        let next = self.ours.next_node().max(self.base.next_node());
        let roots = self.roots();
        let facts = self.all(&roots)?;
        let mut building = None;
        self.agreed_put(&roots, &facts, |put| {
            building = Some(Building::new(put, next)?);
            Ok(())
        })?;
        let Some(mut building) = building else {
            return Err(crate::error::Error::failed("a tree has no root"));
        };
        let mut pending: Vec<(Vec<u8>, Triple, Handle)> =
            vec![(Vec::new(), roots, building.root())];
        while let Some((path, at, parent)) = pending.pop() {
            for (name, child) in self.children(&at, &path)? {
                let facts = self.all(&child)?;
                let mut made = None;
                self.agreed_put(&child, &facts, |put| {
                    let handle = building.add(parent, &name, put)?;
                    made = put.facts.is_directory().then_some(handle);
                    Ok(())
                })?;
                if let Some(handle) = made {
                    pending.push((join(&path, &name), child, handle));
                }
            }
        }
        Ok(building)
    }

    fn agreed_put(
        &self,
        at: &Triple,
        [base, ours, real]: &[Option<Facts>; 3],
        then: impl FnOnce(&Put<'_>) -> Result<()>,
    ) -> Result<()> {
        let [of_base, of_ours, of_real] = self.keys(at)?;
        match (ours, real) {
            (None, None) => Ok(()),
            (Some(ours), Some(real)) if !ours.unknown && !real.unknown && ours.is_same(real) => {
                let mtime = agreed_time(base.as_ref(), ours, real);
                let number = at.ours.map(|at| self.ours.number(at)).transpose()?;
                let keys = match ours.is_directory() {
                    true => Vec::new(),
                    false => of_ours.into_iter().chain(of_real).collect(),
                };
                then(&Put { facts: ours, mtime, number, keys })
            }
            _ => {
                let (Some(base), Some(was)) = (base, at.base) else { return Ok(()) };
                let number = Some(self.base.number(was)?);
                let keys = if base.is_directory() { Vec::new() } else { Vec::from_iter(of_base) };
                then(&Put { facts: base, mtime: base.attributes.mtime, number, keys })
            }
        }
    }
}

/// The time that two have in common which are the same in all else.
fn agreed_time(base: Option<&Facts>, ours: &Facts, real: &Facts) -> Timestamp {
    let (of_ours, of_real) = (ours.attributes.mtime, real.attributes.mtime);
    match base.filter(|base| base.is_same(ours)) {
        Some(base) if of_ours != of_real => base.attributes.mtime,
        _ => of_real,
    }
}
