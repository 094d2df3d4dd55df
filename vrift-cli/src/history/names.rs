//! What nodes were called at a moment of the past.

use std::collections::HashMap;

use vrift_manifest::journal::Operation;
use vrift_manifest::tree::{ROOT, Tree};

use super::known::{Known, Name};
use crate::node::join;

/// Deeper than any path can be; a damaged tree may hold rings.
const DEEPEST: usize = 4096;

/// The names of all nodes while records are read.
pub struct Names {
    /// The tree before the first of the records.
    base: Tree,
    /// The names of the nodes that a record named, oldest first. The last name of a removed node stays: that is how
    /// people know it.
    changed: HashMap<u64, Known>,
}

/// Where something was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The path from the root.
    pub path: Vec<u8>,
    /// The numbers of the directories above, nearest first.
    pub above: Vec<u64>,
}

impl Names {
    /// The names as they are in the image of `base`, which must be a state that an era begins with.
    pub fn of(base: Tree) -> Names {
        Names { base, changed: HashMap::new() }
    }

    /// The tree before the first of the records.
    pub fn base(&self) -> &Tree {
        &self.base
    }

    /// Where the node `number` is, by the first of its names; nothing is known of some nodes in a damaged tree.
    pub fn trace(&self, number: u64) -> Option<Trace> {
        if number == ROOT {
            return Some(Trace::default());
        }
        let name = self.name(number)?;
        self.trace_entry(name.parent, &name.name)
    }

    /// Where an entry of a directory is.
    pub fn trace_entry(&self, parent: u64, name: &[u8]) -> Option<Trace> {
        let mut parts = vec![name.to_vec()];
        let mut above = vec![parent];
        let mut at = parent;
        while at != ROOT {
            let name = self.name(at)?;
            parts.push(name.name);
            above.push(name.parent);
            at = name.parent;
            if parts.len() > DEEPEST {
                return None;
            }
        }
        let path = parts.iter().rev().fold(Vec::new(), |path, part| join(&path, part));
        Some(Trace { path, above })
    }

    fn name(&self, number: u64) -> Option<Name> {
        if let Some(known) = self.changed.get(&number) {
            return known.first().cloned();
        }
        let image = self.base.image();
        let record = image.by_number(number).ok()??;
        let parent = image.node_number(image.parent(record).ok()?).ok()?;
        Some(Name { parent, name: image.name(record).ok()?.to_vec() })
    }

    /// Takes in what a record did to names.
    pub fn apply(&mut self, operation: &Operation<'_>) {
        match *operation {
            Operation::Create { parent, name, node, .. }
            | Operation::Link { parent, name, node } => self.add(node, parent, name),
            Operation::Unlink { parent, name, node }
            | Operation::RemoveDirectory { parent, name, node } => self.remove(node, parent, name),
            Operation::Rename { from_parent, from, to_parent, to, node, replaced } => {
                if replaced != 0 {
                    self.remove(replaced, to_parent, to);
                }
                self.add(node, to_parent, to);
                self.remove(node, from_parent, from);
            }
            Operation::Exchange { one_parent, one, other_parent, other, one_node, other_node } => {
                self.add(one_node, other_parent, other);
                self.remove(one_node, one_parent, one);
                self.add(other_node, one_parent, one);
                self.remove(other_node, other_parent, other);
            }
            _ => {}
        }
    }

    fn names(&mut self, node: u64) -> &mut Known {
        if !self.changed.contains_key(&node) {
            let mut known = Known::default();
            self.name(node).into_iter().for_each(|name| known.add(name));
            self.changed.insert(node, known);
        }
        self.changed.entry(node).or_default()
    }

    fn add(&mut self, node: u64, parent: u64, name: &[u8]) {
        self.names(node).add(Name { parent, name: name.to_vec() });
    }

    fn remove(&mut self, node: u64, parent: u64, name: &[u8]) {
        self.names(node).remove(&Name { parent, name: name.to_vec() });
    }
}
