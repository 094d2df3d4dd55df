//! What one `stat` says about a file of the store.

use std::time::{Duration, SystemTime};

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, Stat, fstat, statat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::stamp::Stamp;

/// What one `stat` says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) kind: FileType,
    pub(crate) mode: u32,
    pub(crate) size: u64,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) ctime: Clock,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) links: u64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// A time of the kernel's wall clock: seconds since 1970 and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clock {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Facts {
    /// The facts of `name` in `directory`; of a symlink its own.
    pub(crate) fn at(directory: impl AsFd, name: impl Arg) -> Result<Facts, Errno> {
        statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Facts::from(&stat))
    }

    /// The facts of an open file.
    pub(crate) fn of(file: impl AsFd) -> Result<Facts, Errno> {
        fstat(file).map(|stat| Facts::from(&stat))
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Whether both are the same inode.
    pub(crate) fn is_same_file(&self, other: &Facts) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

#[allow(clippy::useless_conversion, reason = "the fields' types differ between architectures")]
impl From<&Stat> for Facts {
    fn from(stat: &Stat) -> Facts {
        Facts {
            kind: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            stamp: Stamp::of(stat),
            ctime: Clock {
                seconds: stat.st_ctime.into(),
                nanoseconds: u32::try_from(stat.st_ctime_nsec).unwrap_or(0),
            },
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: stat.st_nlink.into(),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

impl Clock {
    /// What the clock says now.
    pub(crate) fn now() -> Clock {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        Clock { seconds: now.tv_sec, nanoseconds: u32::try_from(now.tv_nsec).unwrap_or(0) }
    }

    /// How long before `later` this was; nothing if it was after.
    pub(crate) fn age_at(self, later: Clock) -> Option<Duration> {
        later.as_duration()?.checked_sub(self.as_duration()?)
    }

    fn as_duration(self) -> Option<Duration> {
        Some(Duration::new(u64::try_from(self.seconds).ok()?, self.nanoseconds))
    }
}

impl From<Clock> for SystemTime {
    fn from(clock: Clock) -> SystemTime {
        let fraction = Duration::from_nanos(u64::from(clock.nanoseconds));
        let whole = Duration::from_secs(clock.seconds.unsigned_abs());
        let whole = if clock.seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(whole)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(whole)
        };
        whole.and_then(|time| time.checked_add(fraction)).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}
