//! Memory of our own: the program may define malloc itself, and may call us from inside it.
//!
//! One arena, blocks of powers of two, a stack of free blocks for each size. No lock: a thread may be stopped, a signal
//! handler may come, the process may fork anywhere. What does not fit the arena is mapped by itself.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Address space of the arena, mapped when it is first needed; pages are taken as they are touched. Less than a huge page,
/// or the kernel might take one.
const ARENA: usize = 1 << 20;
/// The smallest block, as a power of two.
const LEAST: u32 = 4;
/// The largest block that the arena gives, as a power of two.
const MOST: u32 = 16;
/// Blocks of less lie together at the arena's begin, as long as there is room. A large one begins at a border of its own, and
/// where they took turns each small one behind it would have a page for itself.
const SMALL: usize = 1024;
const FOR_SMALL: usize = 4 * 4096;
const SIZES: usize = (MOST - LEAST + 1) as usize;

/// The allocator.
pub struct Heap {
    /// Where the arena lies; 0: nowhere yet.
    arena: AtomicUsize,
    /// How much of the room for small blocks is given out, and of the rest.
    small: AtomicUsize,
    used: AtomicUsize,
    /// Offset of the first free block + 1 in the low half, a counter in the high half: a block that was taken and given
    /// back meanwhile does not look as if nothing had happened.
    free: [AtomicU64; SIZES],
}

impl Heap {
    /// Nothing was given out yet.
    pub const fn new() -> Heap {
        let free = [const { AtomicU64::new(0) }; SIZES];
        Heap {
            arena: AtomicUsize::new(0),
            small: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            free,
        }
    }

    /// Where the arena lies.
    #[inline]
    fn arena(&self) -> Option<usize> {
        match self.arena.load(Ordering::Acquire) {
            0 => self.begin(),
            arena => Some(arena),
        }
    }

    #[cold]
    fn begin(&self) -> Option<usize> {
        let mapped = map(ARENA)?;
        let arena = mapped.expose_provenance();
        match self.arena.compare_exchange(0, arena, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(arena),
            Err(other) => {
                // Another thread, or a signal handler, was first.
                unmap(mapped, ARENA);
                Some(other)
            }
        }
    }

    /// The word in which a free block keeps the next one's place.
    fn link(&self, arena: usize, offset: usize) -> &AtomicU64 {
        // SAFETY: the offset is of a block that was given out before: inside the arena, which is never unmapped, and
        // aligned to 16. That a thread may have taken the block meanwhile makes the value useless, not the access: see `take`.
        unsafe { &*((arena + offset) as *const AtomicU64) }
    }

    fn take(&self, arena: usize, size: usize) -> Option<usize> {
        let head = self.free.get(size)?;
        let mut seen = head.load(Ordering::Acquire);
        loop {
            let offset = (seen as u32 as usize).checked_sub(1)?;
            let next = self.link(arena, offset).load(Ordering::Relaxed) as u32;
            let new = (seen >> 32).wrapping_add(1) << 32 | u64::from(next);
            match head.compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(arena + offset),
                Err(other) => seen = other,
            }
        }
    }

    fn give(&self, arena: usize, at: usize, size: usize) {
        let Some(head) = self.free.get(size) else { return };
        let offset = at - arena;
        let mut seen = head.load(Ordering::Acquire);
        loop {
            self.link(arena, offset).store(u64::from(seen as u32), Ordering::Relaxed);
            let new = (seen >> 32).wrapping_add(1) << 32 | (offset as u64 + 1);
            match head.compare_exchange_weak(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(other) => seen = other,
            }
        }
    }

    /// Room in the arena for what should have been mapped by itself, when the kernel has refused that. Who gets nothing here
    /// is the standard library, which then ends the process. What has a stack of its own gets nothing, for there was no room:
    /// given back it would be taken for a whole block.
    #[cold]
    fn spare(&self, layout: Layout) -> Option<*mut u8> {
        if size_of(layout).is_some() {
            return None;
        }
        let bytes = layout.size().checked_next_multiple_of(4096)?;
        Some(self.fresh(self.arena()?, bytes)? as *mut u8)
    }

    fn fresh(&self, arena: usize, bytes: usize) -> Option<usize> {
        let small = || match bytes < SMALL {
            true => fresh_of(&self.small, FOR_SMALL, bytes),
            false => None,
        };
        let large = || fresh_of(&self.used, ARENA - FOR_SMALL, bytes).map(|at| at + FOR_SMALL);
        small().or_else(large).map(|offset| arena + offset)
    }
}

