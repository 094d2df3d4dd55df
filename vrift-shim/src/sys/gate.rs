//! Work of ours that may come back through our own hooks: the standard library, on ways that are rarely taken.
//!
//! While a thread is inside, its calls go to the next definition unseen. It is a count per thread (a flag of the
//! process would let other threads past the tree), and signals wait: a handler is the program's, not ours.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use vrift_manifest::signals;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// How many threads are inside, or were when this process was forked off: nearly always none, and to ask for a thread's own
/// data is a call of the loader's in every hook.
static THREADS: AtomicU32 = AtomicU32::new(0);

/// Whether any thread may be in work of ours.
#[inline]
pub fn is_anybody_inside() -> bool {
    // What the thread itself has stored it sees in any order.
    THREADS.load(Ordering::Relaxed) != 0
}

/// Whether this thread is in work of ours.
#[inline]
pub fn is_inside() -> bool {
    is_anybody_inside() && is_this_inside()
}

#[cold]
#[inline(never)]
fn is_this_inside() -> bool {
    DEPTH.get() != 0
}

/// Runs work that may call what is hooked.
pub fn inside<T>(work: impl FnOnce() -> T) -> T {
    signals::blocked(|| {
        THREADS.fetch_add(1, Ordering::Relaxed);
        DEPTH.set(DEPTH.get() + 1);
        let result = super::errno::kept(work);
        DEPTH.set(DEPTH.get() - 1);
        THREADS.fetch_sub(1, Ordering::Relaxed);
        result
    })
}
