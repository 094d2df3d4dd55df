//! Programs that look whether the library of their sanitizer was loaded before all others, and refuse to run if it was
//! not: with a preloaded library it cannot be. They are told not to look.

use std::os::fd::BorrowedFd;

use super::elf::{PROGRAM_HEADER, headers, long, read, word};

/// How the name of the library begins.
const LIBRARY: &[u8] = b"libasan.so";

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;

const NEEDED: u64 = 1;
const STRINGS: u64 = 5;

/// Entries of the dynamic section that are looked at.
const ENTRIES: usize = 64;
const ENTRY: usize = 16;

/// Whether the first library that a program needs is the sanitizer's.
pub fn is_needed(file: BorrowedFd<'_>, head: &[u8]) -> bool {
    first_needed(file, head).is_some_and(|name| name.starts_with(LIBRARY))
}

fn first_needed(file: BorrowedFd<'_>, head: &[u8]) -> Option<[u8; LIBRARY.len()]> {
    let dynamic = headers(file, head).find(|header| word(header, 0) == Some(DYNAMIC))?;
    let at = long(&dynamic, 8)?;
    let size = usize::try_from(long(&dynamic, 32)?).ok()?.min(ENTRIES * ENTRY);
    let mut section = [0; ENTRIES * ENTRY];
    let section = section.get_mut(..size)?;
    if !read(file, head, at, section) {
        return None;
    }
    let (mut name, mut strings) = (None, None);
    for entry in section.chunks_exact(ENTRY) {
        match long(entry, 0)? {
            NEEDED if name.is_none() => name = long(entry, 8),
            STRINGS => strings = long(entry, 8),
            0 => break,
            _ => {}
        }
    }
    let (address, offset) = (strings?, name?);
    let at = in_file(file, head, address)?.checked_add(offset)?;
    let mut text = [0; LIBRARY.len()];
    read(file, head, at, &mut text).then_some(text)
}

/// Where in the file lies what is loaded at an address.
fn in_file(file: BorrowedFd<'_>, head: &[u8], address: u64) -> Option<u64> {
    let mut loads = headers(file, head).filter(|header| word(header, 0) == Some(LOAD));
    loads.find_map(|header: [u8; PROGRAM_HEADER]| {
        let (offset, start, size) = (long(&header, 8)?, long(&header, 16)?, long(&header, 32)?);
        let inside = address.checked_sub(start).filter(|&inside| inside < size)?;
        offset.checked_add(inside)
    })
}
