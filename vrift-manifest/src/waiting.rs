//! That a thread is about to wait for another process, told to who wants to know: what that one does meanwhile may be something
//! that this thread is there for (`vrift run` answers calls of programs that no library is in, and of all that they start).

use std::sync::OnceLock;

static TELL: OnceLock<fn()> = OnceLock::new();

/// Has `tell` called by each thread of this process that is about to wait for another process. The first one counts.
pub fn before(tell: fn()) {
    let _ = TELL.set(tell);
}

/// This thread is about to wait.
#[cold]
pub(crate) fn begins() {
    if let Some(tell) = TELL.get() {
        tell();
    }
}
