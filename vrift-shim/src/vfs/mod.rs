//! What a call means in the tree: safe code that knows no C.

pub mod above;
pub mod access;
pub mod attributes;
pub mod canonical;
pub mod change;
pub mod close;
mod crossing;
pub mod cwd;
pub mod descriptor;
pub mod directory;
pub mod environment;
pub mod exec;
pub mod find;
mod handed;
pub mod hidden;
pub mod into;
pub mod known;
pub mod lead;
pub mod lexical;
pub mod library;
pub mod link;
pub mod listing;
pub mod lock;
pub mod magic;
pub mod make;
pub mod nameless_file;
pub mod open;
pub mod open_plain;
pub mod out_of;
pub mod outside;
pub mod owner;
pub mod paths;
pub mod permission;
pub mod pipes;
mod place;
pub mod process;
pub mod reach;
pub mod readlink;
pub mod remove;
pub mod rename;
mod root;
pub mod seek;
pub mod session;
pub mod sockets;
pub mod spawn;
pub mod spot;
pub mod stat;
pub mod statfs;
mod straight;
mod strays;
pub mod subject;
pub mod sync;
pub mod times;
pub mod truncate;
pub mod who;
pub mod xattr;

use std::ffi::CStr;

use rustix::io::Errno;

/// Whose a call is.
pub enum Answer<'w, T> {
    /// The kernel's, as it was asked.
    Kernel,
    /// The kernel's, for this absolute path: the walk left the tree.
    Elsewhere(&'w CStr),
    /// Ours.
    Ours(T),
}

impl<'w, T> Answer<'w, T> {
    /// Goes on with what is ours.
    #[inline]
    pub fn then<U>(self, next: impl FnOnce(T) -> Result<U, Errno>) -> Result<Answer<'w, U>, Errno> {
        Ok(match self {
            Answer::Kernel => Answer::Kernel,
            Answer::Elsewhere(path) => Answer::Elsewhere(path),
            Answer::Ours(value) => Answer::Ours(next(value)?),
        })
    }
}
