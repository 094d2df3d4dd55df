//! A stamp is a blob's modification time, used as a logical clock: which boot of the machine wrote the
//! blob, and when in that boot.
//!
//! The seconds hold the number of the boot, counted by the store (see `store/boot.rs`), and the
//! nanoseconds hold the time since that boot in ticks of 20 ms. No wall clock is in it: a clock that is
//! set back, or a machine without a battery, cannot make a blob look older than it is. The writer stamps a
//! blob after the last byte and before the blob gets its name.

use rustix::fs::{Stat, Timestamps, UTIME_OMIT};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// The largest number of a boot. Present-day times are larger, so that a blob which somebody touched, or
/// copied without its times, bears no stamp at all.
pub const LAST_BOOT: u32 = 1_000_000_000;

/// The last tick: what the field can hold. It stands for "at an unknown time", 231 days of uptime included.
pub(crate) const LAST_TICK: u32 = 999_999_999;

const TICK_NANOSECONDS: u64 = 20_000_000;

/// Ticks in a second.
pub(crate) const TICKS_PER_SECOND: u32 = 50;

/// When a blob was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub(crate) boot: u32,
    pub(crate) tick: u32,
}

impl Stamp {
    /// The number of the boot, as the store counts them.
    pub fn boot(self) -> u32 {
        self.boot
    }

    /// The time since that boot, in ticks of 20 ms; 999,999,999 if it is not known.
    pub fn tick(self) -> u32 {
        self.tick
    }

    /// The stamp that a file bears.
    pub(crate) fn of(stat: &Stat) -> Option<Stamp> {
        let boot = u32::try_from(stat.st_mtime).ok().filter(|n| (1..=LAST_BOOT).contains(n))?;
        let tick = u32::try_from(stat.st_mtime_nsec).ok()?;
        Some(Stamp { boot, tick })
    }

    /// The times to set on a file.
    pub(crate) fn times(self) -> Timestamps {
        Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec {
                tv_sec: i64::from(self.boot),
                tv_nsec: i64::from(self.tick),
            },
        }
    }
}

/// The time since the machine was booted, sleep included, the same in all processes.
#[derive(Debug)]
pub(crate) struct Uptime {
    /// What a time namespace adds to the clock: whole seconds and nanoseconds. None: it cannot be known.
    shift: Option<i128>,
}

impl Uptime {
    pub(crate) fn new() -> Uptime {
        let shift = match std::fs::read_to_string("/proc/self/timens_offsets") {
            Ok(text) => shift_of(&text),
            // A kernel without time namespaces: all processes see one clock.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(0),
            Err(_) => None,
        };
        Uptime { shift }
    }

    /// For a process that is known to be in no time namespace of its own.
    pub(crate) fn plain() -> Uptime {
        Uptime { shift: Some(0) }
    }

    /// Whether the time is known: if not, every tick is [`LAST_TICK`].
    pub(crate) fn is_known(&self) -> bool {
        self.shift.is_some()
    }

    /// Ticks since the boot.
    pub(crate) fn tick(&self) -> u32 {
        let now = clock_gettime(ClockId::Boottime);
        let Some(shift) = self.shift else { return LAST_TICK };
        let nanoseconds = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec) - shift;
        let ticks = nanoseconds / i128::from(TICK_NANOSECONDS);
        u32::try_from(ticks).map_or(LAST_TICK, |tick| tick.min(LAST_TICK))
    }
}

/// Reads the line `boottime SECONDS NANOSECONDS`.
fn shift_of(text: &str) -> Option<i128> {
    let line = text.lines().find_map(|line| line.strip_prefix("boottime"))?;
    let mut numbers = line.split_ascii_whitespace().map(|word| word.parse::<i64>().ok());
    let (seconds, nanoseconds) = (numbers.next()??, numbers.next()??);
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_time_namespace_is_shifted_back() {
        assert_eq!(shift_of("monotonic  0 0\nboottime  5 7\n"), Some(5_000_000_007));
        assert_eq!(shift_of("monotonic 0 0\nboottime -5 0\n"), Some(-5_000_000_000));
        assert_eq!(shift_of("monotonic 0 0\n"), None);
        let here = Uptime { shift: Some(0) }.tick();
        let ahead = Uptime { shift: Some(-1_000_000_000) }.tick();
        assert!(ahead.abs_diff(here + TICKS_PER_SECOND) <= TICKS_PER_SECOND);
        assert_eq!(Uptime { shift: None }.tick(), LAST_TICK);
    }

    #[test]
    fn an_uptime_too_long_to_write_down_is_an_unknown_time() {
        assert_eq!(Uptime { shift: Some(-(1 << 90)) }.tick(), LAST_TICK);
    }
}
