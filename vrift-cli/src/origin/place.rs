//! Going to a path of the real directory: one name at a time, never over a symlink, so never out of it.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, open, openat, statat};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::ingest::{self, Entry};

const WAY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The real directory.
pub struct Root {
    fd: OwnedFd,
}

impl Root {
    /// Opens it.
    pub fn open(path: &Path) -> Result<Root> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = open(path, flags, Mode::empty());
        let failed = |errno: Errno| Error::at("open", path, std::io::Error::from(errno));
        Ok(Root { fd: opened.map_err(failed)? })
    }

    /// The directory itself.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The directory that a path is in, and its name there.
    pub fn parent(&self, path: &[u8]) -> Result<(OwnedFd, CString), Errno> {
        let (above, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (path.get(..slash).unwrap_or_default(), path.get(slash + 1..)),
            None => (&b""[..], Some(path)),
        };
        let name = CString::new(name.unwrap_or_default()).map_err(|_| Errno::INVAL)?;
        Ok((self.directory(above)?, name))
    }

    /// A directory, to go on from.
    pub fn directory(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let mut fd = openat(&self.fd, c".", WAY, Mode::empty())?;
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            fd = openat(&fd, name, WAY, Mode::empty())?;
        }
        Ok(fd)
    }

    /// A directory, to be listed and changed.
    pub fn opened(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        listable(self.directory(path)?, c".")
    }
}

/// Opens a directory to list it.
pub fn listable(above: impl AsFd, name: &std::ffi::CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(above, name, flags, Mode::empty())
}

/// The names in a directory.
pub fn names_in(directory: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut buffer = vec![std::mem::MaybeUninit::uninit(); 1 << 15];
    let (mut entries, mut found) = (RawDir::new(directory, &mut buffer), Vec::new());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            found.push(entry.file_name().to_owned());
        }
    }
    Ok(found)
}

/// What `stat` says of an entry, not following a symlink.
pub fn look(directory: impl AsFd, name: &std::ffi::CStr) -> Result<Stat, Errno> {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// What is behind a descriptor, as a path for calls that take none.
pub fn path_of(fd: impl AsFd) -> String {
    format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
}

/// Whether an entry is still what it was when the directory was read. Of a directory: whether it is the same one.
/// `moved`: it has been renamed since, which its change time shows.
pub fn is_as_seen(stat: &Stat, seen: &Entry, moved: bool) -> bool {
    let same = (stat.st_dev, stat.st_ino) == (seen.dev, seen.ino);
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return same && seen.kind() == vrift_manifest::attributes::Kind::Directory;
    }
    let (now, seen) = (ingest::attributes(stat), &seen.attributes);
    // A further name that comes or goes changes it, too.
    let ctime = moved || seen.nlink > 1 || now.ctime == seen.ctime;
    same && ctime
        && (now.mode, now.uid, now.gid) == (seen.mode, seen.uid, seen.gid)
        && now.mtime == seen.mtime
        && (stat.st_size as u64 == seen.size
            || FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile)
}
