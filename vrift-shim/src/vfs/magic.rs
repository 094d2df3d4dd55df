//! Links that lead to what a descriptor holds, not to a path: `/proc/self/fd/N`, `/dev/fd/N`, `/dev/stdin` and so on.
//!
//! The kernel would go to the draft, the blob or the placeholder behind the descriptor. What is meant is the node.

use std::ffi::c_int;

use rustix::io::Errno;

use super::descriptor::{self, Held};
use super::find::{self, At};
use super::lexical::number_first;
use super::{session, subject};

/// Whether a path is where such links are. Nearly every path outside is told apart by its second byte or third.
#[inline]
pub fn may_be(path: &[u8]) -> bool {
    path.starts_with(b"/proc/") || path.starts_with(b"/dev/")
}

/// The node that such a link leads to; `None`: the path is none, or leads to nothing of ours.
#[inline]
pub fn node(path: &[u8]) -> Result<Option<At>, Errno> {
    if !may_be(path) {
        return Ok(None);
    }
    match descriptor(path) {
        Some(descriptor) => of_descriptor(descriptor),
        None if own(path) == Some(b"cwd") => subject::dot(),
        None => Ok(None),
    }
}

fn of_descriptor(descriptor: c_int) -> Result<Option<At>, Errno> {
    Ok(held(descriptor)?.map(|(at, _)| at))
}

/// The node, and what holds it.
fn held(descriptor: c_int) -> Result<Option<(At, Held)>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let held = match descriptor::look(given, descriptor) {
        Ok((held, _)) => held,
        // The kernel says what is to be said of a link to nothing.
        Err(_) => return Ok(None),
    };
    match held {
        Held::Foreign | Held::Lost(None) => Ok(None),
        Held::Directory(node) | Held::Content { node, .. } | Held::Lost(Some(node)) => {
            find::by_number(given, node).map(|at| Some((at, held)))
        }
    }
}

/// Whether such a link leads to the content of a file that has no name any more, which only the kernel can open again;
/// `writes`: to write it. A blob may not be written by anybody, and there is nowhere else to write to: EACCES.
#[inline]
pub fn is_nameless(path: &[u8], writes: bool) -> Result<bool, Errno> {
    if !may_be(path) {
        return Ok(false);
    }
    let Some(descriptor) = descriptor(path) else { return Ok(false) };
    match held(descriptor)? {
        Some((at, Held::Content { draft, .. })) if at.attributes()?.nlink == 0 => {
            if draft || !writes { Ok(true) } else { Err(Errno::ACCESS) }
        }
        _ => Ok(false),
    }
}

/// The descriptor that a path names, if it is nothing else.
pub fn descriptor(path: &[u8]) -> Option<c_int> {
    match path {
        b"/dev/stdin" => return Some(0),
        b"/dev/stdout" => return Some(1),
        b"/dev/stderr" => return Some(2),
        _ => {}
    }
    let number = path.strip_prefix(b"/dev/fd/").or_else(|| own(path)?.strip_prefix(b"fd/"))?;
    let (number, rest) = number_first(number)?;
    rest.is_empty().then_some(number)
}

/// What follows `/proc/self/` or another name for it.
pub fn own(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(b"/proc/")?;
    if let Some(rest) = rest.strip_prefix(b"self/").or(rest.strip_prefix(b"thread-self/")) {
        return Some(rest);
    }
    let (number, rest) = number_first(rest)?;
    let own = u32::try_from(number).ok()? == crate::sys::vfork::process();
    rest.strip_prefix(b"/").filter(|_| own)
}
