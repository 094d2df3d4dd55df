//! Whether this thread is in a vfork child: it runs in its parent's memory, on its parent's stack, and what it writes
//! there is the parent's.

use std::cell::Cell;

thread_local! {
    /// The process that called vfork from this thread, as long as that may still be going on; else 0.
    static PARENT: Cell<u32> = const { Cell::new(0) };
}

/// Notes that vfork is about to be called.
pub fn begins() {
    PARENT.set(process());
}

/// Whether this is the child.
#[inline]
pub fn is_child() -> bool {
    let parent = PARENT.get();
    parent != 0 && child_of(parent)
}

#[cold]
fn child_of(parent: u32) -> bool {
    if process() != parent {
        return true;
    }
    // The parent goes on only when the child has gone.
    PARENT.set(0);
    false
}

/// The process's number, asked of the kernel: what libc keeps may be the parent's.
pub fn process() -> u32 {
    rustix::process::getpid().as_raw_pid().unsigned_abs()
}
