//! The golden segment with edits of four bytes: a place, how, and a byte. What is still read is what was there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_manifest::journal::SegmentId;
use vrift_manifest::journal::replay::{Records, Tail};

const GOLDEN: &[u8] = include_bytes!("../../vrift-manifest/tests/golden/journal-1.bin");
const ID: SegmentId = SegmentId(*b"\x00\x01\x02\x03golden\xff\xfe\xfd\xfc\xfb\xfa");

fuzz_target!(|edits: &[u8]| {
    let mut bytes = GOLDEN.to_vec();
    for edit in edits.as_chunks::<4>().0 {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        match edit[2] % 4 {
            0 => bytes[at] ^= edit[3],
            1 => bytes[at..].fill(0),
            2 => bytes.truncate(at.max(64)),
            // Words over others: lengths and numbers that were right somewhere else.
            _ => {
                let (from, to) = (at / 8 * 8, usize::from(edit[3]) * 8 % bytes.len() / 8 * 8);
                let end = (from + 64).min(bytes.len()).min(bytes.len() - to + from);
                bytes.copy_within(from..end.max(from), to);
            }
        }
    }
    let golden: Vec<_> = Records::of(GOLDEN, ID).expect("golden").collect();
    let Ok(mut records) = Records::of(&bytes, ID) else { return };
    let mut count = 0;
    for placed in records.by_ref() {
        assert_eq!(placed, golden[count]);
        count += 1;
    }
    let (running, after_power_cut) = (records.tail(false), records.tail(true));
    assert!(running != Tail::Clean || bytes[records.offset()..].iter().all(|&byte| byte == 0));
    assert!(!matches!(running, Tail::PowerCut { .. }));
    assert_eq!(matches!(running, Tail::Torn), matches!(after_power_cut, Tail::Torn));
    for placed in Records::of(&bytes, ID).expect("again").and_behind_gaps() {
        assert!(golden.iter().any(|known| known.record == placed.record));
    }
});
