//! Arbitrary bytes as a place on the command line: what is understood names no file of the store but a workspace, and is the same
//! when it is written and read again.
#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use vrift_cli::place::Place;
use vrift_manifest::workspace::is_workspace_name;

fuzz_target!(|bytes: &[u8]| {
    let Ok(place) = Place::parse(OsStr::from_bytes(bytes)) else { return };
    if let Some(name) = &place.workspace {
        assert!(is_workspace_name(name.as_str()));
    }
    let shown = place.to_string();
    // Names that are not text are shown by other letters.
    if bytes.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\') {
        assert_eq!(Place::parse(OsStr::new(&shown)).ok(), Some(place));
    }
});
