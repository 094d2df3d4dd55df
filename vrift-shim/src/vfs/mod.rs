//! What a call means in the tree: safe code that knows no C.

pub mod attributes;
pub mod canonical;
pub mod close;
pub mod cwd;
pub mod descriptor;
pub mod directory;
pub mod find;
pub mod lexical;
pub mod listing;
pub mod open;
pub mod paths;
pub mod pipes;
pub mod reach;
pub mod session;
pub mod sockets;
pub mod stat;
pub mod who;

use std::ffi::CStr;

/// Whose a call is.
pub enum Answer<'w, T> {
    /// The kernel's, as it was asked.
    Kernel,
    /// The kernel's, for this absolute path: the walk left the tree.
    Elsewhere(&'w CStr),
    /// Ours.
    Ours(T),
}
