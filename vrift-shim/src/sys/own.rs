//! Which code is this library's: what its own closes mean is not what the program's mean.

use std::sync::atomic::{AtomicUsize, Ordering};

// SAFETY: the linker defines it for every shared object; only its address is taken.
unsafe extern "C" {
    /// The library's ELF header, where the loader has mapped it; the linker defines it.
    #[link_name = "__ehdr_start"]
    static HEADER: u8;
}

/// Begin and end of the code; zeros until the start.
static BEGIN: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// Looks where the code lies.
#[inline(always)]
pub fn begin() {
    let base = &raw const HEADER as usize;
    // SAFETY: the loader maps the header and the program headers behind it with the first segment, readable and for good;
    // both are plain integers.
    let (header, count) = unsafe {
        let header = &*(base as *const libc::Elf64_Ehdr);
        (header, usize::from(header.e_phnum))
    };
    let first = base.wrapping_add(header.e_phoff as usize) as *const libc::Elf64_Phdr;
    for place in 0..count {
        // SAFETY: as above; there are `count` of them.
        let segment = unsafe { &*first.add(place) };
        if segment.p_type == libc::PT_LOAD && segment.p_flags & libc::PF_X != 0 {
            let start = base.wrapping_add(segment.p_vaddr as usize);
            BEGIN.store(start, Ordering::Relaxed);
            END.store(start.wrapping_add(segment.p_memsz as usize), Ordering::Relaxed);
        }
    }
}

/// Where the library lies.
pub fn base() -> usize {
    &raw const HEADER as usize
}

/// Whether `address` is in this library's code.
#[inline]
pub fn is_code(address: usize) -> bool {
    (BEGIN.load(Ordering::Relaxed)..END.load(Ordering::Relaxed)).contains(&address)
}
