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
        is_private(&path).then_some(path)
    })
}

/// Whether `path` is a directory of this user alone; made on demand. The whole directory goes when the user's last
/// session ends, on some systems, and then anybody may make another one of that name.
pub fn is_private(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    remake(path).is_ok()
        && fs::symlink_metadata(path)
            .is_ok_and(|found| found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0)
}

fn remake(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The identity of this boot of the machine, if the kernel tells it here.
pub fn boot_id() -> Option<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).ok().filter(|&id| id != 0).map(u128::to_be_bytes)
}

/// Sixteen random bytes.
pub fn random_id() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    let filled = rustix::rand::getrandom(&mut id[..], rustix::rand::GetRandomFlags::empty())?;
    if filled == 16 { Ok(id) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
