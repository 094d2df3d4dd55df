//! The names of libc that this library defines, a file a family. A hook takes C's arguments apart, asks `vfs`, and gives
//! the answer C's form; what is not ours goes to the next definition with the same arguments.
#![allow(unsafe_code)]

pub mod args;
#[macro_use]
mod hook;

mod close;
mod exec;
mod execl;
mod identity;
mod loader;
mod open;
mod process;
mod stat;
mod stdio;
mod temporary;
