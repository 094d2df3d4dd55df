//! Objects that the program holds by address, and that must be told from the C library's by that address alone.
//!
//! One range of addresses, places of one size in it, a stack of free places: as in `heap`, so that nobody waits for
//! anybody to get one. Two threads may use one object at a time; then the one waits until the other has done, as with
//! the C library's own.

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

/// Objects at a time.
const PLACES: usize = 1 << 15;

/// Room for one object.
struct Place<T> {
    busy: AtomicBool,
    /// Number of the next free place + 1, while this one is free.
    next: AtomicU32,
    /// Whether it holds an object; with `busy`.
    full: AtomicBool,
    object: UnsafeCell<Option<T>>,
}

/// The objects.
pub struct Pool<T> {
    start: AtomicUsize,
    used: AtomicUsize,
    /// Number of the first free place + 1 in the low half, a counter in the high half.
    free: AtomicU64,
    holds: std::marker::PhantomData<fn(T) -> T>,
}

/// An object's address, as the program holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Handle(pub *mut c_void);

impl<T: Send + 'static> Pool<T> {
    const BYTES: usize = PLACES * size_of::<Place<T>>();

    /// A pool whose range is mapped when it is needed.
    pub const fn new() -> Pool<T> {
        Pool {
            start: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            free: AtomicU64::new(0),
            holds: std::marker::PhantomData,
        }
    }

    /// Whether the address is that of an object of this pool.
    #[inline]
    pub fn has(&self, handle: Handle) -> bool {
        let start = self.start.load(Ordering::Acquire);
        start != 0 && (handle.0 as usize).wrapping_sub(start) < Self::BYTES
    }

    /// Keeps an object; its address. `None`: there is no room, and the object comes back.
    pub fn put(&self, object: T) -> Result<Handle, T> {
        let Some(place) = self.room() else { return Err(object) };
        // SAFETY: the place was free, and is nobody's but ours until its address is given out.
        unsafe { *place.object.get() = Some(object) };
        place.full.store(true, Ordering::Release);
        Ok(Handle(ptr::from_ref(place).cast_mut().cast()))
    }

    /// Does something with the object; `None`: there is none at this address.
    #[inline]
    pub fn with<R>(&self, handle: Handle, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let place = self.place(handle)?;
        let _held = Held::take(&place.busy);
        if !place.full.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: whoever holds `busy` is alone with the object.
        unsafe { (*place.object.get()).as_mut() }.map(work)
    }

    /// Gives the object back, and the address up.
    pub fn take(&self, handle: Handle) -> Option<T> {
        let place = self.place(handle)?;
        let object = {
            let _held = Held::take(&place.busy);
            if !place.full.swap(false, Ordering::AcqRel) {
                return None;
            }
            // SAFETY: as above.
            unsafe { (*place.object.get()).take() }
        };
        self.release(place);
        object
    }

    fn at(&self, number: usize) -> Option<&'static Place<T>> {
        let start = self.start.load(Ordering::Acquire);
        if start == 0 || number >= PLACES {
            return None;
        }
        // SAFETY: inside the range, which is never unmapped and began as zeros: not busy, not full, no object is looked at
        // before one was put there. The range is aligned to a page, so each place is aligned.
        Some(unsafe { &*((start + number * size_of::<Place<T>>()) as *const Place<T>) })
    }

    fn place(&self, handle: Handle) -> Option<&'static Place<T>> {
        let offset = (handle.0 as usize).wrapping_sub(self.start.load(Ordering::Acquire));
        let whole = self.has(handle) && offset.is_multiple_of(size_of::<Place<T>>());
        if whole { self.at(offset / size_of::<Place<T>>()) } else { None }
    }

    fn room(&self) -> Option<&'static Place<T>> {
        self.map()?;
        let mut seen = self.free.load(Ordering::Acquire);
        while let Some(number) = (seen as u32 as usize).checked_sub(1) {
            let place = self.at(number)?;
            let next = u64::from(place.next.load(Ordering::Relaxed));
            let new = (seen >> 32).wrapping_add(1) << 32 | next;
            match self.free.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(place),
                Err(other) => seen = other,
            }
        }
        let step = |used| if used < PLACES { Some(used + 1) } else { None };
        let fresh = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).ok()?;
        let place = self.at(fresh)?;
        // SAFETY: the place is fresh: nobody has it, and the zeros there are not looked at.
        unsafe { ptr::write(place.object.get(), None) };
        Some(place)
    }

    fn release(&self, place: &'static Place<T>) {
        let offset = ptr::from_ref(place) as usize - self.start.load(Ordering::Acquire);
        let number = (offset / size_of::<Place<T>>()) as u64 + 1;
        let mut seen = self.free.load(Ordering::Acquire);
        loop {
            place.next.store(seen as u32, Ordering::Relaxed);
            let new = (seen >> 32).wrapping_add(1) << 32 | number;
            match self.free.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(other) => seen = other,
            }
        }
    }

    fn map(&self) -> Option<()> {
        if self.start.load(Ordering::Acquire) != 0 {
            return Some(());
        }
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: anonymous memory at an address of the kernel's choice.
        let mapped = unsafe { mmap_anonymous(ptr::null_mut(), Self::BYTES, access, flags) }.ok()?;
        // A few objects are not worth a page of two megabytes.
        // SAFETY: advice on memory that nobody has touched.
        let _ = unsafe { madvise(mapped, Self::BYTES, Advice::LinuxNoHugepage) };
        let first =
            self.start.compare_exchange(0, mapped as usize, Ordering::AcqRel, Ordering::Acquire);
        if first.is_err() {
            // SAFETY: mapped a moment ago, and nobody has it.
            let _ = unsafe { munmap(mapped, Self::BYTES) };
        }
        Some(())
    }
}

/// The right to an object, for a moment.
struct Held<'a>(&'a AtomicBool);

impl Held<'_> {
    fn take(busy: &AtomicBool) -> Held<'_> {
        while busy.swap(true, Ordering::Acquire) {
            rustix::thread::sched_yield();
        }
        Held(busy)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
