//! The mapping of a file that grows: its address space is reserved once.

use std::io;
use std::os::fd::AsFd;
use std::ptr;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect, munmap};

use super::sys;

/// What the kernel maps as a whole where it can: the large page of x86-64, and of aarch64 with pages of 4 KiB.
const LARGE: usize = 2 << 20;
/// From so many bytes on, a mapping begins where a large page can.
const WIDE: usize = 256 << 20;

/// A mapping.
pub struct Reserved {
    base: *mut core::ffi::c_void,
    bytes: usize,
}

impl Reserved {
    /// Maps so many bytes of a file, also those that it does not have yet. They may change at any time. Of a writable mapping the
    /// first `there` can be touched, and more when they are [opened](Reserved::open_up): who looks for pointers in all memory that
    /// a program can write, as memcheck does when it ends, would get a signal for each word that the file does not have.
    pub fn of(file: impl AsFd, bytes: usize, there: usize, writable: bool) -> io::Result<Reserved> {
        let access = if writable { ProtFlags::empty() } else { ProtFlags::READ };
        let place = if bytes < WIDE { ptr::null_mut() } else { place_below(writable) };
        // SAFETY: the kernel takes the place as a wish, and maps nothing over what is there.
        let base = unsafe { mmap(place, bytes, access, MapFlags::SHARED, file, 0) }?;
        let reserved = Reserved { base, bytes };
        if writable {
            reserved.open_up(there)?;
        }
        Ok(reserved)
    }

    /// From now on the first `there` bytes of a writable mapping can be touched: the file has them.
    pub fn open_up(&self, there: usize) -> rustix::io::Result<()> {
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: in the mapping, whose file was opened for both; nothing that could be touched before cannot be afterwards.
        unsafe { mprotect(self.base, there.min(self.bytes), access) }
    }

    /// The first byte; aligned to a page.
    pub fn base(&self) -> *mut core::ffi::c_void {
        self.base
    }

    /// Whether the file has the first `bytes` bytes, which are open. The kernel is asked to read the last of them for us: it says
    /// EFAULT where we would get a SIGBUS. The file need have no name for that. Before Linux 5.14 the kernel does not know the
    /// question, and what was said is believed.
    pub fn has(&self, bytes: usize) -> bool {
        const MADV_POPULATE_READ: usize = 22;
        // A whole number of pages, however large they are.
        const PAGES: usize = 64 << 10;
        let Some(last) = bytes.min(self.bytes).checked_sub(1) else { return true };
        let at = self.base.wrapping_byte_add(last / PAGES * PAGES).expose_provenance();
        let length = last % PAGES + 1;
        // SAFETY: the range is in the mapping; it is read, and stays what it is.
        let said = unsafe { sys::syscall4(libc::SYS_madvise, at, length, MADV_POPULATE_READ, 0) };
        said != -(libc::EFAULT as isize) && said != -(libc::EHWPOISON as isize)
    }

    /// Has the kernel gather what memory holds of these bytes of the file in large pages: then a process that looks there
    /// pays for one, and not for each small page, and a child of `fork` once more. Where it cannot (Linux before 6.1, files
    /// that are not in memory, a full machine), all stays as it is.
    pub fn gather(&self, from: usize, to: usize) {
        const MADV_COLLAPSE: usize = 25;
        for start in (from / LARGE * LARGE..to.min(self.bytes)).step_by(LARGE) {
            if self.bytes - start >= LARGE {
                let at = self.base.wrapping_byte_add(start).expose_provenance();
                // SAFETY: the range is in the mapping; what it holds stays the same.
                unsafe { sys::syscall4(libc::SYS_madvise, at, LARGE, MADV_COLLAPSE, 0) };
            }
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // SAFETY: mapped by `of`, with this length; whoever has this has no reference into it any more.
        let _ = unsafe { munmap(self.base, self.bytes) };
    }
}

/// A place for a mapping: near this code, as the kernel's own choice would be, but at a border of large pages. Two mappings of
/// one file, to read and to write, have each a place.
fn place_below(writable: bool) -> *mut core::ffi::c_void {
    static HERE: u8 = 0;
    let distance = if writable { 2 << 30 } else { 1 << 30 };
    // The compiler is not to know whose address it is: the linker could not write the sum down.
    let here = std::hint::black_box(&raw const HERE).addr();
    let place = here.checked_sub(distance).map_or(0, |at| at / LARGE * LARGE);
    ptr::without_provenance_mut(place)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};

