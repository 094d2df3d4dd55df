//! One lock word for all writers of a workspace, which survives the death of whoever holds it.
//!
//! The word holds the raw thread number of its owner. While an owner takes, holds or gives back the lock, the kernel's
//! robust list (its `list_op_pending` field) points at the word: if the owner dies anywhere, the kernel marks the
//! word OWNER_DIED and wakes a waiter, who learns it from [`Held::owner_died`] and repairs what was left half done.
//! This works in fork and vfork children and between C libraries, where pthread's robust mutex does not.
//!
//! All signals are blocked while the lock is held: a handler that comes back for the same lock would wait for itself.
//!
//! In two PID namespaces two threads can have the same number. Whether the one in the word is this thread is therefore not
//! told by the number alone; and the kernel would take the word for that of a namesake who dies waiting for it, so nobody
//! announces it while a namesake has it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering, compiler_fence};

use super::protocol::{OWNER, WAITERS, acquire, release};
use super::sys::{self, RobustHead, SignalMask};
use crate::waiting;

/// What the holder of the lock learns with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The previous holder died with the lock: its work may be half done.
    pub owner_died: bool,
}

/// The lock cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// This thread holds it already: waiting would be for ever.
    #[error("the workspace's lock is already held by this thread")]
    Recursive,
    /// The page cannot be written.
    #[error("the workspace is read-only")]
    ReadOnly,
    /// Whether the lock is left over from before the machine was started cannot be settled.
    #[error("the workspace's lock cannot be taken over: {0}")]
    TakeOver(rustix::io::Errno),
}

/// Runs `work` while holding the lock.
pub fn with_lock<T>(word: &AtomicU32, work: impl FnOnce(Held) -> T) -> Result<T, LockError> {
    let mask = SignalMask::block_all();
    let restore = Restore(mask);
    let me = sys::thread_id() & OWNER;
    if word.load(Ordering::Relaxed) & OWNER == me {
        if HOLDS.get() == (me, word.as_ptr()) {
            return Err(LockError::Recursive);
        }
        wait_for_namesake(word, me);
    }

    // A thread without a robust list (a vfork child, a raw clone) gets one on this stack for the time being.
    let mut own =
        RobustHead { list: core::ptr::null_mut(), futex_offset: 0, pending: core::ptr::null_mut() };
    let found = known_head(me);
    let borrowed = !found.is_null();
    let head = if borrowed {
        found
    } else {
        own.list = &raw mut own;
        // SAFETY: `own` lives until it is unregistered below, on every path: `Pending` does it when dropped.
        unsafe { sys::set_robust_head(&raw mut own) };
        &raw mut own
    };
    let pending = Pending::announce(head, word, !borrowed);

    let owner_died = acquire(word, me, |seen| {
        if seen & OWNER == me {
            pending.without(|| wait_for_namesake(word, me));
        } else {
            waiting::begins();
            sys::futex_wait(word, seen);
        }
    });
    HOLDS.set((me, word.as_ptr()));
    let unlock = Unlock(word);
    let result = work(Held { owner_died });
    drop(unlock);
    drop(pending);
    drop(restore);
    Ok(result)
}

thread_local! {
    /// The lock that this thread has, and its number then: a vfork child has the same variables.
    static HOLDS: Cell<(u32, *mut u32)> = const { Cell::new((0, core::ptr::null_mut())) };
}

/// Waits until the word is not that of a thread with this one's number, in another PID namespace.
#[cold]
fn wait_for_namesake(word: &AtomicU32, me: u32) {
    loop {
        let seen = word.load(Ordering::Relaxed);
        if seen & OWNER != me {
            return;
        }
        let waited = seen | WAITERS;
        if word.compare_exchange(seen, waited, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            sys::futex_wait(word, waited);
        }
    }
}

/// This thread's robust list head. Asked of the kernel once per thread: a fork or vfork child is another thread, to be
/// told by its number, and one that has none yet is asked again.
fn known_head(me: u32) -> *mut RobustHead {
    thread_local! {
        static KNOWN: Cell<(u32, *mut RobustHead)> = const { Cell::new((0, core::ptr::null_mut())) };
    }
    let (thread, head) = KNOWN.get();
    if thread == me && !head.is_null() {
        return head;
    }
    let head = sys::robust_head();
    KNOWN.set((me, head));
    head
}

struct Restore(SignalMask);

impl Drop for Restore {
    fn drop(&mut self) {
        self.0.restore();
    }
}

struct Unlock<'a>(&'a AtomicU32);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        HOLDS.set((0, core::ptr::null_mut()));
        release(self.0, || sys::futex_wake_one(self.0));
    }
}

/// The announcement to the kernel that this thread is dealing with the word.
struct Pending {
    head: *mut RobustHead,
    before: *mut u8,
    unregister: bool,
}

impl Pending {
    fn announce(head: *mut RobustHead, word: &AtomicU32, unregister: bool) -> Pending {
        // SAFETY: `head` is this thread's registered list head, which only this thread (and the kernel at its death)
        // uses; libc keeps it in the thread's control block, or it is on our caller's stack. What libc had announced
        // itself is put back afterwards.
        let before = unsafe {
            let before = (*head).pending;
            let offset = (*head).futex_offset;
            (&raw mut (*head).pending)
                .write_volatile(word.as_ptr().cast::<u8>().wrapping_offset(-offset));
            before
        };
        compiler_fence(Ordering::SeqCst);
        Pending { head, before, unregister }
    }

    /// Takes the announcement back while `work` runs.
    fn without(&self, work: impl FnOnce()) {
        // SAFETY: as in `announce`: the head is this thread's, and registered as long as this value is there.
        let pending = unsafe { &raw mut (*self.head).pending };
        // SAFETY: as above.
        let word = unsafe { pending.read_volatile() };
        // SAFETY: as above.
        unsafe { pending.write_volatile(self.before) };
        compiler_fence(Ordering::SeqCst);
        work();
        compiler_fence(Ordering::SeqCst);
        // SAFETY: as above.
        unsafe { pending.write_volatile(word) };
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: as in `announce`; the head is still registered, and unregistering one of our own ends its use.
        unsafe {
            (&raw mut (*self.head).pending).write_volatile(self.before);
            if self.unregister {
                sys::set_robust_head(core::ptr::null_mut());
            }
        }
    }
}
