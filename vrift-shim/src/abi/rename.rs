//! rename, renameat, renameat2.

use std::ffi::{c_int, c_uint};

use rustix::io::Errno;

use super::args::{CPath, fail};
use crate::vfs::find::{CWD, Work};
use crate::vfs::rename::{self, Named, Renamed};

/// Gives the answer of a call with two paths.
pub fn answer_for_two(
    answer: Result<Renamed<'_>, Errno>,
    (from, to): (CPath, CPath),
    kernel: impl FnOnce(CPath, CPath) -> c_int,
) -> c_int {
    match answer {
        Ok(Renamed::Done) => 0,
        Ok(Renamed::Kernel(old, new)) => {
            kernel(old.map_or(from, CPath::of), new.map_or(to, CPath::of))
        }
        Err(errno) => fail(errno),
    }
}

#[inline]
fn between(
    (from_directory, from): (c_int, CPath),
    (to_directory, to): (c_int, CPath),
    flags: c_uint,
    kernel: impl FnOnce(CPath, CPath) -> c_int,
) -> c_int {
    let (mut one, mut other) = (Work::default(), Work::default());
    let old = Named { directory: from_directory, path: from.bytes() };
    let new = Named { directory: to_directory, path: to.bytes() };
    let answer = rename::between(old, new, flags, (&mut one, &mut other));
    answer_for_two(answer, (from, to), kernel)
}

hook! {
    /// rename(2)
    real => fn rename(from: CPath, to: CPath) -> c_int {
        between((CWD, from), (CWD, to), 0, |from, to| real(from, to))
    }
}

hook! {
    /// renameat(2)
    real => fn renameat(
        from_directory: c_int,
        from: CPath,
        to_directory: c_int,
        to: CPath,
    ) -> c_int {
        between((from_directory, from), (to_directory, to), 0, |from, to| {
            real(from_directory, from, to_directory, to)
        })
    }
}

hook! {
    /// renameat2(2)
    real => fn renameat2(
        from_directory: c_int,
        from: CPath,
        to_directory: c_int,
        to: CPath,
        flags: c_uint,
    ) -> c_int {
        between((from_directory, from), (to_directory, to), flags, |from, to| {
            real(from_directory, from, to_directory, to, flags)
        })
    }
}
