//! From a node back to its path, as programs see it.

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::path::PATH_MAX;

use super::find::{self, At};
use super::session::Given;

/// Directories deep at most: what a path can name, and an end for a tree that lies.
const DEEPEST: usize = PATH_MAX / 2;

/// Writes the path of a directory to the beginning of `buffer`; its length. A directory that was removed has none: ENOENT.
pub fn of_node(
    given: &'static Given,
    node: u64,
    buffer: &mut [u8; PATH_MAX],
) -> Result<usize, Errno> {
    let mut start = PATH_MAX;
    let At { session, cursor: mut at, given } = find::by_number(given, node)?;
    let tree = session.tree();
    let root = tree.number(tree.root()).map_err(|_| Errno::IO)?;
    for _ in 0..DEEPEST {
        if tree.number(at).map_err(|_| Errno::IO)? == root {
            let length = PATH_MAX - start;
            let whole = given.mount.len() + length;
            buffer.copy_within(start.., 0);
            if whole >= PATH_MAX {
                return Err(Errno::NAMETOOLONG);
            }
            buffer.copy_within(..length, given.mount.len());
            buffer
                .get_mut(..given.mount.len())
                .ok_or(Errno::NAMETOOLONG)?
                .copy_from_slice(&given.mount);
            return Ok(whole);
        }
        let name = tree.directory_name(at).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
        let begin = start.checked_sub(name.len() + 1).ok_or(Errno::NAMETOOLONG)?;
        let room = buffer.get_mut(begin..start).ok_or(Errno::NAMETOOLONG)?;
        let (slash, rest) = room.split_at_mut_checked(1).ok_or(Errno::NAMETOOLONG)?;
        slash.fill(b'/');
        rest.copy_from_slice(&name);
        start = begin;
        at = tree.parent(at).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    }
    Err(Errno::NAMETOOLONG)
}

/// Directories deep at most, where a path may have any length: an end for a tree that lies.
const DEEPEST_OF_ALL: usize = 1 << 20;

/// The path of a directory, however long it is.
#[cold]
pub fn of_any_length(given: &'static Given, node: u64) -> Result<Vec<u8>, Errno> {
    let At { session, cursor: mut at, given } = find::by_number(given, node)?;
    let tree = session.tree();
    let root = tree.number(tree.root()).map_err(|_| Errno::IO)?;
    // From its end on.
    let mut turned = Vec::new();
    for _ in 0..DEEPEST_OF_ALL {
        if tree.number(at).map_err(|_| Errno::IO)? == root {
            turned.extend(given.mount.iter().rev());
            turned.reverse();
            return Ok(turned);
        }
        let name = tree.directory_name(at).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
        turned.extend(name.iter().rev());
        turned.push(b'/');
        at = tree.parent(at).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    }
    Err(Errno::NAMETOOLONG)
}

/// The path of a name in a directory, NUL-terminated, in `buffer`; its length without the NUL.
pub fn of_entry(
    given: &'static Given,
    parent: u64,
    name: &[u8],
    buffer: &mut [u8; PATH_MAX],
) -> Result<usize, Errno> {
    let length = of_node(given, parent, buffer)?;
    let end = length + 1 + name.len();
    let room = buffer.get_mut(length..=end).ok_or(Errno::NAMETOOLONG)?;
    let (slash, rest) = room.split_at_mut_checked(1).ok_or(Errno::NAMETOOLONG)?;
    slash.fill(b'/');
    let (text, nul) = rest.split_at_mut_checked(name.len()).ok_or(Errno::NAMETOOLONG)?;
    text.copy_from_slice(name);
    nul.fill(0);
    Ok(end)
}

/// Writes a path of any node to the beginning of `buffer`; its length. One that was removed has none: ENOENT.
pub fn of_any(
    given: &'static Given,
    node: u64,
    buffer: &mut [u8; PATH_MAX],
) -> Result<usize, Errno> {
    let At { session, cursor, .. } = find::by_number(given, node)?;
    let tree = session.tree();
    if tree.kind(cursor).map_err(|_| Errno::IO)? == Kind::Directory {
        return of_node(given, node, buffer);
    }
    let (parent, name) = tree.some_name(cursor).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    of_entry(given, tree.number(parent).map_err(|_| Errno::IO)?, &name, buffer)
}

/// Writes what is left to say of a node that was removed: below the mount path, its number.
pub fn of_removed(
    given: &'static Given,
    node: u64,
    buffer: &mut [u8; PATH_MAX],
) -> Result<usize, Errno> {
    let mut length = given.mount.len();
    buffer.get_mut(..length).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(&given.mount);
    let (mut digits, mut left) = ([b'0'; 20], node);
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    let first = digits.iter().position(|&digit| digit != b'0').unwrap_or(digits.len() - 1);
    for part in [b"/#", digits.get(first..).unwrap_or(b"0")] {
        let end = length + part.len();
        buffer.get_mut(length..end).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(part);
        length = end;
    }
    Ok(length)
}
