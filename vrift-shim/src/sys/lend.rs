//! Memory that the program gives back with `free`: its own `malloc`, whoever defines that.

use std::ffi::{c_char, c_int, c_void};

/// Room of `bytes` bytes, from the `malloc` that the program's `free` belongs to: the first definition, not the next.
pub fn room(bytes: usize) -> Option<*mut c_char> {
    // SAFETY: malloc takes any size.
    let room = unsafe { libc::malloc(bytes.max(1)) };
    (!room.is_null()).then_some(room.cast())
}

/// A C string of `bytes`, in room of at least `least` bytes.
pub fn string(bytes: &[u8], least: usize) -> Option<*mut c_char> {
    let room = room(least.max(bytes.len().checked_add(1)?))?;
    // SAFETY: there is room for the bytes and the NUL, and nobody else has it.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), room.cast(), bytes.len());
        room.add(bytes.len()).write(0);
    }
    Some(room)
}

/// A list of pointers to such room, that grows.
pub struct List {
    start: *mut *mut c_void,
    length: usize,
    capacity: usize,
}

/// How `qsort` compares.
pub type Compare = extern "C" fn(*const c_void, *const c_void) -> c_int;

/// Puts pointers in the order that the program's function says, which need not be one.
pub fn sort<T>(list: &mut [*mut T], compare: Compare) {
    // SAFETY: so many pointers, which qsort only moves; the function is the program's, for pointers to such.
    unsafe {
        let compare = std::mem::transmute::<
            Compare,
            unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
        >(compare);
        libc::qsort(list.as_mut_ptr().cast(), list.len(), size_of::<*mut T>(), Some(compare));
    }
}

impl List {
    /// None yet.
    pub const fn new() -> List {
        List { start: std::ptr::null_mut(), length: 0, capacity: 0 }
    }

    /// Adds a copy of `bytes`; `None`: there is no memory.
    pub fn push(&mut self, bytes: &[u8]) -> Option<()> {
        if self.length == self.capacity {
            let capacity = (self.capacity * 2).max(16);
            let size = capacity.checked_mul(size_of::<*mut c_void>())?;
            // SAFETY: the list is null or came from this allocator.
            let grown = unsafe { libc::realloc(self.start.cast(), size) };
            if grown.is_null() {
                return None;
            }
            (self.start, self.capacity) = (grown.cast(), capacity);
        }
        let copy = room(bytes.len())?;
        // SAFETY: the room is as large as what is copied, and fresh; the list has room for one more.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.cast(), bytes.len());
            self.start.add(self.length).write(copy.cast());
        }
        self.length += 1;
        Some(())
    }

    /// Sorts it as the program wants it.
    pub fn sort(&mut self, compare: Compare) {
        if self.length > 1 {
            // SAFETY: the array has that many pointers, and `compare` is the program's for just such an array.
            unsafe {
                libc::qsort(
                    self.start.cast(),
                    self.length,
                    size_of::<*mut c_void>(),
                    Some(std::mem::transmute::<
                        Compare,
                        unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
                    >(compare)),
                );
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// The list itself, now the program's.
    pub fn give(mut self) -> *mut *mut c_void {
        let start = self.start;
        (self.start, self.length) = (std::ptr::null_mut(), 0);
        start
    }
}

impl Drop for List {
    fn drop(&mut self) {
        for place in 0..self.length {
            // SAFETY: each is from `room`, and nobody else's.
            unsafe { libc::free(self.start.add(place).read()) };
        }
        // SAFETY: null, or from realloc.
        unsafe { libc::free(self.start.cast()) };
    }
}
