//! access, faccessat, eaccess.

use std::ffi::c_int;

use rustix::io::Errno;

use super::find::{self, At, Work};
use super::who::{self, Identity};
use super::{Answer, subject};

/// Whether a path may be read, written, executed or searched: by the real ids of the process, or with `AT_EACCESS` by
/// those that all other calls go by.
#[inline]
pub fn at<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    wanted: c_int,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    const FLAGS: c_int = libc::AT_EACCESS | libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH;
    if wanted & !7 != 0 || flags & !FLAGS != 0 {
        return Err(Errno::INVAL);
    }
    let who = if flags & libc::AT_EACCESS != 0 { who::credentials } else { who::real };
    let wanted = wanted.unsigned_abs();
    if flags & libc::AT_EMPTY_PATH != 0 && path.is_some_and(<[u8]>::is_empty) {
        return subject::at(directory, path, flags, work)?.then(|at| judge(&at, who, wanted));
    }
    let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
    find::node_for(who, directory, path, follow, work)?.then(|at| judge(&at, who, wanted))
}

#[inline]
fn judge(at: &At, who: fn() -> &'static Identity, wanted: u32) -> Result<(), Errno> {
    who().need(&at.attributes()?, wanted)
}
