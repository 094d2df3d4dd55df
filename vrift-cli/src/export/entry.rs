//! Making one entry in an open directory: never through a symlink, never over what is there unless that is wanted.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fd::AsRawFd;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, chmod, fstat, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

/// An entry that is made, perhaps under a name for the time being.
#[derive(Debug)]
pub struct Made<T> {
    /// What was made.
    pub value: T,
    temporary: Option<CString>,
}

/// Makes an entry. If there is one and `force` is set, it is made under another name, to replace what is there in one
/// step when it is complete.
pub fn make<T>(
    name: &CStr,
    force: bool,
    make: impl Fn(&CStr) -> Result<T, Errno>,
) -> Result<Made<T>, Errno> {
    match make(name) {
        Err(Errno::EXIST) if force => {}
        made => return Ok(Made { value: made?, temporary: None }),
    }
    loop {
        let temporary = temporary_name();
        match make(&temporary) {
            Err(Errno::EXIST) => {}
            made => return Ok(Made { value: made?, temporary: Some(temporary) }),
        }
    }
}

fn temporary_name() -> CString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = rustix::process::getpid().as_raw_nonzero();
    CString::new(format!(".vrift-export-{process}-{number}")).unwrap_or_default()
}

impl<T> Made<T> {
    /// The name that it has now.
    pub fn name<'n>(&'n self, name: &'n CStr) -> &'n CStr {
        self.temporary.as_deref().unwrap_or(name)
    }

    /// Gives it its own name.
    pub fn settle(self, directory: impl AsFd, name: &CStr) -> Result<(), Errno> {
        let Some(temporary) = self.temporary else { return Ok(()) };
        let directory = directory.as_fd();
        let renamed = match renameat(directory, &temporary, directory, name) {
            // An empty directory gives way to a file.
            Err(Errno::ISDIR) => unlinkat(directory, name, AtFlags::REMOVEDIR)
                .and_then(|()| renameat(directory, &temporary, directory, name)),
            renamed => renamed,
        };
        // Renaming one link of a file over another does nothing, and leaves both.
        let left = unlinkat(directory, &temporary, AtFlags::empty());
        match renamed {
            Ok(()) => left.or_else(|errno| if errno == Errno::NOENT { Ok(()) } else { Err(errno) }),
            Err(errno) => Err(errno),
        }
    }

    /// Removes it again.
    pub fn abandon(self, directory: impl AsFd, name: &CStr) {
        // What cannot be removed either is named by the error that led here.
        let _ = unlinkat(directory, self.name(name), AtFlags::empty());
    }
}

/// Makes a directory, or takes the one that is there if `force` is set, and gives its device and inode. A symlink is
/// never followed, but replaced.
pub fn make_directory(
    above: BorrowedFd<'_>,
    name: &CStr,
    force: bool,
) -> Result<(u64, u64), Errno> {
    let identity = || {
        let stat = statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((FileType::from_raw_mode(stat.st_mode), (stat.st_dev, stat.st_ino)))
    };
    match mkdirat(above, name, Mode::RWXU) {
        Err(Errno::EXIST) if force => {}
        made => {
            made?;
            return identity().map(|(_, identity)| identity);
        }
    }
    let (kind, there) = identity()?;
    if kind != FileType::Directory {
        unlinkat(above, name, AtFlags::empty())?;
        mkdirat(above, name, Mode::RWXU)?;
        return identity().map(|(_, identity)| identity);
    }
    // One that we may not write to, but own, is opened up; it gets its mode in the end.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = openat(above, name, flags, Mode::empty())?;
    let mode = fstat(&place)?.st_mode & 0o7777;
    if mode & 0o700 != 0o700 {
        chmod(format!("/proc/self/fd/{}", place.as_raw_fd()), Mode::from_raw_mode(mode | 0o700))?;
    }
    Ok(there)
}
