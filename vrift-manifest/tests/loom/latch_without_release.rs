//! The latch without the writer's fence, to see that the fence is needed and that the tests would notice.

mod atomics {
    pub use loom::sync::atomic::{AtomicU64, Ordering};

    pub fn fence(order: Ordering) {
        if order != Ordering::Release {
            loom::sync::atomic::fence(order);
        }
    }
}

#[path = "../../src/index/latch.rs"]
pub mod latch;
