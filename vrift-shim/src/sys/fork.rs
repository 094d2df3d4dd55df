//! Whether this process is a copy of another: a fork takes everything over, also what is true of one process only.
//!
//! A page that the kernel empties in the copy says it, whichever call made the copy. A vfork child has no copy and sees
//! the page as its parent does.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

/// Who asks. Each is told once.
#[derive(Clone, Copy)]
pub enum Asker {
    /// The state of vfork.
    Vfork,
    /// The record of the process.
    Record,
}

struct Page {
    vfork: AtomicU32,
    record: AtomicU32,
}

static PAGE: AtomicPtr<Page> = AtomicPtr::new(ptr::null_mut());

const BYTES: usize = 4096;

fn page() -> Option<&'static Page> {
    // SAFETY: null, or the page that `map` put there, which is never unmapped.
    unsafe { PAGE.load(Ordering::Acquire).as_ref() }
}

/// Whether this process was forked since this was asked last. The first time: no.
pub fn is_copy(asker: Asker) -> bool {
    let Some(page) = page() else {
        map();
        return false;
    };
    let word = match asker {
        Asker::Vfork => &page.vfork,
        Asker::Record => &page.record,
    };
    word.load(Ordering::Acquire) == 0 && word.swap(1, Ordering::AcqRel) == 0
}

/// The child of a fork says it itself: for a kernel that does not empty pages.
pub fn in_child() {
    if let Some(page) = page() {
        page.vfork.store(0, Ordering::Release);
        page.record.store(0, Ordering::Release);
    }
}

#[cold]
fn map() {
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
    // SAFETY: anonymous memory at an address of the kernel's choice.
    let Ok(room) = (unsafe { mmap_anonymous(ptr::null_mut(), BYTES, protection, flags) }) else {
        return;
    };
    // SAFETY: the page was just mapped, and nothing is in it.
    let _ = unsafe { madvise(room, BYTES, Advice::LinuxWipeOnFork) };
    let new = room.cast::<Page>();
    // SAFETY: a page is large enough and aligned; zeros are a value.
    let page = unsafe { &*new };
    page.vfork.store(1, Ordering::Relaxed);
    page.record.store(1, Ordering::Relaxed);
    // Who comes second leaves a page behind, once in the life of the process.
    let _ = PAGE.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
}
