//! Hard links: the first name of a node is written, the others become links to it when all first names are there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};

use super::pending::Pending;

/// Where a name is. It keeps its directory from being finished, which might make it unsearchable.
pub type Place = (Arc<Pending>, CString);

/// The links of an export. `T` is what is needed to write an entry.
pub struct Links<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Where the first name of each node is, when it is written.
    first: HashMap<u64, Option<Place>>,
    others: Vec<(u64, Place, T)>,
}

impl<T> Links<T> {
    /// No links yet.
    pub fn new() -> Links<T> {
        Links { state: Mutex::new(State { first: HashMap::new(), others: Vec::new() }) }
    }

    /// Whether this is the first name of the node, so that the caller has to write it. Otherwise it is kept for later.
    pub fn claim(&self, node: u64, place: impl FnOnce() -> (Place, T)) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Vacant(free) = state.first.entry(node) {
            free.insert(None);
            return true;
        }
        let (place, entry) = place();
        state.others.push((node, place, entry));
        false
    }

    /// Says where a node was written.
    pub fn written(&self, node: u64, place: Place) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.first.insert(node, Some(place));
    }

    /// Where a node was written, if it was.
    pub fn place(&self, node: u64) -> Option<Place> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .first
            .get(&node)
            .and_then(|place| place.as_ref())
            .map(|(directory, name)| (Arc::clone(directory), name.clone()))
    }

    /// Takes the names that are to become links.
    pub fn take_others(&self) -> Vec<(u64, Place, T)> {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).others)
    }

    /// Takes the places of the first names.
    pub fn take_first(&self) -> Vec<Place> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.first.drain().filter_map(|(_, place)| place).collect()
    }
}
