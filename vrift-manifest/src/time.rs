//! A point in time as a file system keeps it: seconds since 1970, possibly negative, and nanoseconds.

/// Seconds and nanoseconds since the epoch; `nsec` is below 1,000,000,000.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    Hash,
    bincode::Encode,
    bincode::Decode,
)]
pub struct Timestamp {
    /// Whole seconds, negative before 1970.
    pub sec: i64,
    /// Nanoseconds within the second.
    pub nsec: u32,
}

impl Timestamp {
    /// A timestamp; nanoseconds beyond a second are refused with `None`.
    pub fn new(sec: i64, nsec: u32) -> Option<Timestamp> {
        (nsec < 1_000_000_000).then_some(Timestamp { sec, nsec })
    }

    /// The time as ext4 keeps it: what lies outside the years 1901..2446 becomes the nearest second inside.
    pub fn kept(self) -> Timestamp {
        const FIRST: i64 = -(1 << 31);
        const LAST: i64 = (1 << 34) - (1 << 31) - 1;
        match self.sec {
            FIRST..LAST => self,
            before_or_after => Timestamp { sec: before_or_after.clamp(FIRST, LAST), nsec: 0 },
        }
    }

    /// Nanoseconds since 1970; times beyond the years 1677..2262 become the nearest of those.
    pub fn to_nanos(self) -> i64 {
        self.sec.saturating_mul(1_000_000_000).saturating_add(i64::from(self.nsec))
    }

    /// The inverse of [`Timestamp::to_nanos`].
    pub fn from_nanos(nanos: i64) -> Timestamp {
        Timestamp {
            sec: nanos.div_euclid(1_000_000_000),
            nsec: nanos.rem_euclid(1_000_000_000) as u32,
        }
    }

    /// Whether this is later than `earlier`, but by no more than what the kernel's several clocks differ (20 ms): not a
    /// time that somebody has set, but one that has just been.
    pub fn is_soon_after(self, earlier: Timestamp) -> bool {
        let difference = self.to_nanos().saturating_sub(earlier.to_nanos());
        (1..20_000_000).contains(&difference)
    }

    /// A second later.
    pub fn in_a_second(self) -> Timestamp {
        Timestamp { sec: self.sec.saturating_add(1), nsec: self.nsec }
    }

    /// What the kernel's own stamps are made of: the time of the last tick.
    pub fn coarse_now() -> Timestamp {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        Timestamp { sec: now.tv_sec, nsec: now.tv_nsec as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_ext4_cannot_keep_become_the_nearest_it_can() {
        let time = |sec| Timestamp { sec, nsec: 7 };
        assert_eq!(time(0).kept(), time(0));
        assert_eq!(time(15_032_385_534).kept(), time(15_032_385_534));
        assert_eq!(time(15_032_385_535).kept(), Timestamp { sec: 15_032_385_535, nsec: 0 });
        assert_eq!(time(i64::MAX).kept(), Timestamp { sec: 15_032_385_535, nsec: 0 });
        assert_eq!(time(i64::MIN).kept(), Timestamp { sec: -2_147_483_648, nsec: 0 });
    }

    #[test]
    fn nanoseconds_and_back_is_the_same_time_also_before_1970() {
        for time in [Timestamp { sec: -1, nsec: 999_999_999 }, Timestamp { sec: 12, nsec: 0 }] {
            assert_eq!(Timestamp::from_nanos(time.to_nanos()), time);
        }
    }
}