    #[test]
    fn what_was_written_is_there_before_and_after_it_was_gathered() {
        let file = memfd_create(c"gathered", MemfdFlags::CLOEXEC).expect("a file in memory");
        fallocate(&file, FallocateFlags::empty(), 0, 3 << 20).expect("room");
        let wide = Reserved::of(&file, WIDE, 3 << 20, true).expect("mapped");
        let byte = |at: usize| wide.base().wrapping_byte_add(at).cast::<u8>();
        for at in (0..3 << 20).step_by(4096) {
            // SAFETY: inside what the file has; nobody else looks at it.
            unsafe { byte(at).write_volatile((at >> 12) as u8 | 1) };
        }
        wide.gather(0, 3 << 20);
        wide.gather(1 << 20, usize::MAX);
        let other = Reserved::of(&file, WIDE, 3 << 20, false).expect("mapped again");
        for at in (0..3 << 20).step_by(4096) {
            let there = other.base().wrapping_byte_add(at).cast::<u8>();
            // SAFETY: as above.
            assert_eq!(unsafe { there.read_volatile() }, (at >> 12) as u8 | 1);
        }
    }

    #[test]
    fn beyond_the_file_nothing_can_be_written_before_it_is_there() {
        let file = memfd_create(c"growing", MemfdFlags::CLOEXEC).expect("a file in memory");
        fallocate(&file, FallocateFlags::empty(), 0, 4 << 20).expect("room");
        let wide = Reserved::of(&file, WIDE, 2 << 20, true).expect("mapped");
        let access = |at: usize| {
            let maps = std::fs::read_to_string("/proc/self/maps").expect("a list");
            let address = wide.base().addr() + at;
            let covers = |line: &&str| {
                let (from, to) = line.split_once(' ')?.0.split_once('-')?;
                let number = |text| usize::from_str_radix(text, 16).ok();
                Some((number(from)?..number(to)?).contains(&address))
            };
            let line = maps.lines().find(|line| covers(line) == Some(true)).expect("a mapping");
            line.split(' ').nth(1).expect("its access")[..2].to_owned()
        };
        assert_eq!(
            (access(0), access(2 << 20), access(WIDE - 1)),
            ("rw".into(), "--".into(), "--".into())
        );
        wide.open_up(4 << 20).expect("more");
        assert_eq!((access((4 << 20) - 1), access(4 << 20)), ("rw".into(), "--".into()));
    }

    #[test]
    fn what_the_file_has_is_known_when_it_has_no_name() {
        let file = memfd_create(c"nameless", MemfdFlags::CLOEXEC).expect("a file in memory");
        fallocate(&file, FallocateFlags::empty(), 0, 3 << 20).expect("room");
        for writable in [false, true] {
            let wide = Reserved::of(&file, WIDE, WIDE, writable).expect("mapped");
            assert!(wide.has(0) && wide.has(8) && wide.has(3 << 20));
            assert!(!wide.has((3 << 20) + 8) && !wide.has(WIDE) && !wide.has(usize::MAX));
        }
    }

    #[test]
    fn wide_mappings_begin_at_a_border_of_large_pages() {
        let file = memfd_create(c"aligned", MemfdFlags::CLOEXEC).expect("a file in memory");
        for writable in [false, true] {
            let wide = Reserved::of(&file, WIDE, 0, writable).expect("mapped");
            assert_eq!(wide.base().addr() % LARGE, 0);
        }
    }
}
