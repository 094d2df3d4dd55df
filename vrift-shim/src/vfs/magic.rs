//! Links that lead to what a descriptor holds, not to a path: `/proc/self/fd/N`, `/dev/fd/N`, `/dev/stdin` and so on.
//!
//! The kernel would go to the draft, the blob or the placeholder behind the descriptor. What is meant is the node.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;

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
    let Some(given) = session::given() else { return Ok(None) };
    let held = match descriptor::look(given, descriptor) {
        Ok((held, _)) => held,
        // The kernel says what is to be said of a link to nothing.
        Err(_) => return Ok(None),
    };
    match held {
        Held::Foreign | Held::Lost(None) => Ok(None),
        Held::Directory(node) | Held::Content { node, .. } | Held::Lost(Some(node)) => {
            find::by_number(given, node).map(Some)
        }
    }
}

/// What such a link leads to, if that has no name any more.
pub struct Nameless {
    /// The file, or the pipe.
    pub at: At,
    /// How it is held.
    pub held: Held,
    /// By which descriptor.
    pub descriptor: c_int,
}

/// Whether such a link leads to a file that has no name any more, which only the kernel can open again; `writes`: to write
/// it. Content of which is not known whose it was cannot be written by anybody: EACCES.
#[inline]
pub fn nameless(path: &[u8], writes: bool) -> Result<Option<Nameless>, Errno> {
    if !may_be(path) {
        return Ok(None);
    }
    let Some(given) = session::given() else { return Ok(None) };
    let Some(descriptor) = descriptor(path) else { return Ok(None) };
    let Ok((held, _)) = descriptor::look(given, descriptor) else { return Ok(None) };
    let node = match held {
        Held::Lost(_) if writes => return Err(Errno::ACCESS),
        Held::Content { node, .. } | Held::Directory(node) => node,
        Held::Foreign | Held::Lost(_) => return Ok(None),
    };
    let at = find::by_number(given, node)?;
    let attributes = at.attributes()?;
    let is_directory = Kind::of_mode(attributes.mode) == Some(Kind::Directory);
    let nameless = attributes.nlink == 0 && !is_directory;
    Ok(nameless.then_some(Nameless { at, held, descriptor }))
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
