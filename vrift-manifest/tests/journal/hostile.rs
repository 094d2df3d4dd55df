//! What somebody may write into a segment with right checksums: it is read as what it is, or not at all.

use vrift_manifest::journal::record::PAYLOAD_MAX;
use vrift_manifest::journal::replay::{Records, Tail};
use vrift_manifest::journal::segment::{
    HEADER, HeaderError, check_header, checksum, header, record_at, record_checksum,
};
use vrift_manifest::journal::{Operation, Record, SegmentId};

use crate::segment::{FIRST, ID, Segment, create, read};

#[test]
fn any_length_word_but_the_right_one_ends_the_journal() {
    let mut segment = Segment::new();
    segment.push(create(2, b"name"));
    let segment = segment.with_room();
    let right = segment.bytes[HEADER];
    let lengths = (0..512).chain((0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1, !0 << bit]));
    for length in lengths.filter(|&length: &u64| length != u64::from(right)) {
        let mut bytes = segment.bytes.clone();
        bytes[HEADER..HEADER + 8].copy_from_slice(&length.to_le_bytes());
        let mut records = read(&bytes);
        assert_eq!(records.next(), None, "{length}");
        assert_eq!(records.tail(false), Tail::Torn, "{length}");
        assert_eq!(read(&bytes).and_behind_gaps().count(), 0, "{length}");
    }
}

#[test]
fn a_length_with_a_right_checksum_that_leads_out_of_the_file_is_no_record() {
    for length in [1, 7, 8, 9, 4096, PAYLOAD_MAX - 1, PAYLOAD_MAX] {
        let mut segment = Segment::new();
        segment.push_payload(FIRST, &vec![0xaa; length]);
        assert!(record_at(&segment.bytes, HEADER, ID).is_some());
        // Without the last byte, padding or not.
        assert_eq!(record_at(&segment.bytes[..segment.end() - 1], HEADER, ID), None, "{length}");
    }
}

#[test]
fn padding_that_is_not_zero_is_no_record() {
    let mut segment = Segment::new();
    segment.push_payload(FIRST, &[0; 9]);
    for byte in 1..8 {
        let mut bytes = segment.bytes.clone();
        let at = bytes.len() - byte;
        bytes[at] = 1;
        assert_eq!(record_at(&bytes, HEADER, ID), None);
    }
}

#[test]
fn the_longest_payload_is_read_and_a_longer_one_is_not() {
    let name = vec![b'x'; 255];
    let longest = |block: usize| {
        let record = Record {
            time: Default::default(),
            process: 0,
            operation: Operation::Process {
                parent: 0,
                pid: 1,
                program: &name,
                arguments: &vec![b'a'; block],
                directory: b"",
            },
        };
        let mut buffer = vec![0; PAYLOAD_MAX + 100];
        let length = record.encode(&mut buffer).expect("room");
        buffer.truncate(length);
        buffer
    };
    let frame = longest(70_000).len() - 70_000;
    let exact = longest(PAYLOAD_MAX - frame);
    assert_eq!(exact.len(), PAYLOAD_MAX);
    let mut segment = Segment::new();
    segment.push_payload(FIRST, &exact);
    segment.push(create(2, b"behind"));
    assert_eq!(segment.records().len(), 2);

    let mut segment = Segment::new();
    segment.push_payload(FIRST, &longest(PAYLOAD_MAX - frame + 1));
    assert_eq!(segment.records().len(), 0);
}

#[test]
fn an_unknown_operation_is_damage_and_nothing_is_cut() {
    let (time, process) = ([0, 0], 0);
    for number in [17, 18, 250] {
        let payload = [time[0], time[1], process, number, 1, 2, 3];
        let mut segment = Segment::filled(None);
        segment.push_payload(FIRST + 100, &payload);
        let segment = segment.with_room();
        let mut records = read(&segment.bytes);
        assert_eq!(records.by_ref().count(), 100);
        for power_failed in [false, true] {
            let expected = Tail::Damage { next: FIRST + 100 };
            assert_eq!(records.tail(power_failed), expected, "operation {number}");
        }
    }
}

#[test]
fn a_payload_with_bytes_left_over_or_missing_is_no_record() {
    let record =
        Record { time: Default::default(), process: 0, operation: create(2, b"a longer name") };
    let mut buffer = [0; 256];
    let length = record.encode(&mut buffer).expect("room");
    assert_eq!(Record::decode(&buffer[..length]), Some(record));
    for other in (0..length).chain(length + 1..256) {
        assert_eq!(Record::decode(&buffer[..other]), None, "{other} bytes");
    }
}

