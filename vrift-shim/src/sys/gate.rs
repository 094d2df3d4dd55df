//! Work of ours that may come back through our own hooks: the standard library, on ways that are rarely taken.
//!
//! While a thread is inside, its calls go to the next definition unseen. It is a count per thread (a flag of the
//! process would let other threads past the tree), and signals wait: a handler is the program's, not ours.

use std::cell::Cell;

use vrift_manifest::signals;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is in work of ours.
#[inline]
pub fn is_inside() -> bool {
    DEPTH.get() != 0
}

/// Runs work that may call what is hooked.
pub fn inside<T>(work: impl FnOnce() -> T) -> T {
    signals::blocked(|| {
        DEPTH.set(DEPTH.get() + 1);
        let result = super::errno::kept(work);
        DEPTH.set(DEPTH.get() - 1);
        result
    })
}
