//! What the tree says of a node, in the forms that C programs know.

use libc::{stat, statx, statx_timestamp};
use vrift_manifest::session::Shown;
use vrift_manifest::time::Timestamp;

use super::session::Given;

/// Bytes that a program had best read at once, as ext4 says.
pub const BLOCK: u32 = 4096;

/// The major number of workspaces' devices: no driver has it.
const MAJOR: u32 = 511;

/// The device of the workspace with this id: the same in all its processes, and hardly that of another.
pub fn device(id: &str) -> (u32, u32) {
    let add = |sum: u32, byte: u8| sum.wrapping_mul(31).wrapping_add(u32::from(byte));
    (MAJOR, id.bytes().fold(0, add) & 0xf_ffff)
}

/// For `stat`.
#[inline]
pub fn as_stat(given: &'static Given, number: u64, shown: &Shown) -> stat {
    let attributes = &shown.attributes;
    let (major, minor) = given.device;
    let mut stat = crate::sys::zeroed::stat();
    stat.st_dev = libc::makedev(major, minor);
    stat.st_ino = number;
    stat.st_mode = attributes.mode;
    stat.st_nlink = attributes.nlink.into();
    stat.st_uid = attributes.uid;
    stat.st_gid = attributes.gid;
    stat.st_rdev = attributes.rdev;
    stat.st_size = attributes.size as i64;
    stat.st_blksize = BLOCK as libc::blksize_t;
    stat.st_blocks = shown.blocks as i64;
    (stat.st_atime, stat.st_atime_nsec) = time(attributes.atime);
    (stat.st_mtime, stat.st_mtime_nsec) = time(attributes.mtime);
    (stat.st_ctime, stat.st_ctime_nsec) = time(attributes.ctime);
    stat
}

fn time(time: Timestamp) -> (i64, i64) {
    (time.sec, i64::from(time.nsec))
}

/// For `statx`.
pub fn as_statx(given: &'static Given, number: u64, shown: &Shown) -> statx {
    let attributes = &shown.attributes;
    let (major, minor) = given.device;
    let mut all = crate::sys::zeroed::statx();
    all.stx_mask = libc::STATX_BASIC_STATS;
    all.stx_blksize = BLOCK;
    all.stx_nlink = attributes.nlink;
    all.stx_uid = attributes.uid;
    all.stx_gid = attributes.gid;
    all.stx_mode = attributes.mode as u16;
    all.stx_ino = number;
    all.stx_size = attributes.size;
    all.stx_blocks = shown.blocks;
    all.stx_atime = stamp(attributes.atime);
    all.stx_mtime = stamp(attributes.mtime);
    all.stx_ctime = stamp(attributes.ctime);
    all.stx_rdev_major = libc::major(attributes.rdev);
    all.stx_rdev_minor = libc::minor(attributes.rdev);
    (all.stx_dev_major, all.stx_dev_minor) = (major, minor);
    all
}

fn stamp(time: Timestamp) -> statx_timestamp {
    let mut stamp = crate::sys::zeroed::statx_timestamp();
    (stamp.tv_sec, stamp.tv_nsec) = (time.sec, time.nsec);
    stamp
}
