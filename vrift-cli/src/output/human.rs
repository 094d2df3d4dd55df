//! Sizes, counts and times for people.

use jiff::tz::TimeZone;
use vrift_manifest::time::Timestamp;

/// A size with three significant digits: `0 B`, `999 B`, `1.50 KiB`, `12.3 MiB`.
pub fn size(bytes: u64) -> String {
    let (mut unit, mut value) = ("B", bytes as f64);
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        // 999.5 would be shown with four digits.
        if value < 999.5 {
            break;
        }
        (unit, value) = (next, value / 1024.0);
    }
    match value {
        _ if unit == "B" => format!("{bytes} B"),
        value if value < 9.995 => format!("{value:.2} {unit}"),
        value if value < 99.95 => format!("{value:.1} {unit}"),
        value => format!("{value:.0} {unit}"),
    }
}

/// A count with thousands separated: `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// How long `then` is past, seen from `now`: `just now`, `5 minutes ago`, `3 days ago`, `in 2 hours`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.sec.saturating_sub(then.sec);
    let length = seconds.unsigned_abs();
    let (number, unit) = match length {
        0..=1 => return "just now".to_string(),
        2..=59 => (length, "second"),
        60..=3_599 => (length / 60, "minute"),
        3_600..=86_399 => (length / 3_600, "hour"),
        86_400..=2_591_999 => (length / 86_400, "day"),
        2_592_000..=31_535_999 => (length / 2_592_000, "month"),
        _ => (length / 31_536_000, "year"),
    };
    let text = counted(number, unit);
    if seconds < 0 { format!("in {text}") } else { format!("{text} ago") }
}

/// Date and time in the local zone as `stat` writes it: `2026-11-21 06:10:00.123456789 +0100`. A time that no
/// calendar reaches is `@seconds`.
pub fn full_time(time: Timestamp) -> String {
    zoned(time).map_or_else(
        || format!("@{}", time.sec),
        |zoned| zoned.strftime("%Y-%m-%d %H:%M:%S.%9f %z").to_string(),
    )
}

/// Date and time to the second: `2026-11-21 06:10:00`.
pub fn time(time: Timestamp) -> String {
    zoned(time).map_or_else(
        || format!("@{}", time.sec),
        |zoned| zoned.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Date and time to the minute: `2026-11-21 06:10`.
pub fn short_time(time: Timestamp) -> String {
    zoned(time).map_or_else(
        || format!("@{}", time.sec),
        |zoned| zoned.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// The same instant for programs: `2026-11-21T05:10:00.123456789Z`.
pub fn json_time(time: Timestamp) -> String {
    instant(time).map_or_else(
        || format!("@{}.{:09}", time.sec, time.nsec),
        |instant| instant.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string(),
    )
}

fn instant(time: Timestamp) -> Option<jiff::Timestamp> {
    // jiff wants both parts of one sign; adding the nanoseconds to the second does that.
    let second = jiff::Timestamp::new(time.sec, 0).ok()?;
    second.checked_add(jiff::SignedDuration::from_nanos(i64::from(time.nsec))).ok()
}

fn zoned(time: Timestamp) -> Option<jiff::Zoned> {
    Some(instant(time)?.to_zoned(TimeZone::system()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(sec: i64) -> Timestamp {
        Timestamp { sec, nsec: 0 }
    }

    #[test]
    fn sizes_have_three_digits() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "0.98 KiB"),
            (1_536, "1.50 KiB"),
            (12_900_000, "12.3 MiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(7), "7");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(1_000, "file"), "1,000 files");
    }

    #[test]
    fn times_are_told_from_now() {
        let now = at(1_000_000_000);
        assert_eq!(ago(now, now), "just now");
        assert_eq!(ago(at(1_000_000_000 - 300), now), "5 minutes ago");
        assert_eq!(ago(at(1_000_000_000 - 3_600), now), "1 hour ago");
        assert_eq!(ago(at(1_000_000_000 + 7_200), now), "in 2 hours");
        assert!(ago(at(i64::MIN), at(i64::MAX)).ends_with("years ago"));
    }

    #[test]
    fn times_before_1970_and_beyond_the_calendar_are_told() {
        let before = Timestamp { sec: -1, nsec: 500_000_000 };
        assert_eq!(json_time(before), "1969-12-31T23:59:59.500000000Z");
        assert_eq!(json_time(at(i64::MAX)), "@9223372036854775807.000000000");
        assert_eq!(short_time(at(i64::MIN)), "@-9223372036854775808");
    }
}
