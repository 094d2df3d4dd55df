//! Workspaces against a tree in maps: the same changes, the same errors, the same states, all of them, for ever.

mod actions;
mod contradictions;
mod posix;
mod seen;
#[path = "../workspace/support.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;
mod walks;
mod worlds;

#[test]
fn no_test_file_is_forgotten() {
    let main = include_str!("main.rs");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/model");
    for entry in std::fs::read_dir(directory).expect("the test's own directory") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("ASCII").trim_end_matches(".rs");
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is not run");
    }
}
