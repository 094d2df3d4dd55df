//! A stack that is large enough for what it takes to execute a program, where the caller's may not be: a thread's least is
//! 16 KiB, and what `clone` gives a child, or `sigaltstack` a handler, can be less.
//!
//! The first thread's stack grows, and is taken as it is. For others there are a few stacks that stay mapped; who is on one
//! has signals blocked: a handler is the program's, which may want to know its own stack (a collector of garbage looks for
//! pointers there). What the program is to see is done where it was: [`Caller::back`].
//!
//! A child that shares its parent's memory does not come back from executing; then the kernel itself clears the word that
//! says whose the stack is, as it does for a thread that ends.

use std::arch::naked_asm;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use vrift_manifest::signals::SignalMask;

use super::stack::once;

/// Address space of a stack, with its guard. Pages are taken as they are touched; less than a huge page.
const BYTES: usize = 3 << 19;
/// The page that ends it, as large as a page can be.
const GUARD: usize = 1 << 16;
/// What the first thread's stack certainly has.
const FIRST: usize = 1 << 20;
/// Pointers of arguments and environment, which are copied a few times on the way; with more of them, the caller's stack is
/// no small one.
const MOST: usize = 1 << 14;

/// An address at the beginning of the first thread's stack; 0: not known.
static BEGIN: AtomicUsize = AtomicUsize::new(0);

/// Notes where the first thread's stack begins.
pub fn begin(address: usize) {
    BEGIN.store(address, Ordering::Relaxed);
}

/// Whoever asked for something, and waits on its own stack.
#[derive(Clone, Copy)]
pub struct Caller(Option<Place>);

#[derive(Clone, Copy)]
struct Place {
    /// Below this the stack is free.
    stack: usize,
    mask: SignalMask,
}

/// Calls `work` on a stack that is large enough, also for so many pointers.
pub fn with<R>(pointers: impl FnOnce() -> usize, work: impl FnOnce(Caller) -> R) -> R {
    once(
        work,
        |work| {
            if is_first() || pointers() > MOST { work(Caller(None)) } else { elsewhere(work) }
        },
    )
}

/// Whether this is the first thread's stack, and not deep in it.
fn is_first() -> bool {
    let here = 0_u8;
    let depth = BEGIN.load(Ordering::Relaxed).wrapping_sub(ptr::from_ref(&here) as usize);
    depth < FIRST
}

#[cold]
#[inline(never)]
fn elsewhere(work: &mut dyn FnMut(Caller)) {
    let mask = SignalMask::block_all();
    match Stack::take() {
        Some(stack) => {
            let work = &mut |below| work(Caller(Some(Place { stack: below, mask })));
            call(stack.top(), work);
            drop(stack);
            mask.restore();
        }
        None => {
            mask.restore();
            work(Caller(None));
        }
    }
}

impl Caller {
    /// Calls `go` on the caller's stack, with its signals.
    pub fn back<R>(self, go: impl FnOnce() -> R) -> R {
        once(
            |()| go(),
            |go| match self.0 {
                Some(place) => call(place.stack, &mut |_| {
                    place.mask.restore();
                    go(());
                    SignalMask::block_all();
                }),
                None => go(()),
            },
        )
    }
}

/// What is done on another stack; it is told below what the one that was left is free.
type Work<'a> = &'a mut dyn FnMut(usize);

fn call(stack: usize, mut work: Work<'_>) {
    // SAFETY: `stack` is the upper end of a stack that nobody else is on, or that was left here; at the other address is
    // what `enter` takes it for.
    unsafe { on(stack & !15, enter, (&raw mut work).cast()) };
}

