//! The names of one node, oldest first. Nearly every node has one or two; a node of very many is not to make each change of
//! its names a walk over all of them.

use std::collections::{BTreeMap, HashMap};

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The directory.
    pub parent: u64,
    /// The name there.
    pub name: Vec<u8>,
}

/// Up to so many names are looked through.
const FEW: usize = 32;

/// The names of a node.
pub enum Known {
    /// In their order.
    Few(Vec<Name>),
    /// By their order, and the order of each.
    Many {
        /// Oldest first.
        by_age: BTreeMap<u64, Name>,
        /// Where each is in there.
        ages: HashMap<Name, u64>,
        /// For the next one.
        next: u64,
    },
}

impl Default for Known {
    fn default() -> Known {
        Known::Few(Vec::new())
    }
}

impl Known {
    /// The oldest name.
    pub fn first(&self) -> Option<&Name> {
        match self {
            Known::Few(names) => names.first(),
            Known::Many { by_age, .. } => by_age.first_key_value().map(|(_, name)| name),
        }
    }

    /// Adds a name as the youngest, also if it is there.
    pub fn add(&mut self, name: Name) {
        match self {
            Known::Few(names) => {
                names.retain(|known| *known != name);
                names.push(name);
                if names.len() > FEW {
                    let all = std::mem::take(names);
                    *self = Known::Many { by_age: BTreeMap::new(), ages: HashMap::new(), next: 0 };
                    all.into_iter().for_each(|name| self.add(name));
                }
            }
            Known::Many { by_age, ages, next } => {
                if let Some(age) = ages.insert(name.clone(), *next) {
                    by_age.remove(&age);
                }
                by_age.insert(*next, name);
                *next += 1;
            }
        }
    }

    /// Removes a name, if it is not the last one.
    pub fn remove(&mut self, name: &Name) {
        match self {
            Known::Few(names) if names.len() > 1 => names.retain(|known| known != name),
            Known::Many { by_age, ages, .. } if by_age.len() > 1 => {
                if let Some(age) = ages.remove(name) {
                    by_age.remove(&age);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Name {
        Name { parent: 1, name: number.to_string().into_bytes() }
    }

    #[test]
    fn many_names_are_kept_in_the_order_of_few() {
        let (mut known, mut plain) = (Known::default(), Vec::new());
        // Any order will do in which names come, come again and go.
        for step in 0..4000_usize {
            let which = name(step * step * 7 % 263);
            if step % 3 == 1 && plain.len() > 1 {
                plain.retain(|known| *known != which);
                known.remove(&which);
            } else {
                plain.retain(|known| *known != which);
                plain.push(which.clone());
                known.add(which);
            }
            assert_eq!(known.first(), plain.first(), "at {step}");
        }
        assert!(matches!(known, Known::Many { .. }));
    }

    #[test]
    fn the_last_name_stays() {
        for count in [1, 100] {
            let mut known = Known::default();
            (0..count).for_each(|number| known.add(name(number)));
            (0..count).for_each(|number| known.remove(&name(number)));
            assert_eq!(known.first(), Some(&name(count - 1)));
        }
    }
}
