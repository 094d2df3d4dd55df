//! Stamps, as a process gives them that has not opened the store.

use std::sync::atomic::Ordering;

use rustix::fd::AsFd;
use rustix::fs::{futimens, stat};
use rustix::io::Errno;

use super::Sealer;
use crate::stamp::{LAST_BOOT, Stamp, Uptime};

/// The inode of the time namespace that a machine boots with. In it nothing is added to a clock.
const INITIAL_TIME_NAMESPACE: u64 = 0xeffffffa;

/// Nothing is added to this process's clock of the time since boot.
const PLAIN: u8 = 1;
/// Something may be.
const SHIFTED: u8 = 2;

impl Sealer {
    /// Says that the blob that is open as `file` was complete now, in the store's boot number `boot`.
    pub fn stamp(&self, file: impl AsFd, boot: u32) -> Result<(), Errno> {
        let stamp = self.now(boot).ok_or(Errno::INVAL)?;
        futimens(file, &stamp.times())
    }

    /// The stamp of what is complete now. `None`: no boot has this number.
    pub(super) fn now(&self, boot: u32) -> Option<Stamp> {
        let tick = match self.clock() {
            PLAIN => Uptime::plain().tick(),
            _ => Uptime::new().tick(),
        };
        (1..=LAST_BOOT).contains(&boot).then_some(Stamp { boot, tick })
    }

    /// One call, once.
    fn clock(&self) -> u8 {
        let known = self.clocks.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        let found = match stat(c"/proc/self/ns/time") {
            Ok(found) if found.st_ino == INITIAL_TIME_NAMESPACE => PLAIN,
            _ => SHIFTED,
        };
        self.clocks.store(found, Ordering::Relaxed);
        found
    }
}
