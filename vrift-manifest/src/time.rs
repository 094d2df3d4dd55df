//! A point in time as a file system keeps it: seconds since 1970, possibly negative, and nanoseconds.

/// Seconds and nanoseconds since the epoch; `nsec` is below 1,000,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
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
}
