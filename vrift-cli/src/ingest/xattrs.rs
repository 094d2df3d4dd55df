//! Extended attributes: those that belong to the tree rather than to the machine.
//!
//! Kept are `user.*`, the two POSIX access control lists, file capabilities, and (visible to root only) `trusted.*`
//! but for those of overlay file systems. Labels of a security policy, integrity hashes and what else a file system
//! makes up itself mean nothing elsewhere.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fd::AsRawFd;
use rustix::fs as sys;
use rustix::io::Errno;

use super::tree::Xattr;

/// The kernel's bounds: a list of names and a value are both at most 64 KiB.
const LARGEST: usize = 1 << 16;

/// Whether an attribute of this name is kept.
pub fn is_kept(name: &[u8]) -> bool {
    name.starts_with(b"user.")
        || name.starts_with(b"trusted.") && !name.starts_with(b"trusted.overlay.")
        || matches!(
            name,
            b"system.posix_acl_access" | b"system.posix_acl_default" | b"security.capability"
        )
}

/// The attributes of an open file or directory, sorted by name. `buffer` is for reuse.
pub fn of_file(file: impl AsFd, buffer: &mut Vec<u8>) -> Result<Vec<Xattr>, Errno> {
    let file = file.as_fd();
    read(
        buffer,
        |buffer| sys::flistxattr(file, buffer),
        |name, buffer| sys::fgetxattr(file, name, buffer),
    )
}

/// The attributes of an entry that cannot be opened, such as a symlink: by way of /proc, as there is no call that
/// takes a directory and a name.
pub fn of_entry(
    directory: impl AsFd,
    name: &[u8],
    buffer: &mut Vec<u8>,
) -> Result<Vec<Xattr>, Errno> {
    let mut path = format!("/proc/self/fd/{}/", directory.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = PathBuf::from(std::ffi::OsString::from_vec(path));
    read(
        buffer,
        |buffer| sys::llistxattr(&path, buffer),
        |name, buffer| sys::lgetxattr(&path, name, buffer),
    )
}

fn read(
    buffer: &mut Vec<u8>,
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&CString, &mut [u8]) -> Result<usize, Errno>,
) -> Result<Vec<Xattr>, Errno> {
    buffer.resize(LARGEST, 0);
    let length = match list(buffer) {
        // No attributes: by far the most common answer. File systems without them say NOTSUP.
        Ok(0) | Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Vec::new()),
        Ok(length) => length,
        Err(errno) => return Err(errno),
    };
    let names: Vec<CString> = buffer
        .get(..length)
        .unwrap_or(&[])
        .split(|&byte| byte == 0)
        .filter(|name| is_kept(name))
        .filter_map(|name| CString::new(name).ok())
        .collect();
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        match get(&name, buffer) {
            Ok(length) => {
                let value = buffer.get(..length).unwrap_or(&[]).to_vec();
                found.push(Xattr { name: name.into_bytes(), value });
            }
            // Removed meanwhile.
            Err(Errno::NODATA) => {}
            Err(errno) => return Err(errno),
        }
    }
    found.sort();
    Ok(found)
}
