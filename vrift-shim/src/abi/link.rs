//! link, linkat.

use std::ffi::c_int;

use super::args::CPath;
use super::rename::answer_for_two;
use crate::vfs::find::{CWD, Work};
use crate::vfs::link;
use crate::vfs::rename::Named;

#[inline]
fn between(
    (from_directory, from): (c_int, CPath),
    (to_directory, to): (c_int, CPath),
    flags: c_int,
    kernel: impl FnOnce(CPath, CPath) -> c_int,
) -> c_int {
    let (mut one, mut other) = (Work::default(), Work::default());
    let old = Named { directory: from_directory, path: from.bytes() };
    let new = Named { directory: to_directory, path: to.bytes() };
    let answer = link::between(old, new, flags, (&mut one, &mut other));
    answer_for_two(answer, (from, to), kernel)
}

hook! {
    /// link(2)
    real => fn link(from: CPath, to: CPath) -> c_int {
        between((CWD, from), (CWD, to), 0, |from, to| real(from, to))
    }
}

hook! {
    /// linkat(2)
    real => fn linkat(
        from_directory: c_int,
        from: CPath,
        to_directory: c_int,
        to: CPath,
        flags: c_int,
    ) -> c_int {
        between((from_directory, from), (to_directory, to), flags, |from, to| {
            real(from_directory, from, to_directory, to, flags)
        })
    }
}
