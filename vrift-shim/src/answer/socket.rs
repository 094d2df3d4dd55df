//! Sockets with names in the tree: bind(2), and connect(2).

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::caller::{self, Place};
use super::{Reply, seen};
use crate::abi;
use crate::sys::client;
use crate::sys::tracee::Told;
use crate::vfs::find::{self, CWD};
use crate::vfs::sockets::{self, Way};

/// How a way begins that is this process's own.
const OWN: &[u8] = b"/proc/self/";

/// Answers one of the two.
pub fn named(listener: BorrowedFd<'_>, told: &Told) -> Result<Reply, Errno> {
    let [socket, address, length, ..] = told.words;
    if length > sockets::HEAD + sockets::LONGEST {
        return Ok(Reply::Kernel);
    }
    let mut bytes = vec![0; length];
    told.read(address, &mut bytes);
    let Some(path) = sockets::path(&bytes) else { return Ok(Reply::Kernel) };
    if !path.starts_with(b"/") && !Place::default().enter(told)? {
        return Ok(Reply::Kernel);
    }
    if !find::begins_inside(CWD, path)? || seen::is_seen(told) {
        return Ok(Reply::Kernel);
    }
    let Some(file) = caller::descriptor(told, socket as i32) else { return Ok(Reply::Kernel) };
    if !told.is_waiting(listener) {
        return Ok(Reply::Done);
    }
    caller::check(told)?;
    let number = caller::number(&file);
    let here = || {
        let words = [number as usize, bytes.as_ptr().expose_provenance(), length, 0, 0, 0];
        abi::answer(told.number, words).map(Reply::Value)
    };
    if told.number == libc::SYS_bind {
        client::set_umask(caller::umask(told));
        return here();
    }
    let to = match sockets::peer(number, path)? {
        Way::AsSaid => return Ok(Reply::Kernel),
        Way::Place(to) | Way::Outside(to) => to,
    };
    let way = sockets::path(to.bytes()).unwrap_or_default();
    if way.starts_with(OWN) {
        return here();
    }
    if rustix::fs::lstat(way).is_err_and(|errno| errno == Errno::NOENT) {
        // A node without a meeting place is a socket that nobody has bound.
        return Err(Errno::CONNREFUSED);
    }
    // By who asks, whose credentials the other end is told.
    let block = to.bytes().to_vec();
    told.again(listener, block.len(), |room| {
        let mut words = told.words;
        for (place, word) in words.iter_mut().skip(1).zip([room, block.len()]) {
            *place = word;
        }
        (block, words)
    })?;
    Ok(Reply::Done)
}
