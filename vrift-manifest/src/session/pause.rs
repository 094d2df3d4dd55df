//! Waiting for another process for a short time, again and again, and not for ever.

use rustix::io::Errno;
use rustix::thread::{NanosleepRelativeResult, nanosleep, sched_yield};
use rustix::time::Timespec;

use super::SessionError;
use crate::waiting;

/// Gives way this often before it sleeps.
const SHORT: u32 = 20;

/// Longer than the kernel lets anybody keep a lease against others (45 s unless it was told otherwise).
const LONGEST: u32 = 60_000;

/// How often it was waited.
pub struct Pause(u32);

impl Pause {
    pub fn new() -> Pause {
        Pause(0)
    }

    /// Whether it was not waited for long yet.
    pub fn is_short(&self) -> bool {
        self.0 < 2 * SHORT
    }

    /// Waits a little. An error when that was often enough.
    pub fn wait(&mut self) -> Result<(), SessionError> {
        self.0 += 1;
        waiting::begins();
        if self.0 < SHORT {
            sched_yield();
            return Ok(());
        }
        if self.0 > LONGEST {
            return Err(Errno::IO.into());
        }
        match nanosleep(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 }) {
            // The caller's own signal handlers have run; a system call that waits would go on, too.
            NanosleepRelativeResult::Ok | NanosleepRelativeResult::Interrupted(_) => Ok(()),
            NanosleepRelativeResult::Err(errno) => Err(errno.into()),
        }
    }
}
