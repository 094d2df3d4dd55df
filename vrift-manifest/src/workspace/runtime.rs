//! Where live indexes lie: on tmpfs where there is one. What is lost there is built again from the journal.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::retry_on_intr;
use rustix::time::ClockId;

use crate::time::Timestamp;

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
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // The umask may have taken what this user needs.
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
        other => other,
    }
}

/// The identity of this boot of the machine, if the kernel tells it here.
pub fn boot_id() -> Option<[u8; 16]> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(c"/proc/sys/kernel/random/boot_id", flags, Mode::empty()).ok()?;
    let mut text = [0; 64];
    let length = retry_on_intr(|| rustix::io::read(&file, &mut text[..])).ok()?;
    let mut id: u128 = 0;
    let mut digits = 0;
    for digit in text.get(..length)?.iter().filter_map(|&byte| char::from(byte).to_digit(16)) {
        id = id << 4 | u128::from(digit);
        digits += 1;
    }
    (digits == 32 && id != 0).then(|| id.to_be_bytes())
}

/// When the machine was started, as the clock has it now.
pub fn boot_time() -> Timestamp {
    let since = rustix::time::clock_gettime(ClockId::Boottime);
    let since = Timestamp { sec: since.tv_sec, nsec: since.tv_nsec as u32 };
    Timestamp::from_nanos(Timestamp::coarse_now().to_nanos().saturating_sub(since.to_nanos()))
}

/// Sixteen random bytes.
pub fn random_id() -> io::Result<[u8; 16]> {
    let mut id = [0; 16];
    let filled = rustix::rand::getrandom(&mut id[..], rustix::rand::GetRandomFlags::empty())?;
    if filled == 16 { Ok(id) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
