//! utime, utimes, lutimes, futimes, futimesat, utimensat, futimens.

use std::ffi::{c_int, c_long};

use libc::{timespec, timeval, utimbuf};
use rustix::io::Errno;
use vrift_manifest::time::Timestamp;

use super::args::{CPath, In, answer, done, fail};
use crate::vfs::find::{CWD, Work};
use crate::vfs::times::{self, Rest, Set, Times};

fn nanoseconds(sec: i64, nsec: c_long) -> Set {
    match nsec {
        libc::UTIME_NOW => Set::Now,
        libc::UTIME_OMIT => Set::Omit,
        nsec => match u32::try_from(nsec).ok().and_then(|nsec| Timestamp::new(sec, nsec)) {
            Some(time) => Set::To(time),
            None => Set::Wrong,
        },
    }
}

fn microseconds(time: &timeval) -> Set {
    match time.tv_usec {
        0..1_000_000 => nanoseconds(time.tv_sec, time.tv_usec * 1000),
        _ => Set::Wrong,
    }
}

/// Two times, access before modification; null stands for the present.
fn of_timespecs(given: In<timespec>) -> Result<Times, Errno> {
    Ok(match given.slice(2)? {
        Some([atime, mtime]) => Times {
            atime: nanoseconds(atime.tv_sec, atime.tv_nsec),
            mtime: nanoseconds(mtime.tv_sec, mtime.tv_nsec),
        },
        _ => Times::NOW,
    })
}

fn of_timevals(given: In<timeval>) -> Result<Times, Errno> {
    Ok(match given.slice(2)? {
        Some([atime, mtime]) => Times { atime: microseconds(atime), mtime: microseconds(mtime) },
        _ => Times::NOW,
    })
}

fn of_seconds(given: In<utimbuf>) -> Result<Times, Errno> {
    Ok(match given.get()? {
        Some(times) => {
            Times { atime: nanoseconds(times.actime, 0), mtime: nanoseconds(times.modtime, 0) }
        }
        None => Times::NOW,
    })
}

#[inline]
fn at(
    directory: c_int,
    path: CPath,
    times: Result<Times, Errno>,
    flags: c_int,
    kernel: impl FnOnce(CPath) -> c_int,
) -> c_int {
    match times {
        Err(errno) => fail(errno),
        Ok(times) if times.is_nothing() => kernel(path),
        Ok(times) => {
            let mut work = Work::default();
            let set = times::at(directory, path.bytes(), times, flags, &mut work);
            answer(path, set, kernel, done)
        }
    }
}

#[inline]
fn of_descriptor(
    descriptor: c_int,
    times: Result<Times, Errno>,
    kernel: impl FnOnce() -> c_int,
) -> c_int {
    match times {
        Err(errno) => fail(errno),
        Ok(times) if times.is_nothing() => kernel(),
        Ok(times) => match times::of_descriptor(descriptor, times) {
            Ok(None | Some(Rest::Kernel)) => kernel(),
            Ok(Some(Rest::None)) => 0,
            // No descriptor, or what may not stand for one: what is told of that depends on the spelling.
            Err(Errno::BADF) => kernel(),
            Err(errno) => fail(errno),
        },
    }
}

hook! {
    /// utimensat(2)
    real => fn utimensat(
        directory: c_int,
        path: CPath,
        times: In<timespec>,
        flags: c_int,
    ) -> c_int {
        let asked = of_timespecs(times);
        at(directory, path, asked, flags, |path| real(directory, path, times, flags))
    }
}

hook! {
    /// futimens(3)
    real => fn futimens(descriptor: c_int, times: In<timespec>) -> c_int {
        of_descriptor(descriptor, of_timespecs(times), || real(descriptor, times))
    }
}

hook! {
    /// utime(2)
    real => fn utime(path: CPath, times: In<utimbuf>) -> c_int {
        at(CWD, path, of_seconds(times), 0, |path| real(path, times))
    }
}

hook! {
    /// utimes(2)
    real => fn utimes(path: CPath, times: In<timeval>) -> c_int {
        at(CWD, path, of_timevals(times), 0, |path| real(path, times))
    }
}

hook! {
    /// lutimes(3)
    real => fn lutimes(path: CPath, times: In<timeval>) -> c_int {
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        at(CWD, path, of_timevals(times), flags, |path| real(path, times))
    }
}

hook! {
    /// futimes(3)
    real => fn futimes(descriptor: c_int, times: In<timeval>) -> c_int {
        of_descriptor(descriptor, of_timevals(times), || real(descriptor, times))
    }
}

hook! {
    /// futimesat(2): without a path it is the descriptor's.
    real => fn futimesat(directory: c_int, path: CPath, times: In<timeval>) -> c_int {
        let asked = of_timevals(times);
        if path.as_ptr().is_null() {
            return of_descriptor(directory, asked, || real(directory, path, times));
        }
        at(directory, path, asked, 0, |path| real(directory, path, times))
    }
}
