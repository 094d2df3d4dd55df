//! Whether this thread is in a vfork child: it runs in its parent's memory, on its parent's stack, and what it writes
//! there is the parent's.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use super::fork::{self, Asker};

thread_local! {
    /// The process that called vfork from this thread, as long as that may still be going on; else 0.
    static PARENT: Cell<u32> = const { Cell::new(0) };
}

/// How many threads have such a process noted, or had when this process was forked off: as long as there is none, nobody has
/// to ask for a thread's own data.
static THREADS: AtomicU32 = AtomicU32::new(0);

/// Notes that vfork is about to be called.
pub fn begins() {
    if !is_child() {
        // From now on a copy of this process knows that it is one.
        fork::is_copy(Asker::Vfork);
        THREADS.fetch_add(1, Ordering::Relaxed);
        PARENT.set(process());
    }
}

/// Whether this is the child.
#[inline]
pub fn is_child() -> bool {
    // What the thread itself has stored it sees in any order, and a vfork child is on its parent's thread.
    THREADS.load(Ordering::Relaxed) != 0 && is_this_child()
}

#[cold]
#[inline(never)]
fn is_this_child() -> bool {
    let parent = PARENT.get();
    parent != 0 && child_of(parent)
}

/// The process whose memory this is: the parent's number in its child.
pub fn owner() -> u32 {
    if is_child() { PARENT.get() } else { process() }
}

#[cold]
fn child_of(parent: u32) -> bool {
    if process() != parent && !fork::is_copy(Asker::Vfork) {
        return true;
    }
    // The parent goes on only when the child has gone. In a copy of the parent nothing of this is true any more.
    PARENT.set(0);
    THREADS.fetch_sub(1, Ordering::Relaxed);
    false
}

/// The process's number, asked of the kernel: what libc keeps may be the parent's.
pub fn process() -> u32 {
    rustix::process::getpid().as_raw_pid().unsigned_abs()
}
