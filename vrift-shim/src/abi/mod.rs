//! The names of libc that this library defines, a file a family. A hook takes C's arguments apart, asks `vfs`, and gives
//! the answer C's form; what is not ours goes to the next definition with the same arguments.
#![allow(unsafe_code)]

pub mod args;
#[macro_use]
mod hook;
#[macro_use]
mod jump;

mod access;
#[cfg(target_arch = "x86_64")]
mod answer;
mod canonical;
mod close;
mod cwd;
mod directory;
mod exec;
mod execl;
mod fts;
mod fts_entry;
mod ftw;
mod glob;
mod identity;
mod link;
mod loaded;
mod loader;
mod lock;
mod make;
mod objects;
mod open;
mod openat2;
mod owner;
mod permission;
mod process;
mod readlink;
mod remove;
mod rename;
mod rights;
mod seek;
mod shell;
mod socket;
mod socket_many;
mod spawn;
mod spawn_actions;
mod stat;
mod statfs;
mod stdio;
mod sync;
mod syscall;
mod temporary;
mod times;
mod traced;
mod truncate;
mod watch;
mod xattr;

#[cfg(target_arch = "x86_64")]
pub use answer::answer;
