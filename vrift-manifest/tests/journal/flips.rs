//! A segment of which one bit is another.

use vrift_manifest::journal::replay::{Records, Tail};
use vrift_manifest::journal::segment::{HEADER, HeaderError, check_header};

use crate::segment::{FIRST, ID, Segment, tally, tally_once};

/// Which record a byte belongs to.
fn record_of(segment: &Segment, byte: usize) -> usize {
    segment.ends.iter().take_while(|&&end| end <= byte).count() - 1
}

fn flipped(segment: &Segment, bit: usize) -> Vec<u8> {
    let mut bytes = segment.bytes.clone();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

#[test]
fn any_flipped_bit_gives_exactly_the_records_before_it() {
    let segment = Segment::filled(None).with_room();
    let all = segment.records();
    for bit in HEADER * 8..segment.end() * 8 {
        let bytes = flipped(&segment, bit);
        let hit = record_of(&segment, bit / 8);
        let mut records = Records::of(&bytes, ID).expect("the header is whole");
        let mut count = 0;
        for (found, expected) in records.by_ref().zip(&all) {
            assert_eq!(found, *expected, "bit {bit}");
            count += 1;
        }
        assert_eq!((count, records.offset()), (hit, segment.ends[hit]), "bit {bit}");
    }
    tally(8 * (segment.end() - HEADER));
}

#[test]
fn any_flipped_bit_is_told_from_the_end_of_the_journal() {
    // Fewer records, because what stands behind the bit is searched every time.
    let mut segment = Segment::filled(Some(9));
    segment.bytes.truncate(segment.ends[14]);
    segment.ends.truncate(15);
    let segment = segment.with_room();
    let last = segment.ends.len() - 2;
    for bit in HEADER * 8..segment.end() * 8 {
        let bytes = flipped(&segment, bit);
        let hit = record_of(&segment, bit / 8);
        let mut records = Records::of(&bytes, ID).expect("the header is whole");
        assert_eq!(records.by_ref().count(), hit);
        let next = FIRST + hit as u64 + 1;
        let running = if hit == last { Tail::Torn } else { Tail::Damage { next } };
        assert_eq!(records.tail(false), running, "bit {bit}");
        // Record 9 vouches for those before it.
        let after_power_cut = match running {
            Tail::Damage { .. } if hit >= 9 => Tail::PowerCut { next },
            other => other,
        };
        assert_eq!(records.tail(true), after_power_cut, "bit {bit}");
        // Whoever looks for content that is still named sees all but the one.
        let behind = Records::of(&bytes, ID).expect("a header").and_behind_gaps();
        let numbers: Vec<u64> = behind.map(|placed| placed.seq).collect();
        let expected = (FIRST..=FIRST + last as u64).filter(|seq| *seq != FIRST + hit as u64);
        assert!(numbers.into_iter().eq(expected), "bit {bit}");
    }
    tally(8 * (segment.end() - HEADER));
}

#[test]
fn a_header_with_any_flipped_bit_is_refused() {
    let segment = Segment::filled(None);
    for bit in 0..HEADER * 8 {
        let refused = check_header(&flipped(&segment, bit), ID);
        assert_eq!(refused, Err(HeaderError::Damaged), "bit {bit}");
    }
    tally_once(8 * HEADER);
}

#[test]
fn a_bit_in_the_room_behind_the_records_is_a_torn_end() {
    let segment = Segment::filled(None).with_room();
    for bit in segment.end() * 8..segment.bytes.len() * 8 {
        let bytes = flipped(&segment, bit);
        let mut records = Records::of(&bytes, ID).expect("a header");
        assert_eq!(records.by_ref().count(), 100);
        assert_eq!(records.tail(false), Tail::Torn, "bit {bit}");
        assert_eq!(records.tail(true), Tail::Torn, "bit {bit}");
    }
    tally_once(8 * (segment.bytes.len() - segment.end()));
}
