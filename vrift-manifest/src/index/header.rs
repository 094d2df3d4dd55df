//! Whether the header can be believed. What it says of numbers, times and drafts gets into the journal with the next change,
//! and from there into every index that is built later; what it says of the tables decides what is found, and so what
//! changes are let through. So its words are there twice, and a change looks at them first.

use std::sync::atomic::Ordering;

use super::layout::*;
use super::read::Index;
use crate::shm::Region;

impl Index {
    /// Whether the header's words are those that were written last, and the file holds what is in use. For the holder of the
    /// lock: beside a writer, or where one died, they may differ for a moment.
    pub fn is_whole(&self) -> bool {
        (0..DOUBLED).all(|at| self.is_same(at)) && self.used().is_some()
    }

    fn is_same(&self, at: usize) -> bool {
        // In this order: what is raised meanwhile is raised here first.
        let again = self.get(H_AGAIN + at);
        let word = self.get(at);
        match at {
            // Raised without the lock, one after the other.
            H_FLOOR => word as i64 >= again as i64,
            // What the file has.
            H_SIZE => true,
            _ => word == again,
        }
    }

    /// The words in use as they are now, in `memory` of this process alone.
    pub(crate) fn copied(&self, memory: Region) -> Index {
        for at in 0..self.used().unwrap_or(0) {
            // What is zero there takes no page here.
            match self.get(at) {
                0 => {}
                word => drop(memory.store(at, word, Ordering::Relaxed)),
            }
        }
        Index::new(memory)
    }

    /// Words in use; `None`: the file has less.
    fn used(&self) -> Option<usize> {
        let used = usize::try_from(self.get(H_USED)).ok().filter(|&used| used >= HEADER)?;
        self.region.word(used - 1).map(|_| used)
    }
}
