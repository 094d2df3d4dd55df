//! A thread that answers may have to wait for a program below a covered one, which has the workspace's lock or is sealing a file.
//! What that asks the kernel is told, too: so before a thread waits, another takes its place.

use std::cell::{Cell, RefCell};

use vrift_manifest::waiting;

/// Starts another thread for the same listener; whether it could.
pub type Relieve = Box<dyn Fn() -> bool>;

thread_local! {
    static RELIEVE: RefCell<Option<Relieve>> = const { RefCell::new(None) };
    static RELIEVED: Cell<bool> = const { Cell::new(false) };
}

/// This thread answers from here on, and whoever takes its place is started by `relieve`.
pub fn on_duty(relieve: Relieve) {
    RELIEVE.set(Some(relieve));
    RELIEVED.set(false);
    waiting::before(waits);
}

/// Whether another has taken this thread's place.
pub fn is_relieved() -> bool {
    RELIEVED.get()
}

/// This thread is about to wait.
fn waits() {
    if !RELIEVED.get() {
        let relieved = RELIEVE.with_borrow(|relieve| relieve.as_ref().is_some_and(|start| start()));
        RELIEVED.set(relieved);
    }
}
