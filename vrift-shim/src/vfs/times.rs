//! utimensat and its elders.

use std::ffi::c_int;

use rustix::io::Errno;
use vrift_manifest::time::Timestamp;

use super::descriptor::{self, Held};
use super::find::{At, Work};
use super::{Answer, session, subject, who};

/// What becomes of a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// It stays.
    Omit,
    /// It becomes the present.
    Now,
    /// It becomes this.
    To(Timestamp),
    /// What was asked for is no time: EINVAL, after the path was walked.
    Wrong,
}

/// Access and modification.
#[derive(Clone, Copy)]
pub struct Times {
    /// Last access.
    pub atime: Set,
    /// Last change of content.
    pub mtime: Set,
}

impl Times {
    /// Both the present.
    pub const NOW: Times = Times { atime: Set::Now, mtime: Set::Now };

    /// Whether nothing is to be done: then not even the path is looked at.
    pub fn is_nothing(&self) -> bool {
        (self.atime, self.mtime) == (Set::Omit, Set::Omit)
    }
}

/// Of a path.
pub fn at<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    times: Times,
    flags: c_int,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    if flags & !(libc::AT_SYMLINK_NOFOLLOW | libc::AT_EMPTY_PATH) != 0 {
        return Err(Errno::INVAL);
    }
    subject::at(directory, path, flags, work)?.then(|at| set(&at, times))
}

/// Of a descriptor; `None`: it is none of ours. Of a draft whose node has no name any more the kernel is to set them, too:
/// the file behind the descriptor is all that is left.
pub fn of_descriptor(descriptor: c_int, times: Times) -> Result<Option<Rest>, Errno> {
    let Some(at) = subject::of_descriptor(descriptor)? else { return Ok(None) };
    set(&at, times)?;
    if at.attributes()?.nlink != 0 {
        return Ok(Some(Rest::None));
    }
    let held = descriptor::look(at.given, descriptor)?.0;
    let draft = matches!(held, Held::Content { draft: true, .. });
    Ok(Some(if draft { Rest::Kernel } else { Rest::None }))
}

/// What is left to be done.
pub enum Rest {
    /// Nothing.
    None,
    /// What the kernel does.
    Kernel,
}

fn set(at: &At, times: Times) -> Result<(), Errno> {
    if times.atime == Set::Wrong || times.mtime == Set::Wrong {
        return Err(Errno::INVAL);
    }
    let old = at.attributes()?;
    let who = who::credentials();
    if (times.atime, times.mtime) == (Set::Now, Set::Now) {
        // Whoever may write could set them by writing.
        if who.need_owner(&old).is_err() {
            who.need(&old, 2)?;
        }
    } else {
        who.need_owner(&old)?;
    }
    record(at, times)
}

/// The file counts as written now, by whoever may write it.
pub fn touch(at: &At) -> Result<(), Errno> {
    record(at, Times { atime: Set::Omit, mtime: Set::Now })
}

fn record(at: &At, times: Times) -> Result<(), Errno> {
    let node = at.number()?;
    let to_now = times.atime == Set::Now || times.mtime == Set::Now;
    // The present is that of the record, as with every change. Only where the clock ticks on before that is written it is
    // another one.
    for _ in 0..TICKS {
        let now = Timestamp::coarse_now().max(at.session.tree().index().floor());
        let time = |set| match set {
            Set::Omit | Set::Wrong => None,
            Set::Now => Some(now),
            Set::To(time) => Some(time),
        };
        let (atime, mtime) = (time(times.atime), time(times.mtime));
        let done =
            session::with(at.given, |session| session.set_times(&who::who(), node, atime, mtime))?;
        if !to_now || done.time == now {
            break;
        }
    }
    Ok(())
}

/// How often the clock may tick on while times are set to the present.
const TICKS: usize = 4;