impl Heap {
    /// A block, and whether it was used before; null: there is none.
    fn room(&self, layout: Layout) -> (*mut u8, bool) {
        if let (Some(size), Some(arena)) = (size_of(layout), self.arena()) {
            if let Some(at) = self.take(arena, size) {
                return (at as *mut u8, true);
            }
            if let Some(at) = self.fresh(arena, 1 << (size as u32 + LEAST)) {
                return (at as *mut u8, false);
            }
        }
        if layout.align() > 4096 {
            return (ptr::null_mut(), false);
        }
        let mapped = map(layout.size().max(1)).or_else(|| self.spare(layout));
        (mapped.unwrap_or(ptr::null_mut()), false)
    }
}

/// Takes a block of what is left of `room`, of which so much is `used`; its offset there.
fn fresh_of(used: &AtomicUsize, room: usize, bytes: usize) -> Option<usize> {
    let mut seen = used.load(Ordering::Relaxed);
    loop {
        let start = seen.next_multiple_of(bytes.min(4096));
        let end = start.checked_add(bytes).filter(|&end| end <= room)?;
        match used.compare_exchange_weak(seen, end, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Some(start),
            Err(other) => seen = other,
        }
    }
}

/// Which stack a block for `layout` is on; none: it is mapped by itself.
fn size_of(layout: Layout) -> Option<usize> {
    let bytes = layout.size().max(layout.align()).max(1 << LEAST).checked_next_power_of_two()?;
    let power = bytes.trailing_zeros();
    (power <= MOST && layout.align() <= 4096).then_some((power - LEAST) as usize)
}

fn map(bytes: usize) -> Option<*mut u8> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: anonymous memory at an address of the kernel's choice.
    let mapped = unsafe {
        mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, flags)
    };
    mapped.ok().map(|at| at.cast())
}

fn unmap(at: *mut u8, bytes: usize) {
    // SAFETY: only called for what `map` gave with this length, and nobody has any more.
    let _ = unsafe { munmap(at.cast(), bytes) };
}

// SAFETY: blocks are distinct, large enough and aligned: a block's size is a power of two that is at least its
// alignment, and it begins at a multiple of the smaller of its size and a page.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.room(layout).0
    }

    // SAFETY: a block that was given out before is filled with zeros, over the length that was asked for; any other is the
    // kernel's, which has done so. Pages that nobody writes to are so not touched either.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (at, used) = self.room(layout);
        if used {
            // SAFETY: the block is at least as long, and nobody else's yet.
            unsafe { ptr::write_bytes(at, 0, layout.size()) };
        }
        at
    }

    // SAFETY: the caller gives back what `alloc` gave, with the same layout.
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let arena = self.arena.load(Ordering::Acquire);
        let inside = arena != 0 && (arena..arena + ARENA).contains(&(at as usize));
        match size_of(layout) {
            Some(size) if inside => self.give(arena, at as usize, size),
            // A spare one, which is not used again.
            None if inside => {}
            _ => unmap(at, layout.size().max(1)),
        }
    }
}

#[global_allocator]
static HEAP: Heap = Heap::new();

#[cfg(test)]
mod tests {
    use super::*;

    /// Begin and end of a block.
    type Block = (usize, usize);

    /// Where a block lies, which does not leave the arena nor overlap another.
    fn checked(heap: &Heap, blocks: &[Block], at: *mut u8, bytes: usize) -> Block {
        let arena = heap.arena().expect("it is there");
        let (begin, end) = (at.addr(), at.addr() + bytes);
        assert!(arena <= begin && end <= arena + ARENA, "{bytes} bytes run past the arena");
        for &(other, behind) in blocks {
            assert!(end <= other || behind <= begin, "{bytes} bytes overlap others");
        }
        (begin, end)
    }

    #[test]
    fn blocks_that_the_kernel_refused_to_map_overlap_no_others_when_they_are_given_back() {
        for bytes in [9_000, 12_000, 17_000, 40_000, 60_000, 70_000] {
            let layout = Layout::from_size_align(bytes, 16).expect("a layout");
            let whole = Layout::from_size_align(bytes.next_power_of_two(), 16).expect("a layout");
            let heap = Heap::new();
            let arena = heap.arena().expect("there is memory");
            // What is left has room for it, but not for a whole block.
            let left = bytes.next_multiple_of(4096) + 4096;
            let used = ARENA - FOR_SMALL - left;
            heap.fresh(arena, used).expect("there is room");
            let mut blocks: Vec<Block> = vec![(arena, arena + FOR_SMALL + used)];
            if let Some(at) = heap.spare(layout) {
                checked(&heap, &blocks, at, bytes);
                // SAFETY: a block of this layout, which nobody uses.
                unsafe { heap.dealloc(at, layout) };
            }
            while let Some(at) = heap.fresh(arena, 4096) {
                blocks.push(checked(&heap, &blocks, at as *mut u8, 4096));
            }
            if let Some(size) = size_of(whole)
                && let Some(at) = heap.take(arena, size)
            {
                checked(&heap, &blocks, at as *mut u8, whole.size());
            }
        }
    }
}
