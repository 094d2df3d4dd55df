//! Paths that do not begin with the mount path and may lead into it all the same: with `..`, `.` or doubled slashes, or
//! from a directory above it.
//!
//! Outside the tree `..` is taken back by name. Where a name before it is a symlink the kernel means another directory;
//! that such a directory lies in the tree is a known gap, as are symlinks outside that lead into it.

use std::ffi::c_int;
use std::os::fd::AsRawFd;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below, split_first};

use super::session::Given;
use super::{cwd, descriptor};

/// Whether a relative path has a component `..`.
#[inline]
pub fn climbs(path: &[u8]) -> bool {
    has(path, b"..")
}

fn has(mut path: &[u8], wanted: &[u8]) -> bool {
    while let Some((name, rest)) = split_first(path) {
        if name == wanted {
            return true;
        }
        path = rest;
    }
    false
}

/// The path into the tree that an absolute path means which does not say so; `None`: it stays outside.
#[inline]
pub fn inside<'a>(
    path: &[u8],
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    if path.starts_with(b"/proc/self/") || path.starts_with(b"/dev/fd/") {
        return by_descriptor(path, given, normal);
    }
    if !is_odd(path) {
        return Ok(None);
    }
    let mut length = 0;
    append(normal.bytes(), &mut length, path, given)?;
    Ok(finish(normal, length, path, given))
}

/// Where a walk left the tree, with this path left to walk: the path into the tree again that it means, if it does.
pub fn back_inside<'a>(
    left: &[u8],
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    if below(left, &given.border).is_none() {
        return inside(left, given, normal);
    }
    let room = normal.bytes().get_mut(..left.len()).ok_or(Errno::NAMETOOLONG)?;
    room.copy_from_slice(left);
    Ok(Some(room))
}

/// Whether a path has doubled slashes or components that are dots: two bytes that ordinary paths do not have together.
#[inline]
fn is_odd(path: &[u8]) -> bool {
    // Every byte is looked at, many at once: to stop at the first that is odd would be slower for all that have none.
    let next = path.get(1..).unwrap_or(b"");
    let odd = |(&byte, &next): (&u8, &u8)| (byte == b'/') & ((next == b'/') | (next == b'.'));
    path.iter().zip(next).fold(false, |seen, pair| seen | odd(pair))
}

/// The same for a path relative to the working directory, which is outside.
pub fn below_cwd<'a>(
    path: &[u8],
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    let mut length = cwd::kernel_path(normal.bytes())?;
    append(normal.bytes(), &mut length, path, given)?;
    Ok(finish(normal, length, path, given))
}

/// The same for a path relative to a directory that is outside.
pub fn below_descriptor<'a>(
    directory: c_int,
    path: &[u8],
    given: &'static Given,
    normal: &'a mut Scratch,
) -> Result<Option<&'a [u8]>, Errno> {
    // Only from a directory above the mount can a name lead in, and then the name is known.
    let Some((first, _)) = split_first(path) else { return Ok(None) };
    if first != b".." && !has(&given.mount, first) {
        return Ok(None);
    }
    let Some(mut length) = descriptor::path(directory, normal.bytes()) else { return Ok(None) };
    append(normal.bytes(), &mut length, path, given)?;
    Ok(finish(normal, length, path, given))
}

/// `/proc/self/cwd/...`, `/proc/self/fd/N/...`, `/dev/fd/N/...`: where the descriptor or the working directory is ours, the
/// path from there.
fn by_descriptor<'a>(
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

/// Takes the first `..` out of an absolute path outside, as the kernel does: from the directory that is really there. The
/// length of the path that is left, in `normal`; `None`: there is none, or the kernel has an error to tell.
pub fn one_up(path: &[u8], normal: &mut Scratch) -> Result<Option<usize>, Errno> {
    let mut rest = path;
    while let Some((name, behind)) = split_first(rest) {
        if name != b".." {
            rest = behind;
            continue;
        }
        let before = path.get(..path.len() - behind.len() - name.len()).unwrap_or(b"/");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(directory) = rustix::fs::openat(CWD, before, flags, Mode::empty()) else {
            return Ok(None);
        };
        let buffer = normal.bytes();
        let Some(length) = descriptor::path(directory.as_raw_fd(), buffer) else {
            return Ok(None);
        };
        let known = buffer.get(..length).unwrap_or(b"");
        let mut length = known.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        append_raw(buffer, &mut length, if behind.is_empty() { b"/" } else { behind })?;
        return Ok(Some(length));
    }
    Ok(None)
}

/// The number that a path begins with, and the rest.
pub fn number_first(path: &[u8]) -> Option<(c_int, &[u8])> {
    let end = path.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(path.len());
    let (digits, rest) = path.split_at_checked(end)?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, rest))
}

/// Walks `path` by name from the directory whose path the buffer holds. Once that leads to the mount path, the rest is as
/// it was: what dots mean in the tree is the tree's to say.
fn append(
    buffer: &mut [u8; PATH_MAX],
    length: &mut usize,
    mut path: &[u8],
    given: &'static Given,
) -> Result<(), Errno> {
    if *length == 1 {
        // The root's slash comes with the next name.
        *length = 0;
    }
    while let Some((name, rest)) = split_first(path) {
        match name {
            b"." => {}
            b".." => {
                let parent =
                    buffer.get(..*length).and_then(|text| text.iter().rposition(|&b| b == b'/'));
                *length = parent.unwrap_or(0);
            }
            name => {
                append_raw(buffer, length, b"/")?;
                append_raw(buffer, length, name)?;
                if buffer.get(..*length) == Some(&given.border[..]) {
                    return append_raw(buffer, length, rest);
                }
            }
        }
        path = rest;
    }
    Ok(())
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

/// The finished path, if it leads into the tree. What stood behind the last name asks for a directory.
fn finish<'a>(
    normal: &'a mut Scratch,
    mut length: usize,
    path: &[u8],
    given: &'static Given,
) -> Option<&'a [u8]> {
    let bytes = normal.bytes();
    below(bytes.get(..length)?, &given.border)?;
    let asks_directory = path.ends_with(b"/") || path.ends_with(b"/.") || path.ends_with(b"/..");
    if asks_directory {
        append_raw(bytes, &mut length, b"/").ok()?;
    }
    bytes.get(..length)
}
