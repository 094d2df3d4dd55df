//! Changes of the tree on behalf of this process.

use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::places;
use vrift_manifest::tree::Change;
use vrift_manifest::workspace::Done;

use super::above;
use super::pipes;
use super::session::{self, Given};
use super::who;

/// One change. It speaks of nodes by number, so it may be tried again where the workspace was replaced.
pub fn apply(given: &'static Given, change: &Change<'_>) -> Result<Done, Errno> {
    if given.is_above {
        return Err(above::refusal(change));
    }
    session::with(given, |session| session.change(&who::who(), change))
}

/// After a name was taken from a node, which had `before` until then: if it was the last one of a pipe, its meeting place
/// goes.
pub fn name_removed(given: &'static Given, node: u64, before: &Attributes) {
    if before.nlink == 1 && Kind::of_mode(before.mode) == Some(Kind::Fifo) {
        pipes::removed(given, node);
    }
}

/// Forgets the placeholder of a directory that was removed: who is in it is in a removed directory, as the kernel has it.
pub fn directory_removed(given: &'static Given, node: u64) {
    use std::os::unix::ffi::OsStrExt;
    let runtime = given.handover.runtime.as_os_str().as_bytes();
    // What is left behind stands for a number that is never used again.
    let _ = places::remove(runtime, given.handover.id.as_bytes(), node);
}

/// The same of one in whose place another came.
pub fn directory_replaced(given: &'static Given, node: u64) {
    use std::os::unix::ffi::OsStrExt;
    let runtime = given.handover.runtime.as_os_str().as_bytes();
    let _ = places::remove_replaced(runtime, given.handover.id.as_bytes(), node);
}
