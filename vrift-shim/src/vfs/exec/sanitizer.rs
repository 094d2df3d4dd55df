//! Programs that look whether the library of their sanitizer was loaded before all others, and refuse to run if it was
//! not: with a preloaded library it cannot be. They are told not to look.

use std::os::fd::BorrowedFd;

use super::dynamic::{Dynamic, NEEDED};

/// How the name of the library begins.
const LIBRARY: &[u8] = b"libasan.so";

/// Whether the first library that a program needs is the sanitizer's.
pub fn is_needed(file: BorrowedFd<'_>, dynamic: &Dynamic) -> bool {
    let mut room = [0; LIBRARY.len()];
    let first = dynamic.values(NEEDED).next();
    first.and_then(|place| dynamic.string(file, place, &mut room)) == Some(LIBRARY)
}
