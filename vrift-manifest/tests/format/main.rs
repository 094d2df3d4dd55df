//! `docs/format.md` against the bytes: decoders that know nothing but the page read what this program writes.

mod control;
mod description;
mod index;
mod journal;
mod page;
mod store;
mod support;

#[test]
fn no_test_file_is_forgotten() {
    let main = include_str!("main.rs");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format");
    for entry in std::fs::read_dir(directory).expect("the test's own directory") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("ASCII").trim_end_matches(".rs");
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is not run");
    }
}
