//! Arbitrary bytes as a segment, and arbitrary payloads with right checksums, applied to a tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_fuzz::input::Input;
use vrift_fuzz::seen::seen;
use vrift_fuzz::trees::over_small_image;
use vrift_manifest::journal::SegmentId;
use vrift_manifest::journal::replay::Records;
use vrift_manifest::journal::segment::{HEADER, header, record_checksum};

const ID: SegmentId = SegmentId([7; 16]);

fn read(bytes: &[u8]) {
    let Ok(mut records) = Records::of(bytes, ID) else { return };
    let mut end = HEADER;
    for placed in records.by_ref() {
        assert!(placed.end > end && placed.end <= bytes.len());
        end = placed.end;
    }
    let _ = (records.tail(false), records.tail(true));
    assert!(Records::of(bytes, ID).expect("again").and_behind_gaps().count() <= bytes.len() / 8);
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    read(&[&header(ID, 1)[..], bytes].concat());

    let mut segment = header(ID, 1).to_vec();
    let mut input = Input(bytes);
    for seq in 1.. {
        let payload = input.bytes(255);
        if payload.is_empty() {
            break;
        }
        segment.extend((payload.len() as u64).to_le_bytes());
        segment.extend(u64::to_le_bytes(seq));
        segment.extend(record_checksum(ID, seq, payload).to_le_bytes());
        segment.extend(payload);
        segment.resize(segment.len().next_multiple_of(8), 0);
    }
    read(&segment);
    let tree = over_small_image();
    for placed in Records::of(&segment, ID).expect("a header") {
        let before = tree.next_node();
        match tree.replay(placed.seq, &placed.record) {
            Ok(()) => assert!(tree.next_node() >= before),
            Err(_) => break,
        }
    }
    // A tree is finite: a directory in itself would be listed for ever.
    assert!(seen(&tree).len() <= 4 + bytes.len());
});
