//! Sessions: what a preloaded library does with a workspace, beside other processes that do the same.

mod attaching;
mod drafts;
mod full;
mod header;
mod kills;
mod locks;
mod races;
mod support;
mod synced;
mod times;
#[allow(dead_code, reason = "shared with the tests of workspaces, which use all of it")]
#[path = "../workspace/trace.rs"]
mod trace;
mod whole;

#[test]
fn no_test_file_is_forgotten() {
    let main = include_str!("main.rs");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/session");
    for entry in std::fs::read_dir(directory).expect("the test's own directory") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("ASCII").trim_end_matches(".rs");
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is not run");
    }
}
