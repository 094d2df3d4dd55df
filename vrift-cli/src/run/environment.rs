//! What the environment says to a preloaded library.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use vrift_manifest::handover::{Handover, SESSION_VARIABLE};

/// The variable that names libraries to be loaded into every program.
pub const PRELOAD: &str = "LD_PRELOAD";

/// Variables to be set, with their values.
pub type Environment = [(&'static str, OsString); 2];

/// The variables that make a program work in the tree. What is set already in `LD_PRELOAD` is kept, and comes first.
pub fn environment(handover: &Handover, library: &Path) -> Environment {
    let preload = preload(std::env::var_os(PRELOAD).as_deref(), library.as_os_str());
    [(PRELOAD, preload), (SESSION_VARIABLE, handover.to_text().into())]
}

fn preload(present: Option<&OsStr>, library: &OsStr) -> OsString {
    let Some(present) = present.filter(|present| !present.is_empty()) else {
        return library.to_owned();
    };
    // The loader takes both as separators.
    let mut parts = present.as_bytes().split(|byte| b": ".contains(byte));
    let mut all = present.to_owned();
    if !parts.any(|part| part == library.as_bytes()) {
        all.push(":");
        all.push(library);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_preloaded_already_stays_and_comes_first() {
        let of = |present: Option<&str>| preload(present.map(OsStr::new), OsStr::new("/v.so"));
        assert_eq!(of(None), "/v.so");
        assert_eq!(of(Some("")), "/v.so");
        assert_eq!(of(Some("libfakeroot.so")), "libfakeroot.so:/v.so");
        assert_eq!(of(Some("/a.so /b.so")), "/a.so /b.so:/v.so");
        assert_eq!(of(Some("/v.so:/b.so")), "/v.so:/b.so", "a run within a run");
        assert_eq!(of(Some("/v.so.old")), "/v.so.old:/v.so");
    }
}
