//! What somebody has made in a placeholder whom the library does not see: the kernel, which leaves the memory of a program
//! that crashed in its working directory; the C library, which writes `gmon.out` by calls of its own; programs that ask the
//! kernel by themselves. It belongs into the directory of the tree, and is taken there by whoever looks next. The placeholder
//! has lost its mark by it, and is known by its path until nothing is left in it.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;
use vrift_manifest::places;
use vrift_manifest::tree::RenameMode;
use vrift_manifest::tree::path::Scratch;

use super::descriptor;
use super::find;
use super::into;
use super::outside::Outside;
use super::place::{Name, Place};
use super::rename::Named;
use super::session::Given;

/// Somebody takes something in, or must not be kept by that.
static BUSY: AtomicU32 = AtomicU32::new(0);

/// Does what may ask for the working directory while a change is being made, of which no other can be a part.
pub fn left_alone<T>(work: impl FnOnce() -> T) -> T {
    BUSY.fetch_add(1, Ordering::Relaxed);
    let result = work();
    BUSY.fetch_sub(1, Ordering::Relaxed);
    result
}

/// The node of the placeholder that a path of the kernel names.
#[cold]
pub fn node_of_path(given: &'static Given, path: &[u8]) -> Option<u64> {
    let handover = &given.handover;
    places::node_of_path(handover.runtime.as_os_str().as_bytes(), handover.id.as_bytes(), path)
}

/// The node of the placeholder without a mark that is open at a descriptor.
#[cold]
pub fn held(given: &'static Given, descriptor: c_int, stat: &Stat) -> Option<u64> {
    if !places::may_be_unmarked(stat.st_mode) {
        return None;
    }
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let length = descriptor::path(descriptor, buffer)?;
    node_of_path(given, buffer.get(..length)?)
}

/// Takes what lies in the placeholder of `node` into the tree, and marks it again. What cannot be taken in, because it is
/// still being written, stays for the next one.
#[cold]
pub fn take_in(given: &'static Given, node: u64) -> Result<(), Errno> {
    if BUSY.load(Ordering::Relaxed) != 0 {
        return Ok(());
    }
    left_alone(|| take_all(given, node))
}

fn take_all(given: &'static Given, node: u64) -> Result<(), Errno> {
    let handover = &given.handover;
    let (runtime, id) = (handover.runtime.as_os_str().as_bytes(), handover.id.as_bytes());
    let mut buffer = [0; places::PATH_MAX];
    let path = places::path(runtime, id, node, &mut buffer)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(&directory, &mut room);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.file_type() != FileType::Directory {
            let name = entry.file_name().to_bytes();
            let stray = Named { directory: directory.as_raw_fd(), path: Some(name) };
            // It stays where it is, and so does what says that it is there.
            let _ = take(given, node, stray, name);
        }
    }
    places::make(runtime, id, node, &mut buffer).map(|_| ())
}

fn take(given: &'static Given, node: u64, stray: Named<'_>, name: &[u8]) -> Result<(), Errno> {
    let at = find::by_number(given, node)?;
    let (session, given, parent) = (at.session, at.given, at.cursor);
    let place = Place { session, given, parent, name: Name::Ordinary(name), slash: false };
    into::rename(Outside::named(stray).ok_or(Errno::NOENT)?, &place, RenameMode::Replace)
}
