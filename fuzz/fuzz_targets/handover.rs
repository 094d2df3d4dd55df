//! Arbitrary bytes as what the environment hands over: what is understood is written as it was understood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_manifest::handover::Handover;

fuzz_target!(|bytes: &[u8]| {
    for text in [bytes.to_vec(), [b"1:w:00112233445566778899aabbccddeeff:", bytes].concat()] {
        let Some(handover) = Handover::parse(&text) else { continue };
        assert!(handover.mount.is_absolute() && handover.store.is_absolute());
        assert_eq!(Handover::parse(handover.to_text().as_bytes()), Some(handover));
    }
});
