//! The image: built, read back, damaged, and compared with its drawing.

#![allow(clippy::unwrap_used, reason = "in a test it is the failure")]

mod damage;
mod golden;
mod links;
mod model;
mod names;
mod order;
mod refusals;
mod tree;

/// A file that is not listed above would silently test nothing.
#[test]
fn no_test_file_is_forgotten() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/image");
    let listed = include_str!("main.rs");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        let line = format!("mod {module};");
        assert!(module == "main" || listed.contains(&line), "{name} is not in main.rs");
    }
}
