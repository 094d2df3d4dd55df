//! Drafts that no node has any more, and that were on the disk: they stay there until it is on the disk that they are not
//! needed. Else a power cut could take the file, and not bring the change that made it superfluous.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::stat;

use super::Session;

/// How many a process remembers. What it does not is removed by the next command.
const MOST: usize = 32;

/// Node and draft of each; zero: the place is free.
#[derive(Default)]
pub(super) struct Removed([(AtomicU64, AtomicU64); MOST]);

impl Session {
    /// Removes the draft of a node that has lost its last name, now or later.
    pub(super) fn drop_draft(&self, node: u64, draft: u64) {
        let found = self.with_draft(node, draft, |path| stat(path));
        if !found.is_ok_and(|found| Session::is_synced(found.st_mode)) {
            let _ = self.remove_draft(node, draft);
            return;
        }
        let removed = self.removed.get().unwrap_or_else(|| self.removed.set(Removed::default()));
        for (place, name) in &removed.0 {
            if place.compare_exchange(0, node, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                name.store(draft, Ordering::Release);
                return;
            }
        }
    }

    /// Runs `sync`, which brings everything to the disk; what was superfluous before is removed then.
    pub(super) fn removing<T, E>(&self, sync: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(removed) = self.removed.get() else { return sync() };
        let before: [(u64, u64); MOST] = std::array::from_fn(|at| match removed.0.get(at) {
            Some((node, draft)) => (node.load(Ordering::Acquire), draft.load(Ordering::Acquire)),
            None => (0, 0),
        });
        let done = sync()?;
        for ((place, name), (node, draft)) in removed.0.iter().zip(before) {
            // Whoever takes it away removes it.
            if draft != 0
                && name.compare_exchange(draft, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                place.store(0, Ordering::Release);
                let _ = self.remove_draft(node, draft);
            }
        }
        Ok(done)
    }
}
