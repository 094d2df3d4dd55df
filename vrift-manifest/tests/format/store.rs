//! The store's directory, as the page lists it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use vrift_cas::Digest;

use crate::page::{chapter, tables};
use crate::support::{Fixture, list};

#[test]
fn a_store_has_what_the_page_lists_and_nothing_else() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace();
    workspace.store().sync().expect("synced");
    workspace.store().sync().expect("synced");
    let rows = tables(chapter("Store"), &["name", "is"]).remove(0);
    let told: BTreeSet<String> = rows.into_iter().map(|row| row[0].clone()).collect();
    let found: BTreeSet<String> = list(&fixture.root.join("store")).into_iter().collect();
    // The marks are only written where times can be relied on.
    let sometimes = BTreeSet::from(["mark".to_owned(), "mark.before".to_owned()]);
    assert!(found.is_subset(&told), "{found:?}");
    assert!(told.difference(&found).all(|name| sometimes.contains(name)), "{found:?}");
    for name in &found {
        let metadata = std::fs::metadata(fixture.root.join("store").join(name)).expect("it is");
        assert_eq!(metadata.mode() & 0o7777, if metadata.is_dir() { 0o700 } else { 0o600 });
    }
}

#[test]
fn a_blob_lies_where_the_page_says_with_its_mode_and_a_stamp_of_this_boot() {
    let fixture = Fixture::new();
    let store = fixture.home.store();
    store.put_bytes(b"content").expect("put");
    let boot = std::fs::read_to_string(fixture.root.join("store/boot")).expect("readable");
    let (_, number) = boot.strip_suffix('\n').expect("a line").split_once(' ').expect("two words");
    for digest in [Digest::EMPTY, Digest::of(b"content")] {
        let hex = digest.to_string();
        let path = fixture.root.join("store/blobs").join(&hex[..2]).join(&hex[2..]);
        let metadata = std::fs::metadata(&path).expect("a blob");
        assert_eq!(metadata.mode() & 0o7777, 0o1555);
        assert_eq!(metadata.mtime().to_string(), number);
        assert!((0..=999_999_999).contains(&metadata.mtime_nsec()));
        assert_eq!(Digest::of(&std::fs::read(path).expect("readable")), digest);
    }
}

#[test]
fn format_and_mark_are_written_as_the_page_says() {
    let fixture = Fixture::new();
    let store = fixture.home.store();
    let read = |name: &str| std::fs::read_to_string(fixture.root.join("store").join(name));
    let format = read("format").expect("readable");
    assert_eq!(format, format!("vrift store 1\nid {}\n", store.id()));
    assert!(store.id().len() == 32 && store.id().bytes().all(|digit| digit.is_ascii_hexdigit()));
    store.sync().expect("synced");
    let Ok(mark) = read("mark") else { return };
    let at = mark.rfind("sum ").expect("a sum");
    let (body, sum) = mark.split_at(at);
    assert_eq!(sum, format!("sum {}\n", Digest::of(body.as_bytes())));
    let mut lines = body.lines();
    assert_eq!(lines.next(), Some("vrift mark 1"));
    for line in lines {
        let numbers: Vec<i64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 4, "{line}");
    }
}

#[test]
fn images_and_segments_lie_where_the_page_says() {
    let fixture = Fixture::new();
    let workspace = fixture.workspace();
    let config = workspace.config().expect("a description");
    let images = fixture.root.join("store/images");
    assert_eq!(list(&images), [config.era[0].image.to_string()]);
    let image = images.join(config.era[0].image.to_string());
    assert_eq!(Digest::of(&std::fs::read(&image).expect("readable")), config.era[0].image);
    assert_eq!(std::fs::metadata(image).expect("it is").mode() & 0o7777, 0o444);
    let segments = list(&fixture.root.join("store/journals"));
    assert_eq!(segments, [config.era[0].segment[0].id.to_string()]);
}
