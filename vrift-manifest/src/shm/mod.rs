//! The one room with `unsafe`: mapped files, words shared between processes, and the lock that survives its owner.
//!
//! What leaves this room is safe to use whatever other processes do to the same memory: immutable files come out as
//! byte slices, shared memory comes out as atomic words only, each behind a bounds check against the size the file
//! really has (a mapping beyond the end of a file is a SIGBUS).
#![allow(unsafe_code)]

mod late;
pub mod lease;
mod lock;
#[cfg(all(test, not(miri)))]
mod lock_tests;
pub mod locked;
mod map;
mod protocol;
mod region;
mod reserved;
mod sys;

pub use late::Late;
pub use lock::{Held, LockError, with_lock};
pub use map::Mapping;
pub use protocol::{OWNER, OWNER_DIED};
pub use region::{Grow, Inode, Region, grow_file, words_of};
pub use sys::{SignalMask, close, open_to_read};
