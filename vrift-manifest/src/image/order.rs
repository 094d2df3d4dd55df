//! The order of records: breadth first from the root, the children of a directory sorted by name.

use super::build::{BuildError, Builder};
use crate::attributes::Kind;

/// No record yet.
const NONE: u32 = u32::MAX;

/// Which entry is which record.
pub(super) struct Order {
    /// The entry of each record but the root's.
    entries: Vec<u32>,
    /// The primary record of each node.
    records: Vec<u32>,
}

impl Order {
    /// Sorts the entries of a builder; an error if two have the same name in the same directory.
    pub fn of(builder: &Builder) -> Result<Order, BuildError> {
        let mut starts = Vec::with_capacity(builder.nodes.len() + 1);
        let mut total = 0u32;
        for node in &builder.nodes {
            starts.push(total);
            total += node.children;
        }
        starts.push(total);
        let sorted = sort(builder, &starts)?;

        let mut entries = Vec::with_capacity(builder.entries.len());
        let mut records = vec![NONE; builder.nodes.len()];
        records[0] = 0;
        let mut expand = |node: u32, entries: &mut Vec<u32>| {
            let run = starts[node as usize] as usize..starts[node as usize + 1] as usize;
            for &entry in &sorted[run] {
                entries.push(entry);
                let child = builder.entries[entry as usize].node as usize;
                if records[child] == NONE {
                    records[child] = entries.len() as u32;
                }
            }
        };
        expand(0, &mut entries);
        let mut at = 0;
        while let Some(&entry) = entries.get(at) {
            let node = builder.entries[entry as usize].node;
            if builder.nodes[node as usize].is(Kind::Directory) {
                expand(node, &mut entries);
            }
            at += 1;
        }
        Ok(Order { entries, records })
    }

    /// The number of records, the root's included.
    pub fn len(&self) -> u32 {
        self.entries.len() as u32 + 1
    }

    /// The entry of a record; the root has none.
    pub fn entry(&self, record: u32) -> Option<u32> {
        self.entries.get((record as usize).checked_sub(1)?).copied()
    }

    /// The primary record of a node.
    pub fn record(&self, node: u32) -> u32 {
        self.records[node as usize]
    }
}

/// All entries, grouped by directory and sorted by name.
fn sort(builder: &Builder, starts: &[u32]) -> Result<Vec<u32>, BuildError> {
    let mut sorted = vec![0u32; builder.entries.len()];
    let mut free = starts.to_vec();
    for (index, entry) in builder.entries.iter().enumerate() {
        let place = &mut free[entry.parent as usize];
        sorted[*place as usize] = index as u32;
        *place += 1;
    }
    let name = |index: u32| builder.name(&builder.entries[index as usize]);
    for pair in starts.windows(2) {
        let run = &mut sorted[pair[0] as usize..pair[1] as usize];
        run.sort_unstable_by(|&a, &b| name(a).cmp(name(b)));
        if let Some(twins) = run.windows(2).find(|twins| name(twins[0]) == name(twins[1])) {
            let parent = builder.entries[twins[0] as usize].parent;
            return Err(BuildError::DuplicateName { path: builder.path(parent, name(twins[0])) });
        }
    }
    Ok(sorted)
}
