//! Paths by their words alone: components, and links of the kernel to what this process holds.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, split_first};

use super::session::Given;
use super::{cwd, descriptor};

/// Whether a relative path has a component `..`.
#[inline]
pub fn climbs(path: &[u8]) -> bool {
    has(path, b"..")
}

/// Whether a path has this component.
pub fn has(mut path: &[u8], wanted: &[u8]) -> bool {
    while let Some((name, rest)) = split_first(path) {
        if name == wanted {
            return true;
        }
        path = rest;
    }
    false
}

/// `/proc/self/cwd/...`, `/proc/self/fd/N/...`, `/dev/fd/N/...`: where the descriptor or the working directory is ours, the
/// path from there.
pub fn by_descriptor<'a>(
    path: &[u8],
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    let rest = match path.strip_prefix(b"/proc/self/cwd") {
        // The link itself is the kernel's.
        Some(rest) if rest.first() == Some(&b'/') => match cwd::present(given)? {
            cwd::Where::Inside(node) => Some((node, rest)),
            _ => None,
        },
        Some(_) => None,
        None => {
            let number = path.strip_prefix(b"/proc/self/fd/").or(path.strip_prefix(b"/dev/fd/"));
            match number.and_then(number_first) {
                Some((fd, rest)) if rest.first() == Some(&b'/') => {
                    descriptor::directory(given, fd)?.map(|node| (node, rest))
                }
                _ => None,
            }
        }
    };
    let Some((node, rest)) = rest else { return Ok(None) };
    let mut length = super::paths::of_node(given, node, normal.bytes())?;
    append_raw(normal.bytes(), &mut length, rest)?;
    Ok(normal.bytes().get(..length))
}

/// The number that a path begins with, and the rest.
pub fn number_first(path: &[u8]) -> Option<(c_int, &[u8])> {
    let end = path.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(path.len());
    let (digits, rest) = path.split_at_checked(end)?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, rest))
}

fn append_raw(buffer: &mut [u8; PATH_MAX], length: &mut usize, text: &[u8]) -> Result<(), Errno> {
    let end = *length + text.len();
    if end >= PATH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    buffer.get_mut(*length..end).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(text);
    *length = end;
    Ok(())
}
