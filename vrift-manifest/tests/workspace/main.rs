//! Workspaces, from the outside: against the kernel, against a model, against each other, against kill -9.

mod against_kernel;
mod attaching;
mod bounds;
mod durable;
mod faults;
mod full;
mod history;
mod kills;
mod lock;
mod naming;
mod power;
mod processes;
mod steps;
mod support;
mod sweep;
mod tail;
mod trace;
mod verify;
mod walking;

#[test]
fn no_test_file_is_forgotten() {
    let main = include_str!("main.rs");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/workspace");
    for entry in std::fs::read_dir(directory).expect("the test's own directory") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("ASCII").trim_end_matches(".rs");
        assert!(name == "main" || main.contains(&format!("mod {name};")), "{name} is not run");
    }
}
