//! `workspace.toml`: the example of the page, and what we write.

use std::collections::BTreeSet;

use vrift_manifest::tree::ROOT;
use vrift_manifest::workspace::{Config, Moment, Workspace};

use crate::page::{chapter, tables};
use crate::support::{Fixture, create};

fn example() -> &'static str {
    let (_, behind) = chapter("Workspace").split_once("```toml\n").expect("an example");
    behind.split_once("```").expect("its end").0
}

/// The keys in a description, each with the tables it is in.
fn keys(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut table = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("[[").and_then(|line| line.strip_suffix("]]")) {
            found.insert(name.to_owned());
            table = format!("{name}.");
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            found.insert(name.to_owned());
            // The page tells these three in one row.
            table = format!("{name}.");
        } else if let Some((key, _)) = line.split_once(" = ") {
            found.insert(format!("{table}{key}"));
        }
    }
    found.retain(|key| !key.starts_with("origin."));
    found
}

#[test]
fn the_example_of_the_page_is_read_and_has_every_key_of_the_page() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("workspace.toml"), example()).expect("written");
    let config = Config::load(directory.path()).expect("the page's example");
    assert_eq!(config.era[0].segment[0].last, Some(17));
    assert_eq!(config.snapshot[0].name, "before-lunch");
    let rows = tables(chapter("Workspace"), &["key", "meaning"]).remove(0);
    let told: BTreeSet<String> = rows.into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(keys(example()), told);
}

#[test]
fn every_key_that_is_written_is_on_the_page() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace();
    workspace.change(&create(ROOT, b"a", 0o100644, b"")).expect("a file");
    workspace.snapshot("named").expect("a snapshot");
    workspace.compact().expect("compaction");
    workspace.fork(&Moment::Now, "fork").expect("a fork");
    let fork = Workspace::open(&fixture.home, "fork").expect("it opens");
    let text = std::fs::read_to_string(fork.directory().join("workspace.toml")).expect("readable");
    let told = keys(example());
    assert!(keys(&text).is_subset(&told), "{text}");
    assert_eq!(keys(&text).len(), told.len() - 1, "all but the origin: {text}");
}

#[test]
fn an_unknown_key_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = example().replace("format = 1\n", "format = 1\nnovelty = true\n");
    std::fs::write(directory.path().join("workspace.toml"), text).expect("written");
    assert!(Config::load(directory.path()).is_err());
}
