//! fsync and its like: what is on the disk when they return must be found there after a power cut, as a file of the tree.

use std::ffi::c_int;

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::session::Session;

use super::descriptor::{self, Held, borrow};
use super::{session, who};

/// fsync, fdatasync. `None`: it is the kernel's.
pub fn file(descriptor: c_int) -> Result<Option<()>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let Ok((held, stat)) = descriptor::look(given, descriptor) else { return Ok(None) };
    // A pipe has nothing that could be: EINVAL.
    let is_pipe = stat.st_mode & 0o170_000 == 0o010_000;
    if is_pipe || held == Held::Foreign || Session::is_synced(stat.st_mode) {
        return Ok(None);
    }
    let file = borrow(descriptor)?;
    if rustix::fs::fcntl_getfl(file)?.contains(OFlags::PATH) {
        return Ok(None);
    }
    // Of a directory nothing but its entries, which the journal has.
    let is_directory = matches!(held, Held::Directory(_));
    session::with(given, |session| match held {
        Held::Content { node, draft: true } => session.sync_content(&who::who(), node, file),
        _ => session.sync_tree(!is_directory),
    })?;
    Ok(Some(()))
}

/// syncfs: what a directory of the tree is stood for by may be on another file system than the tree.
pub fn file_system(descriptor: c_int) -> Result<Option<()>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let Ok((Held::Directory(_), _)) = descriptor::look(given, descriptor) else { return Ok(None) };
    if rustix::fs::fcntl_getfl(borrow(descriptor)?)?.contains(OFlags::PATH) {
        return Ok(None);
    }
    session::with(given, |session| session.sync_tree(true)).map(Some)
}
