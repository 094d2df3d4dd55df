//! The dynamic section of an ELF file: which libraries it needs, and where its loader is to look for them.

use std::os::fd::BorrowedFd;

use super::elf::{PROGRAM_HEADER, headers, long, read, word};

const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;

/// A library that is needed: the place of its name.
pub const NEEDED: u64 = 1;
/// Where to look first, also for what is needed further on: the place of the list.
pub const RPATH: u64 = 15;
/// Where to look behind LD_LIBRARY_PATH.
pub const RUNPATH: u64 = 29;
const STRINGS: u64 = 5;

/// Entries that are looked at.
const ENTRIES: usize = 128;
const ENTRY: usize = 16;

/// A kind of entry that no loader knows.
const NOTHING: u64 = 0x6000_0000;

/// Eight bytes that are other in a copy of the file: where, and which.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Edit(pub u64, pub u64);

/// The section.
pub struct Dynamic {
    section: [u8; ENTRIES * ENTRY],
    length: usize,
    /// Where it lies in the file.
    at: u64,
    /// Where the strings lie in the file.
    strings: u64,
}

impl Dynamic {
    /// That of `file`, of which `head` is the beginning.
    pub fn read(file: BorrowedFd<'_>, head: &[u8]) -> Option<Dynamic> {
        let header = headers(file, head).find(|header| word(header, 0) == Some(DYNAMIC))?;
        let at = long(&header, 8)?;
        let length = usize::try_from(long(&header, 32)?).ok()?.min(ENTRIES * ENTRY);
        let mut dynamic = Dynamic { section: [0; ENTRIES * ENTRY], length, at, strings: 0 };
        if !read(file, head, at, dynamic.section.get_mut(..length)?) {
            return None;
        }
        let address = dynamic.values(STRINGS).next()?;
        dynamic.strings = in_file(file, head, address)?;
        Some(dynamic)
    }

    /// What the entries of a kind say.
    pub fn values(&self, kind: u64) -> impl Iterator<Item = u64> {
        self.entries().filter(move |it| it.1 == kind).map(|it| it.2)
    }

    /// Where each entry lies in the file, its kind, and what it says.
    fn entries(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let entries = self.section.get(..self.length).unwrap_or(b"").chunks_exact(ENTRY);
        let entries = entries.map_while(|entry| Some((long(entry, 0)?, long(entry, 8)?)));
        let places = (self.at..).step_by(ENTRY);
        places.zip(entries.take_while(|&(kind, _)| kind != 0)).map(|(at, it)| (at, it.0, it.1))
    }

    /// By which the entry of a needed library, whose name is at `place`, has that name from its byte `start` on.
    pub fn shorter_name(&self, place: u64, start: usize) -> Option<Edit> {
        let found = self.entries().find(|entry| (entry.1, entry.2) == (NEEDED, place));
        found.and_then(|(at, ..)| Some(Edit(at.checked_add(8)?, place.checked_add(start as u64)?)))
    }

    /// By which nothing is said of where the libraries are.
    pub fn says_nothing_of_places(&self) -> impl Iterator<Item = Edit> {
        let entries = self.entries().filter(|entry| matches!(entry.1, RPATH | RUNPATH));
        entries.map(|(at, ..)| Edit(at, NOTHING))
    }

    /// Whether it says where its libraries are.
    pub fn says_where_to_look(&self) -> bool {
        [RPATH, RUNPATH].iter().any(|&kind| self.values(kind).next().is_some())
    }

    /// The string at a place, as much of it as there is room for.
    pub fn string<'r>(
        &self,
        file: BorrowedFd<'_>,
        place: u64,
        room: &'r mut [u8],
    ) -> Option<&'r [u8]> {
        let length = rustix::io::pread(file, &mut *room, self.strings.checked_add(place)?).ok()?;
        room.get(..length)?.split(|&byte| byte == 0).next()
    }
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
