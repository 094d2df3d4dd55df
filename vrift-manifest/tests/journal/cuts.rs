//! A segment that ends early, as a process killed in the middle of an append leaves it.

use vrift_manifest::journal::replay::{Records, Tail};
use vrift_manifest::journal::segment::HEADER;

use crate::segment::{ID, Segment, read, tally};

#[test]
fn a_segment_that_is_zero_from_any_byte_on_gives_an_exact_prefix() {
    let segment = Segment::filled(None).with_room();
    let all = segment.records();
    for cut in HEADER..=segment.end() {
        let mut bytes = segment.bytes.clone();
        bytes[cut..].fill(0);
        let mut records = read(&bytes);
        let found: Vec<_> = records.by_ref().collect();
        // A record whose last bytes are zeros anyway is whole before its end.
        let whole = segment.ends[1..].iter().filter(|&&end| end <= cut).count();
        assert!(found.len() >= whole && found.len() <= whole + 1, "cut at {cut}");
        assert_eq!(found, all[..found.len()], "cut at {cut}");
        if found.len() > whole {
            assert!(segment.bytes[cut..segment.ends[whole + 1]].iter().all(|&byte| byte == 0));
        }
        let torn = bytes[records.offset()..].iter().any(|&byte| byte != 0);
        for power_failed in [false, true] {
            let expected = if torn { Tail::Torn } else { Tail::Clean };
            assert_eq!(records.tail(power_failed), expected, "cut at {cut}");
        }
    }
    tally(segment.end() + 1 - HEADER);
}

#[test]
fn a_file_that_ends_at_any_byte_gives_an_exact_prefix() {
    let segment = Segment::filled(None);
    let all = segment.records();
    for cut in 0..=segment.bytes.len() {
        let bytes = &segment.bytes[..cut];
        let Ok(mut records) = Records::of(bytes, ID) else {
            assert!(cut < HEADER);
            continue;
        };
        let found: Vec<_> = records.by_ref().collect();
        let whole = segment.ends[1..].iter().filter(|&&end| end <= cut).count();
        assert_eq!(found, all[..whole], "cut at {cut}");
        let torn = cut > records.offset() && bytes[records.offset()..].iter().any(|&b| b != 0);
        let expected = if torn { Tail::Torn } else { Tail::Clean };
        assert_eq!(records.tail(true), expected, "cut at {cut}");
        assert_eq!(records.and_behind_gaps().count(), 0);
        assert_eq!(read(bytes).and_behind_gaps().count(), whole);
    }
    tally(segment.bytes.len() + 1);
}

#[test]
fn bytes_of_an_older_append_behind_the_end_are_no_records() {
    // A dead process wrote a long record that did not happen; a shorter one was written over it.
    let segment = Segment::filled(None);
    for keep in [1, 10, 99] {
        for shift in 1..8 {
            let end = segment.ends[keep];
            // The last record may be shorter than that.
            let from = (end + 8 * shift).min(segment.end());
            let mut bytes = segment.bytes[..end].to_vec();
            bytes.extend(&segment.bytes[from..segment.ends[keep + 1].max(from)]);
            bytes.resize(bytes.len() + 64, 0);
            let mut records = read(&bytes);
            assert_eq!(records.by_ref().count(), keep);
            assert!(matches!(records.tail(true), Tail::Torn | Tail::Clean), "{keep} {shift}");
        }
    }
}
