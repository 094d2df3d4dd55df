//! Journal segments as bytes: every cut, every flipped bit, and what a hostile file may say.

mod cuts;
mod flips;
mod hostile;
mod segment;
mod tail;

#[test]
fn no_test_file_is_forgotten() {
    let main = include_str!("main.rs");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journal");
    for entry in std::fs::read_dir(directory).expect("the test's own directory") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("ASCII").trim_end_matches(".rs");
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is not run");
    }
}