extern "C" fn enter(work: *mut c_void, below: usize) {
    // SAFETY: `call` passed the address of its own, which it does not touch meanwhile.
    let work = unsafe { &mut *work.cast::<Work<'_>>() };
    work(below);
}

type Enter = extern "C" fn(*mut c_void, usize);

/// Calls `enter` with `frame`, and with where this stack is free, on another stack.
#[cfg(target_arch = "x86_64")]
// SAFETY: for its caller: `frame` is what `enter` takes it for, and the stack is free and large enough. This one is as it
// was in the end.
#[unsafe(naked)]
unsafe extern "C" fn on(stack: usize, enter: Enter, frame: *mut c_void) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov rsp, rdi",
        "mov rax, rsi",
        "mov rdi, rdx",
        "mov rsi, rbp",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

/// The same.
#[cfg(target_arch = "aarch64")]
// SAFETY: as above.
#[unsafe(naked)]
unsafe extern "C" fn on(stack: usize, enter: Enter, frame: *mut c_void) {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "mov sp, x0",
        "mov x3, x1",
        "mov x0, x2",
        "mov x1, x29",
        "blr x3",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ret",
    )
}

/// How many stay mapped.
const KEPT: usize = 8;

/// One of those that stay.
struct Slot {
    /// The thread that is on it; 0: none.
    owner: AtomicU32,
    /// Where it lies; 0: not mapped yet. Its owner's to write.
    start: AtomicUsize,
}

static SLOTS: [Slot; KEPT] =
    [const { Slot { owner: AtomicU32::new(0), start: AtomicUsize::new(0) } }; KEPT];

/// A stack, and the right to be on it.
struct Stack {
    start: usize,
    /// One of those that stay, and whether the kernel is to clear its owner.
    slot: Option<(&'static Slot, bool)>,
}

impl Stack {
    fn take() -> Option<Stack> {
        let own = rustix::thread::gettid().as_raw_pid().unsigned_abs();
        let take = |slot: &&Slot| {
            slot.owner.compare_exchange(0, own, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let Some(slot) = SLOTS.iter().find(take) else {
            return Some(Stack { start: map()?, slot: None });
        };
        let start = match slot.start.load(Ordering::Relaxed) {
            0 => map(),
            start => Some(start),
        };
        let Some(start) = start else {
            slot.owner.store(0, Ordering::Release);
            return None;
        };
        slot.start.store(start, Ordering::Relaxed);
        let cleared = is_nothing_cleared();
        if cleared {
            clear_at_end(slot.owner.as_ptr());
        }
        Some(Stack { start, slot: Some((slot, cleared)) })
    }

    fn top(&self) -> usize {
        self.start + BYTES
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let Some((slot, cleared)) = self.slot else {
            // SAFETY: mapped by `take`, and nobody is on it any more.
            let _ = unsafe { munmap(self.start as *mut c_void, BYTES) };
            return;
        };
        if cleared {
            clear_at_end(ptr::null_mut());
        }
        slot.owner.store(0, Ordering::Release);
    }
}

#[cold]
fn map() -> Option<usize> {
    let (access, flags) =
        (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
    // SAFETY: anonymous memory at an address of the kernel's choice.
    let start = unsafe { mmap_anonymous(ptr::null_mut(), BYTES, access, flags) }.ok()?;
    // SAFETY: the lowest pages of it, which nobody has yet.
    let _ = unsafe { mprotect(start, GUARD, MprotectFlags::empty()) };
    Some(start as usize)
}

/// Whether the kernel clears no word when this thread ends or executes: so it is with a child that `vfork` or `clone` made,
/// not with a thread or a process of libc's, which share the memory until they end, or have it alone.
fn is_nothing_cleared() -> bool {
    let mut word: *mut c_void = ptr::null_mut();
    // SAFETY: there is room for the address that the kernel writes.
    let told = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut word, 0, 0, 0) };
    told == 0 && word.is_null()
}

/// The kernel clears this word when this thread leaves its memory to others.
fn clear_at_end(word: *mut u32) {
    // SAFETY: null, or a static word.
    unsafe { libc::syscall(libc::SYS_set_tid_address, word) };
}
