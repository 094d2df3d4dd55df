//! Arbitrary bytes as an image.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_fuzz::image::{rebuild, seal, touch_all};
use vrift_manifest::image::{Image, verify};

fuzz_target!(|bytes: &[u8]| {
    let _ = Image::open(bytes).map(|image| touch_all(&image));
    let mut bytes = bytes.to_vec();
    seal(&mut bytes);
    if let Ok(image) = Image::open(&bytes) {
        touch_all(&image);
        if verify(&image).is_empty() {
            assert!(rebuild(&image) == bytes, "the check passed another image of the tree");
        }
    }
});
