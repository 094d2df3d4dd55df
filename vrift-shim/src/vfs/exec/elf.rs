//! What an ELF program says of its loader: whether that can load this library.

use std::os::fd::BorrowedFd;

use crate::vfs::environment::Reach;

/// Bytes that are read at first: header, program headers and the loader's name of most programs.
pub const HEAD: usize = 1024;

/// What is said of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The loader is the one that this library is for.
    Ours,
    /// There is no loader: nothing can be preloaded.
    Static,
    /// There is a loader, and the program asks the kernel by itself for nearly all: those of Go.
    Direct,
    /// The loader is of another C library.
    Foreign,
    /// It is for the 32 bits of this machine.
    Narrow,
    /// It is for another machine.
    Strange,
    /// Who executes it gets other rights, and the loader listens to nobody.
    Privileged,
    /// It is no ELF program, or one that cannot be read.
    Unknown,
}

impl Kind {
    /// Whether this library can be named to it.
    pub fn reach(self) -> Reach {
        if matches!(self, Kind::Foreign | Kind::Narrow | Kind::Strange) {
            Reach::Foreign
        } else {
            Reach::Preloaded
        }
    }
}

/// Whether who executes it gets another user or group: the loader takes nothing from its environment then. Who may gain no
/// rights does not.
pub fn gains_rights(stat: &rustix::fs::Stat) -> bool {
    if stat.st_mode & 0o6000 == 0 || rustix::thread::no_new_privs().unwrap_or(false) {
        return false;
    }
    let (by_user, by_group) = (stat.st_mode & 0o4000 != 0, stat.st_mode & 0o2010 == 0o2010);
    by_user && stat.st_uid != rustix::process::geteuid().as_raw()
        || by_group && stat.st_gid != rustix::process::getegid().as_raw()
}

/// Whether rights come with a file that are no user's, which the loader heeds as it does those. Root has them anyhow.
pub fn has_capabilities(file: BorrowedFd<'_>) -> bool {
    if rustix::process::getuid().is_root() || rustix::thread::no_new_privs().unwrap_or(false) {
        return false;
    }
    rustix::fs::fgetxattr(file, c"security.capability", &mut [0; 64][..]).is_ok()
}

/// How the file names of this library's loader begins.
#[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
const LOADER: &[u8] = b"ld-linux-x86-64.so";
#[cfg(all(target_env = "gnu", target_arch = "aarch64"))]
const LOADER: &[u8] = b"ld-linux-aarch64.so";
#[cfg(all(target_env = "musl", target_arch = "x86_64"))]
const LOADER: &[u8] = b"ld-musl-x86_64.so";
#[cfg(all(target_env = "musl", target_arch = "aarch64"))]
const LOADER: &[u8] = b"ld-musl-aarch64.so";

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
/// Machines whose programs of 32 bits this one executes: its own, and an older one.
#[cfg(target_arch = "x86_64")]
const NARROW: [u16; 2] = [62, 3];
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
/// Machines whose programs of 32 bits this one executes.
#[cfg(target_arch = "aarch64")]
const NARROW: [u16; 1] = [40];

/// Whether a file name is that of this library's loader.
pub fn is_loader(name: &[u8]) -> bool {
    name.starts_with(LOADER)
}

const CLASS_64: u8 = 2;
const INTERPRETER: u32 = 3;
/// Bytes of a program header.
pub const PROGRAM_HEADER: usize = 56;
/// More program headers than any program has.
const HEADERS: u64 = 64;

