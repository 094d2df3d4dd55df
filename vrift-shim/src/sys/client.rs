//! For whom a thread of `vrift run` acts while it answers calls of programs that no library is in (`crate::answer`). In all
//! other processes: for nobody but the process itself.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static THREAD: Cell<u32> = const { Cell::new(0) };
    static UMASK: Cell<u32> = const { Cell::new(0o022) };
}

/// This process answers for others.
static ANSWERS: AtomicBool = AtomicBool::new(false);

/// From now on this process answers for others.
#[cfg(target_arch = "x86_64")]
pub fn answers() {
    ANSWERS.store(true, Ordering::Release);
}

/// Whether this process answers for others.
#[inline]
pub fn is_answering() -> bool {
    ANSWERS.load(Ordering::Relaxed)
}

/// The thread for which this one acts.
#[inline]
pub fn thread() -> Option<u32> {
    if is_answering() { acting() } else { None }
}

#[cold]
fn acting() -> Option<u32> {
    Some(THREAD.get()).filter(|&thread| thread != 0)
}

/// The umask of who is acted for.
#[inline]
pub fn umask() -> Option<u32> {
    thread().map(|_| UMASK.get())
}

/// From here on this thread acts for `thread`.
#[cfg(target_arch = "x86_64")]
pub fn act_for(thread: u32) {
    THREAD.set(thread);
}

/// Its umask.
#[cfg(target_arch = "x86_64")]
pub fn set_umask(umask: u32) {
    UMASK.set(umask);
}
