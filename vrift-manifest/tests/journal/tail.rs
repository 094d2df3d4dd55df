//! What stands behind the last readable record, and what it is taken for: the table of `docs/format.md`.

use vrift_manifest::journal::Operation;
use vrift_manifest::journal::replay::Tail;

use crate::segment::{FIRST, Segment, create, read};

/// Ten records, of which the fourth to sixth are lost, and one more behind them.
fn with_gap(last: Operation<'_>) -> Vec<u8> {
    let mut segment = Segment::new();
    for number in 0..10 {
        segment.push(create(2 + number, b"name"));
    }
    segment.push(last);
    let (from, to) = (segment.ends[3], segment.ends[6]);
    let mut bytes = segment.with_room().bytes;
    bytes[from..to].fill(0);
    bytes
}

fn tails(bytes: &[u8]) -> [Tail; 2] {
    let mut records = read(bytes);
    records.by_ref().for_each(drop);
    [records.tail(false), records.tail(true)]
}

const NEXT: u64 = FIRST + 6;

#[test]
fn zeros_to_the_end_are_the_end() {
    assert_eq!(tails(&Segment::filled(None).bytes), [Tail::Clean; 2]);
    assert_eq!(tails(&Segment::filled(None).with_room().bytes), [Tail::Clean; 2]);
    assert_eq!(tails(&Segment::new().bytes), [Tail::Clean; 2]);
}

#[test]
fn a_gap_is_a_power_cut_s_if_nothing_vouches_for_it_and_damage_if_the_machine_was_never_off() {
    let bytes = with_gap(create(20, b"last"));
    assert_eq!(tails(&bytes), [Tail::Damage { next: NEXT }, Tail::PowerCut { next: NEXT }]);
}

#[test]
fn a_gap_is_damage_if_a_later_record_says_that_it_was_on_the_disk() {
    for (through, vouches) in [(FIRST + 2, false), (FIRST + 3, true), (FIRST + 9, true)] {
        let bytes = with_gap(Operation::StoreSynced { through });
        let after_power_cut = match vouches {
            true => Tail::Damage { next: NEXT },
            false => Tail::PowerCut { next: NEXT },
        };
        let [running, found] = tails(&bytes);
        assert_eq!(running, Tail::Damage { next: NEXT });
        assert_eq!(found, after_power_cut, "synced through {through}");
    }
}

#[test]
fn records_of_before_the_gap_that_lie_behind_it_do_not_count() {
    // As after a repair that went on in the same place: what is left of the old ones has smaller numbers.
    let segment = Segment::filled(None);
    let mut bytes = segment.bytes[..segment.ends[20]].to_vec();
    bytes.resize(bytes.len() + 64, 0);
    bytes.extend(&segment.bytes[segment.ends[3]..segment.ends[9]]);
    assert_eq!(tails(&bytes), [Tail::Torn; 2]);
}

#[test]
fn a_record_with_a_number_too_far_ahead_for_its_place_does_not_count() {
    let mut segment = Segment::new();
    segment.push(create(2, b"name"));
    segment.bytes.extend([0xff; 8]);
    segment.ends.push(segment.bytes.len());
    segment.push_payload(FIRST + 1_000_000, &[0; 8]);
    assert_eq!(tails(&segment.bytes), [Tail::Torn; 2]);
}

#[test]
fn a_record_that_is_no_multiple_of_eight_away_does_not_count() {
    let segment = Segment::filled(None);
    let mut bytes = segment.bytes[..segment.ends[20]].to_vec();
    bytes.extend([0xff; 3]);
    bytes.extend(&segment.bytes[segment.ends[20]..]);
    assert_eq!(tails(&bytes), [Tail::Torn; 2]);
}
