//! Where a tree goes to.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, RawDir, mkdirat, open, openat};
use rustix::io::Errno;

use crate::output::names;

/// Why an export did not take place, or was ended.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The destination is there already, and is not to be replaced.
    #[error("'{}' is there already", names::path(.0))]
    Exists(PathBuf),
    /// The destination has entries.
    #[error("the directory '{}' is not empty", names::path(.0))]
    NotEmpty(PathBuf),
    /// The destination is something else than a directory.
    #[error("'{}' is not a directory", names::path(.0))]
    NotADirectory(PathBuf),
    /// The destination cannot be made or opened.
    #[error("cannot write to '{}'", names::path(.0))]
    Open(PathBuf, #[source] io::Error),
    /// A signal came. What is there is whole.
    #[error("interrupted")]
    Interrupted(i32),
    /// The file system takes no more.
    #[error("cannot write '{}' below '{}'", names::shown(.path), names::path(.destination))]
    Full {
        /// The entry that was written.
        path: Vec<u8>,
        /// The destination.
        destination: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Opens the directory that the destination is in, and gives its name there.
pub(super) fn above(destination: &Path) -> Result<(OwnedFd, CString), ExportError> {
    let opening = |errno: Errno| ExportError::Open(destination.to_path_buf(), errno.into());
    let name = destination.file_name().ok_or_else(|| opening(Errno::ISDIR))?;
    let parent = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = open(parent, flags, Mode::empty()).map_err(opening)?;
    let name = CString::new(name.as_bytes()).map_err(|_| opening(Errno::INVAL))?;
    Ok((parent, name))
}

/// Opens the destination directory, and makes it if it is not there. One with entries is refused unless `force`.
pub(super) fn open_directory(destination: &Path, force: bool) -> Result<OwnedFd, ExportError> {
    let opening = |errno: Errno| match errno {
        Errno::NOTDIR => ExportError::NotADirectory(destination.to_path_buf()),
        errno => ExportError::Open(destination.to_path_buf(), errno.into()),
    };
    // The destination itself was named by the user, so a symlink there is followed.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match open(destination, flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => {
            let (parent, name) = above(destination)?;
            mkdirat(&parent, &name, Mode::RWXU).map_err(opening)?;
            return openat(&parent, &name, flags | OFlags::NOFOLLOW, Mode::empty())
                .map_err(opening);
        }
        Err(errno) => return Err(opening(errno)),
    };
    if !force && has_entries(&directory).map_err(opening)? {
        return Err(ExportError::NotEmpty(destination.to_path_buf()));
    }
    Ok(directory)
}

fn has_entries(directory: &OwnedFd) -> Result<bool, Errno> {
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(directory, &mut buffer);
    while let Some(entry) = entries.next() {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(true);
        }
    }
    Ok(false)
}
