//! Signals, kept waiting: a handler is the program's, and must not run in the middle of what is ours.

pub use crate::shm::SignalMask;

/// Runs `work` while no signal is delivered to this thread.
pub fn blocked<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(SignalMask);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.restore();
        }
    }
    let _restore = Restore(SignalMask::block_all());
    work()
}
