//! The lists of directories in which a loader looks for libraries.

use std::ffi::c_int;

use rustix::fs::AtFlags;
use vrift_manifest::tree::path::Scratch;

use crate::vfs::find::{self, Work};
use crate::vfs::session::Given;
use crate::vfs::{Answer, paths};

/// A directory that is looked in.
pub enum Place {
    /// Of the tree: its path, without symlinks.
    Tree(Vec<u8>),
    /// Another, by a path that the kernel finds.
    Outside(Vec<u8>),
}

/// The directories of a list.
pub fn of_list(
    given: &'static Given,
    base: c_int,
    list: &[u8],
    separators: &[u8],
    origin: Option<&[u8]>,
) -> Vec<Place> {
    if list.is_empty() {
        return Vec::new();
    }
    let entries = list.split(|byte| separators.contains(byte));
    entries.filter_map(|entry| place(given, base, &expanded(entry, origin)?)).collect()
}

fn place(given: &'static Given, base: c_int, path: &[u8]) -> Option<Place> {
    let path = if path.is_empty() { b"." } else { path };
    let mut work = Work::default();
    let at = match find::node(base, Some(path), true, &mut work) {
        Ok(Answer::Ours(at)) => at,
        Ok(Answer::Elsewhere(other)) => return Some(Place::Outside(other.to_bytes().to_vec())),
        Ok(Answer::Kernel) => return Some(Place::Outside(path.to_vec())),
        Err(_) => return None,
    };
    let mut room = Scratch::default();
    let room = room.bytes();
    let length = paths::of_node(given, at.number().ok()?, room).ok()?;
    Some(Place::Tree(room.get(..length)?.to_vec()))
}

/// The directory that a path is in.
pub fn directory_of(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    path.get(..slash.max(1)).unwrap_or(path)
}

/// A directory of a list, in which `$ORIGIN` stands for the directory of the object; `None`: it cannot be told here.
fn expanded(entry: &[u8], origin: Option<&[u8]>) -> Option<Vec<u8>> {
    if !entry.contains(&b'$') {
        return Some(entry.to_vec());
    }
    let mut text = Vec::new();
    let mut rest = entry;
    while let Some((&first, behind)) = rest.split_first() {
        let token = [(&b"$ORIGIN"[..], origin), (b"${ORIGIN}", origin)];
        let token = token.iter().find(|(token, _)| rest.starts_with(token));
        match token {
            Some((token, value)) => {
                text.extend_from_slice((*value)?);
                rest = rest.get(token.len()..)?;
            }
            // $LIB and $PLATFORM are the loader's to know.
            None if first == b'$' => return None,
            None => {
                text.push(first);
                rest = behind;
            }
        }
    }
    Some(text)
}

/// Whether the kernel finds something in a directory.
pub fn is_there(directory: &[u8], name: &[u8]) -> bool {
    let path = [directory, b"/", name].concat();
    rustix::fs::statat(rustix::fs::CWD, &*path, AtFlags::empty()).is_ok()
}
