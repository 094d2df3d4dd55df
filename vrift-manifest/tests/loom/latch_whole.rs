//! The latch as it is.

mod atomics {
    pub use loom::sync::atomic::{AtomicU64, Ordering, fence};
}

#[path = "../../src/index/latch.rs"]
pub mod latch;
