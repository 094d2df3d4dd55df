//! Calls that only the caller can make, with another path: changing directory, and opening a named pipe.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use vrift_manifest::places;
use vrift_manifest::tree::path::PATH_MAX;

use super::caller::{self, Place};
use super::{Reply, seen};
use crate::sys::tracee::Told;
use crate::vfs::find::{self, CWD, Work};
use crate::vfs::{Answer, directory};

/// chdir(2)
pub fn directory(listener: BorrowedFd<'_>, told: &Told) -> Result<Reply, Errno> {
    let [address, ..] = told.words;
    let path = caller::text(told, address, PATH_MAX)?;
    if !path.to_bytes().starts_with(b"/") && !Place::default().enter(told)? {
        return Ok(Reply::Kernel);
    }
    if !find::begins_inside(CWD, path.to_bytes())? || seen::is_seen(told) {
        return Ok(Reply::Kernel);
    }
    if !told.is_waiting(listener) {
        return Ok(Reply::Done);
    }
    caller::check(told)?;
    let mut work = Work::default();
    match find::node(CWD, Some(path.to_bytes()), true, &mut work)? {
        Answer::Kernel => Ok(Reply::Kernel),
        Answer::Elsewhere(other) => argument(listener, told, 0, other),
        Answer::Ours(at) => {
            directory::may_enter_node(at)?;
            let mut buffer = [0; places::PATH_MAX];
            let handover = &at.given.handover;
            let runtime = handover.runtime.as_os_str().as_bytes();
            let place = places::make(runtime, handover.id.as_bytes(), at.number()?, &mut buffer)?;
            argument(listener, told, 0, place)
        }
    }
}

/// fchdir(2): the kernel does it, if it may be.
pub fn descriptor(told: &Told) -> Result<Reply, Errno> {
    let [number, ..] = told.words;
    if seen::is_known(told) {
        return Ok(Reply::Kernel);
    }
    let Some(file) = caller::descriptor(told, number as i32) else { return Ok(Reply::Kernel) };
    if caller::is_ours(&file)? && !seen::is_seen(told) {
        caller::check(told)?;
        directory::may_enter_descriptor(caller::number(&file))?;
    }
    Ok(Reply::Kernel)
}

/// Has the call made again with another path as its argument `at`. It is told once more then, and is the kernel's.
pub fn argument(
    listener: BorrowedFd<'_>,
    told: &Told,
    at: usize,
    path: &CStr,
) -> Result<Reply, Errno> {
    let bytes = path.to_bytes_with_nul().to_vec();
    told.again(listener, bytes.len(), |room| {
        let mut words = told.words;
        if let Some(word) = words.get_mut(at) {
            *word = room;
        }
        (bytes, words)
    })?;
    Ok(Reply::Done)
}
