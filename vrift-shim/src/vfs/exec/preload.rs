//! LD_PRELOAD and LD_AUDIT: libraries of the tree in what a loader is told to load before all others.

use std::ffi::{CString, c_int};

use rustix::io::Errno;

use super::failing;
use crate::vfs::find::{self, Work};
use crate::vfs::session::Given;
use crate::vfs::{Answer, environment, exec};

/// The list for the loader of a program that runs in `base`, with names that the kernel knows for what is the tree's;
/// `None`: nothing is. Without a slash a library is one that is searched for. An error: what the loader would find instead is
/// another library, and it is not to be asked.
pub fn translated(
    given: &'static Given,
    base: c_int,
    list: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, Errno> {
    let Some(list) = list.filter(|list| named(list).any(|path| path.contains(&b'/'))) else {
        return Ok(None);
    };
    let (mut text, mut changed) = (Vec::new(), false);
    for path in environment::entries(list) {
        if !text.is_empty() {
            text.push(b':');
        }
        match of_tree(given, base, path)? {
            Some(names) => {
                text.extend_from_slice(&names);
                changed = true;
            }
            None => text.extend_from_slice(path),
        }
    }
    Ok(changed.then_some(text))
}

/// What is not this library.
fn named(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    environment::entries(list).filter(|path| !environment::is_ours(path))
}

/// The names of a library of the tree, and of those that it needs.
fn of_tree(given: &'static Given, base: c_int, path: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    if !path.contains(&b'/') || path.contains(&b'$') || environment::is_ours(path) {
        return Ok(None);
    }
    let mut work = Work::default();
    let loading = match find::node(base, Some(path), true, &mut work) {
        Ok(Answer::Kernel) => return Ok(None),
        Ok(Answer::Elsewhere(other)) => return Ok(Some(other.to_bytes().to_vec())),
        Ok(Answer::Ours(at)) => exec::library(given, base, at, path),
        Err(errno) => Err(errno),
    };
    Ok(match loading {
        Ok(loading) => {
            let needed = loading.needed.iter().flat_map(|path| [b":", path.to_bytes()]);
            Some([loading.path.to_bytes()].into_iter().chain(needed).collect::<Vec<_>>().concat())
        }
        Err(errno) => failing::instead_of(base, path, errno)?.map(CString::into_bytes),
    })
}
