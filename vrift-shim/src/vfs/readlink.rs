//! readlink: of the tree's symlinks, and of the kernel's links to what a process holds, which lead to our files and
//! directories and are mapped back to what they stand for.

use std::ffi::c_int;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::CWD;
use rustix::io::Errno;
use vrift_manifest::places;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::descriptor::{self, Held};
use super::exec::farm;
use super::find::{self, At, Work};
use super::session::{self, Given};
use super::{Answer, magic, nameless_file, paths, pipes, subject};

/// What `put` makes of the target of the symlink at `path`.
pub fn at<'w, T>(
    directory: c_int,
    path: Option<&[u8]>,
    work: &'w mut Work,
    put: impl FnOnce(&[u8]) -> Result<T, Errno>,
) -> Result<Answer<'w, T>, Errno> {
    if path.is_some_and(<[u8]>::is_empty) && directory != find::CWD {
        // A symlink itself can be open, to stand for its path.
        return match subject::of_any_descriptor(directory)? {
            Some(at) => match target(&at, put) {
                Err(Errno::INVAL) => Err(Errno::NOENT),
                other => other.map(Answer::Ours),
            },
            None => Ok(Answer::Kernel),
        };
    }
    find::node(directory, path, false, work)?.then(|at| target(&at, put))
}

fn target<T>(at: &At, put: impl FnOnce(&[u8]) -> Result<T, Errno>) -> Result<T, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let length = at.session.tree().read_target(at.cursor, buffer).map_err(|_| Errno::IO)?;
    if length == 0 {
        return Err(Errno::INVAL);
    }
    put(buffer.get(..length).ok_or(Errno::IO)?)
}

/// Whether a link of the kernel may lead to something of ours, as far as its own path tells.
pub fn is_suspect(path: &[u8]) -> bool {
    session::given().is_some() && (path.starts_with(b"/proc/") || path.starts_with(b"/dev/fd/"))
}

/// Whether a link's target is in our directories.
pub fn is_ours(target: &[u8]) -> bool {
    session::given().is_some_and(|given| {
        let handover = &given.handover;
        target.starts_with(handover.store.as_os_str().as_bytes())
            || target.starts_with(handover.runtime.as_os_str().as_bytes())
    })
}

/// What `put` makes of the target of a link of the kernel, mapped back; `None`: there is nothing to map.
pub fn mapped<T>(
    directory: c_int,
    path: &[u8],
    put: impl FnOnce(&[u8]) -> Result<T, Errno>,
) -> Result<Option<T>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let from_cwd = directory == find::CWD || path.first() == Some(&b'/');
    let start = if from_cwd { CWD } else { descriptor::borrow(directory)? };
    let length = rustix::fs::readlinkat_raw(start, path, &mut buffer[..])?;
    if let Some(length) = farm::as_seen(given, buffer, length) {
        return put(buffer.get(..length).ok_or(Errno::IO)?).map(Some);
    }
    if let Some(length) = nameless_file::as_seen(given, buffer, length) {
        return put(buffer.get(..length).ok_or(Errno::IO)?).map(Some);
    }
    let held = match buffer.get(..length) {
        Some(text) => held(given, path, text),
        None => None,
    };
    let Some(node) = held else { return Ok(None) };
    let length = written(given, node, buffer)?;
    put(buffer.get(..length).ok_or(Errno::IO)?).map(Some)
}

/// The node that a path of the kernel stands for.
fn held(given: &'static Given, link: &[u8], text: &[u8]) -> Option<u64> {
    let handover = &given.handover;
    let runtime = handover.runtime.as_os_str().as_bytes();
    if let Some(node) = places::node_of_path(runtime, handover.id.as_bytes(), text) {
        return Some(node);
    }
    if let Some(node) = pipes::node_of_path(given, text) {
        return Some(node);
    }
    if !text.starts_with(handover.store.as_os_str().as_bytes()) {
        return None;
    }
    // A descriptor of our own may be known better: a blob can be the content of many.
    let known = magic::descriptor(link).and_then(|fd| descriptor::look(given, fd).ok());
    let held = match known {
        Some((held, _)) => held,
        None => descriptor::of_path(given, text, None)?,
    };
    match held {
        Held::Foreign | Held::Lost(None) => None,
        Held::Directory(node) | Held::Content { node, .. } | Held::Lost(Some(node)) => Some(node),
    }
}

/// Writes the path of a node, as the kernel writes that of a file: one that was removed says so.
fn written(given: &'static Given, node: u64, buffer: &mut [u8; PATH_MAX]) -> Result<usize, Errno> {
    const GONE: &[u8] = b" (deleted)";
    match paths::of_any(given, node, buffer) {
        Err(Errno::NOENT) => {}
        other => return other,
    }
    let length = paths::of_removed(given, node, buffer)?;
    let end = length + GONE.len();
    buffer.get_mut(length..end).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(GONE);
    Ok(end)
}
