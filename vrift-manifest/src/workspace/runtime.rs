//! Where live indexes lie: on tmpfs where there is one. What is lost there is built again from the journal.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The first of `candidates` in which this user can have a directory that nobody else can enter; made on demand.
///
/// A candidate that is not a directory, is open to others in a way that lets them plant something (the directory made
/// in it belongs to somebody else, is a symlink, or can be entered by others), or cannot be written is passed over.
pub fn directory(candidates: &[PathBuf]) -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    candidates.iter().find_map(|candidate| {
        let path = candidate.join(format!("vrift-{user}"));
        private(&path, user).ok().map(|()| path)
    })
}

/// Makes sure that `path` is a directory of `user` alone.
fn private(path: &Path, user: u32) -> io::Result<()> {
    remake(path)?;
    let found = fs::symlink_metadata(path)?;
    if found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// Makes a directory that was there before, if it is gone.
pub fn remake(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The identity of this boot of the machine; what the kernel does not tell is one boot for ever.
pub fn boot_id() -> [u8; 16] {
    let mut id = [0; 16];
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok();
        *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
    }
    id
}

/// Sixteen random bytes.
pub fn random_id() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    let filled = rustix::rand::getrandom(&mut id[..], rustix::rand::GetRandomFlags::empty())?;
    if filled == 16 { Ok(id) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