#[test]
fn numbers_in_a_payload_that_promise_more_than_there_is_are_refused() {
    // A name of 2^64 - 1 bytes, of 2^32, of one more than there are.
    let head = [0, 0, 0, 7, 2, 1];
    for length in [&[253, 255, 255, 255, 255, 255, 255, 255, 255][..], &[252, 0, 0, 0, 255], &[5]] {
        assert_eq!(Record::decode(&[&head[..], length, b"name"].concat()), None);
    }
    assert!(Record::decode(&[&head[..], &[4], b"name"].concat()).is_some());
    // A discriminant that is no operation, however it is written.
    for number in [&[251, 0, 1][..], &[252, 0, 0, 1, 0], &[253, 0, 0, 0, 0, 1, 0, 0, 0], &[254]] {
        assert_eq!(Record::decode(&[&[0, 0, 0], number, &[0; 20]].concat()), None);
    }
}

#[test]
fn a_record_with_another_number_than_the_next_is_not_read() {
    for seq in [0, FIRST - 1, FIRST, FIRST + 2, u64::MAX] {
        let mut segment = Segment::new();
        segment.push(create(2, b"one"));
        let mut payload = [0; 64];
        let record = Record { time: Default::default(), process: 0, operation: create(3, b"two") };
        let length = record.encode(&mut payload).expect("room");
        segment.push_payload(seq, &payload[..length]);
        let mut records = read(&segment.bytes);
        assert_eq!(records.by_ref().count(), 1, "{seq}");
        let expected = match seq {
            seq if seq == FIRST + 2 => Tail::Damage { next: seq },
            _ => Tail::Torn,
        };
        assert_eq!(records.tail(false), expected, "{seq}");
    }
}

#[test]
fn the_last_number_of_all_ends_the_journal_without_an_overflow() {
    let mut bytes = header(ID, u64::MAX - 1).to_vec();
    let record = Record { time: Default::default(), process: 0, operation: create(2, b"x") };
    let mut payload = [0; 64];
    let length = record.encode(&mut payload).expect("room");
    for seq in [u64::MAX - 1, u64::MAX, 0] {
        bytes.extend((length as u64).to_le_bytes());
        bytes.extend(seq.to_le_bytes());
        bytes.extend(record_checksum(ID, seq, &payload[..length]).to_le_bytes());
        bytes.extend(&payload[..length.next_multiple_of(8)]);
    }
    let mut records = read(&bytes);
    assert_eq!(records.by_ref().count(), 1);
    assert!(matches!(records.tail(true), Tail::Damage { .. }));
}

#[test]
fn a_record_of_another_segment_is_none_of_this_one() {
    let other = SegmentId([0xa5; 16]);
    let segment = Segment::filled(None);
    let mut bytes = header(other, FIRST).to_vec();
    bytes.extend(&segment.bytes[HEADER..]);
    let mut records = Records::of(&bytes, other).expect("a header");
    assert_eq!(records.next(), None);
    assert_eq!(records.tail(false), Tail::Torn);
    assert_eq!(records.and_behind_gaps().count(), 0);
    assert_eq!(check_header(&segment.bytes, other), Err(HeaderError::OtherSegment));
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let mut bytes = header(ID, 1);
    for version in [0u32, 2, 3, u32::MAX] {
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        let sum = checksum(&[&bytes[..56]]).to_le_bytes();
        bytes[56..].copy_from_slice(&sum);
        let expected = match version {
            0 => HeaderError::Damaged,
            newer => HeaderError::Newer(newer),
        };
        assert_eq!(check_header(&bytes, ID), Err(expected));
    }
}

#[test]
fn judging_a_tail_full_of_plausible_beginnings_takes_no_longer_than_a_few_readings() {
    // Every word is a length and a number at once: each place could begin a record of 90,000 bytes.
    let mut bytes = header(ID, 1).to_vec();
    bytes.resize(4 << 20, 0);
    for word in bytes[HEADER..].chunks_exact_mut(8) {
        word.copy_from_slice(&90_000u64.to_le_bytes());
    }
    let records = read(&bytes);
    let begun = std::time::Instant::now();
    // Nothing is cut that was not looked at.
    assert!(matches!(records.tail(false), Tail::Damage { .. }));
    assert!(matches!(records.tail(true), Tail::Damage { .. }));
    records.and_behind_gaps().for_each(drop);
    // Hashing them all would be 45 GB, three times.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
