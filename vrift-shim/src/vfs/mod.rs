//! What a call means in the tree: safe code that knows no C.

pub mod attributes;
pub mod close;
pub mod cwd;
pub mod descriptor;
pub mod environment;
pub mod exec;
pub mod find;
pub mod lexical;
pub mod library;
pub mod open;
pub mod paths;
pub mod pipes;
pub mod process;
pub mod session;
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
