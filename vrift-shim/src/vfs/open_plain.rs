//! Opening to read, which is what most opens are: outside, the kernel is asked in a way that follows no symlink anywhere.
//! Nearly always there is none, and then it costs nothing to know that the path did not lead into the tree.

use std::ffi::{CStr, c_int};

use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;

use vrift_manifest::tree::path::below;

use super::find::{self, Work};
use super::{Answer, descriptor, magic, open, session, straight};
use crate::sys::alone;

/// Whether the flags ask for nothing but reading.
#[inline]
pub fn is_plain(flags: c_int) -> bool {
    let other = libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE & !libc::O_DIRECTORY | libc::O_PATH;
    flags & (libc::O_ACCMODE | other | libc::O_NOFOLLOW) == 0
}

/// Whether nothing but a symlink on its way could lead an absolute path into the tree: its own words are neither those of the
/// way there nor of another one. What a process holds is told by other means.
#[inline]
pub fn leads_in_by_links_alone(path: &[u8]) -> bool {
    let Some(given) = session::given() else { return false };
    path.first() == Some(&b'/')
        && below(path, &given.border).is_none()
        && !magic::may_be(path)
        && !begins_oddly(path)
}

/// open(2) of a path, if what it names is no symlink outside: to be asked are [`outside`] and then, where that does not
/// say it, [`open::open`].
#[inline]
pub fn open<'w>(
    directory: c_int,
    path: &'w [u8],
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, c_int>, Errno> {
    if magic::may_be(path) && magic::nameless(path, false)?.is_some() {
        return open::open(directory, Some(path), flags, 0, work);
    }
    let flags = OFlags::from_bits_retain(flags as u32);
    find::node_unless_link(directory, Some(path), true, work)?.then(|at| open::node(at, flags))
}

/// Whether a component begins with a dot, or is empty.
#[inline]
fn begins_oddly(path: &[u8]) -> bool {
    const STEP: usize = 16;
    let odd = |(&byte, &next): (&u8, &u8)| (byte == b'/') & ((next == b'.') | (next == b'/'));
    let Some(behind) = path.get(1..) else { return false };
    // Without leaving early, so that many bytes are looked at in one step; the last of them once more with others.
    let (firsts, nexts) = (path.as_chunks::<STEP>().0, behind.as_chunks::<STEP>().0);
    let any = |firsts: &[u8], nexts: &[u8]| {
        firsts.iter().zip(nexts).fold(false, |found, pair| found | odd(pair))
    };
    let mut found = false;
    for (firsts, nexts) in firsts.iter().zip(nexts) {
        found |= any(firsts, nexts);
    }
    let head = path.get(..behind.len()).unwrap_or_default();
    found
        | match (head.last_chunk::<STEP>(), behind.last_chunk::<STEP>()) {
            (Some(firsts), Some(nexts)) => any(firsts, nexts),
            _ => any(head, behind),
        }
}

/// The kernel's answer for a path outside, if there is no symlink on it; `None`: it is not known.
#[inline]
pub fn outside(directory: c_int, path: &CStr, flags: c_int) -> Option<Result<c_int, Errno>> {
    // What waits, for the other end of a pipe, can be cancelled by other threads in the C library alone.
    if path.is_empty() || !alone::is() {
        return None;
    }
    // What a process holds is behind a link anyway.
    if path.to_bytes().starts_with(b"/proc/") {
        return None;
    }
    let from_cwd = directory == find::CWD || path.to_bytes().first() == Some(&b'/');
    let from = if from_cwd { CWD } else { descriptor::borrow(directory).ok()? };
    straight::open(from, path, flags)
}