/// Looks at a program, of which `head` is the beginning and `name` the file name.
pub fn kind(file: BorrowedFd<'_>, head: &[u8], name: &[u8]) -> Kind {
    if !head.starts_with(b"\x7fELF") {
        return Kind::Unknown;
    }
    let machine = short(head, 18);
    if head.get(4) != Some(&CLASS_64) || machine != Some(MACHINE) {
        let is_narrow = machine.is_some_and(|machine| NARROW.contains(&machine));
        return if is_narrow { Kind::Narrow } else { Kind::Strange };
    }
    // The loader itself, called as a program, loads what it is told.
    if is_loader(name) {
        return Kind::Ours;
    }
    if short(head, 54).map(usize::from) != Some(PROGRAM_HEADER) {
        return Kind::Unknown;
    }
    match headers(file, head).find(|header| word(header, 0) == Some(INTERPRETER)) {
        Some(header) => match by_loader(file, head, &header) {
            Kind::Ours if asks_directly(file, head) => Kind::Direct,
            kind => kind,
        },
        None => Kind::Static,
    }
}

/// Whether nothing is ever loaded into a program: one of Go's tools' making, without a loader.
#[cfg(target_arch = "x86_64")]
pub fn loads_nothing(file: BorrowedFd<'_>, head: &[u8]) -> bool {
    kind(file, head, b"") == Kind::Static && asks_directly(file, head)
}

/// Whether a loader takes a file that begins with `head` for a library: it goes on looking where it does not.
pub fn is_loadable(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
        && head.get(4) == Some(&CLASS_64)
        && short(head, 18) == Some(MACHINE)
}

/// The program headers, as far as they can be read.
pub fn headers(file: BorrowedFd<'_>, head: &[u8]) -> impl Iterator<Item = [u8; PROGRAM_HEADER]> {
    let start = long(head, 32).unwrap_or(u64::MAX);
    let count = u64::from(short(head, 56).unwrap_or(0)).min(HEADERS);
    (0..count).map_while(move |number| {
        let mut header = [0; PROGRAM_HEADER];
        let at = start.checked_add(number * PROGRAM_HEADER as u64)?;
        read(file, head, at, &mut header).then_some(header)
    })
}

/// Whether a note says that Go's own tools have made it: its programs ask the kernel by themselves, even where they
/// are linked with a C library.
fn asks_directly(file: BorrowedFd<'_>, head: &[u8]) -> bool {
    const NOTE: u32 = 4;
    let mut notes = headers(file, head).filter(|header| word(header, 0) == Some(NOTE));
    notes.any(|header| {
        let (Some(at), Some(size)) = (long(&header, 8), long(&header, 32)) else { return false };
        let mut room = [0; 256];
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(room.len());
        let Some(room) = room.get_mut(..size) else { return false };
        read(file, head, at, room) && is_of_go(room)
    })
}

/// Whether the first of some notes is the one with the identity of what Go built: the length of its owner's name, of what it
/// says, its type, its owner.
fn is_of_go(notes: &[u8]) -> bool {
    word(notes, 0) == Some(4) && word(notes, 8) == Some(4) && notes.get(12..16) == Some(b"Go\0\0")
}

fn by_loader(file: BorrowedFd<'_>, head: &[u8], header: &[u8]) -> Kind {
    let (Some(at), Some(size)) = (long(header, 8), long(header, 32)) else { return Kind::Unknown };
    let mut path = [0; 256];
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(path.len());
    let Some(room) = path.get_mut(..size) else { return Kind::Unknown };
    if !read(file, head, at, room) {
        return Kind::Unknown;
    }
    let path = room.split(|&byte| byte == 0).next().unwrap_or(b"");
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(b"");
    if name.starts_with(LOADER) { Kind::Ours } else { Kind::Foreign }
}

/// Reads what stands at `at`, from the file where it is not in `head`.
pub fn read(file: BorrowedFd<'_>, head: &[u8], at: u64, into: &mut [u8]) -> bool {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    if let Some(known) = start.checked_add(into.len()).and_then(|end| head.get(start..end)) {
        into.copy_from_slice(known);
        return true;
    }
    let wanted = into.len();
    rustix::io::pread(file, into, at).is_ok_and(|length| length == wanted)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// Four bytes of the file as a number.
pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// Eight bytes of the file as a number.
pub fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}
