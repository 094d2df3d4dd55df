//! A sound image with edits: four bytes each, a place (u16), a bit mask of what to change in it, and how.
//!
//! Right digests would hide every deeper check, so they are put right after the edit. An image that still passes the
//! check must be the only image of what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_fuzz::image::{digest, rebuild, seal, touch_all};
use vrift_manifest::image::{Image, verify};

const GOLDEN: &[u8] = include_bytes!("../../vrift-manifest/tests/golden/image-1.bin");

fuzz_target!(|edits: &[u8]| {
    let mut bytes = GOLDEN.to_vec();
    for edit in edits.as_chunks::<4>().0 {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        match edit[3] % 4 {
            0 => bytes[at] ^= edit[2],
            1 => bytes[at] = edit[2],
            2 => bytes[at] = bytes[at].wrapping_add(edit[2]),
            // One record over another: links, names and children that were right somewhere else.
            _ => {
                let (from, to) = (256 + 128 * (at % 16), 256 + 128 * (usize::from(edit[2]) % 16));
                bytes.copy_within(from..from + 128, to);
            }
        }
    }
    digest(&mut bytes);
    seal(&mut bytes);
    if let Ok(image) = Image::open(&bytes) {
        touch_all(&image);
        if verify(&image).is_empty() {
            assert!(rebuild(&image) == bytes, "the check passed another image of the tree");
        }
    }
});
