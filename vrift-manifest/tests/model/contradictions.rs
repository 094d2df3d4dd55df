//! Records with right checksums that cannot have happened: refused, and the tree is as before.

use vrift_manifest::index::Index;
use vrift_manifest::journal::{Operation, Record};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::apply::ApplyError;
use vrift_manifest::tree::{ROOT, Tree};
use vrift_manifest::workspace::open_image;

use crate::seen::seen;
use crate::support::{Fixture, empty_image};

fn create(parent: u64, name: &'static [u8], node: u64, mode: u32) -> Operation<'static> {
    let target: &[u8] = if mode >> 12 == 0o12 { b"target" } else { b"" };
    Operation::Create { parent, name, node, mode, uid: 0, gid: 0, rdev: 0, target }
}

/// `a` (2) with `a/b` (3) with `a/b/c` (4), the file `f` (5), the symlink `s` (6) and the removed directory 7.
fn tree(fixture: &Fixture) -> (Tree, u64) {
    let store = fixture.home.store();
    let image = open_image(store, &empty_image(&fixture.home)).expect("an image");
    let tree = Tree::new(image, Index::private().expect("memory"));
    let operations = [
        create(ROOT, b"a", 2, 0o040755),
        create(2, b"b", 3, 0o040755),
        create(3, b"c", 4, 0o040755),
        create(ROOT, b"f", 5, 0o100644),
        create(ROOT, b"s", 6, 0o120777),
        create(ROOT, b"gone", 7, 0o040755),
        Operation::RemoveDirectory { parent: ROOT, name: b"gone", node: 7 },
    ];
    let mut seq = 0;
    for operation in operations {
        seq += 1;
        tree.replay(seq, &record(operation)).expect("it fits");
    }
    (tree, seq)
}

fn record(operation: Operation<'_>) -> Record<'_> {
    Record { time: Timestamp { sec: 1_700_000_000, nsec: 0 }, process: 0, operation }
}

fn rename(from: (u64, &'static [u8], u64), to: (u64, &'static [u8], u64)) -> Operation<'static> {
    Operation::Rename {
        from_parent: from.0,
        from: from.1,
        node: from.2,
        to_parent: to.0,
        to: to.1,
        replaced: to.2,
    }
}

fn exchange(
    one: (u64, &'static [u8], u64),
    other: (u64, &'static [u8], u64),
) -> Operation<'static> {
    Operation::Exchange {
        one_parent: one.0,
        one: one.1,
        one_node: one.2,
        other_parent: other.0,
        other: other.1,
        other_node: other.2,
    }
}

#[track_caller]
fn refused(operations: &[Operation<'static>]) {
    let fixture = Fixture::new();
    let (tree, seq) = tree(&fixture);
    let before = seen(&tree);
    for operation in operations {
        let refused = tree.replay(seq + 1, &record(operation.clone()));
        assert!(
            matches!(
                refused,
                Err(ApplyError::Contradiction { .. } | ApplyError::NoSuchNode { .. })
            ),
            "{operation:?}: {refused:?}"
        );
        assert_eq!(seen(&tree), before, "{operation:?}");
    }
}

#[test]
fn a_directory_never_gets_a_second_name() {
    refused(&[
        Operation::Link { node: 2, parent: 4, name: b"x" },
        Operation::Link { node: ROOT, parent: ROOT, name: b"x" },
        create(4, b"x", 2, 0o040755),
        create(ROOT, b"x", ROOT, 0o040755),
        rename((ROOT, b"f", 2), (4, b"x", 0)),
        rename((ROOT, b"nothing", 2), (ROOT, b"x", 0)),
        exchange((ROOT, b"f", 2), (ROOT, b"s", 6)),
    ]);
}

#[test]
fn a_directory_never_comes_to_lie_in_itself() {
    refused(&[
        rename((ROOT, b"a", 2), (4, b"x", 0)),
        rename((ROOT, b"a", 2), (2, b"x", 0)),
        exchange((ROOT, b"a", 2), (3, b"c", 4)),
        exchange((3, b"c", 4), (ROOT, b"a", 2)),
    ]);
}

#[test]
fn a_name_must_mean_what_the_record_says_it_meant() {
    refused(&[
        create(ROOT, b"f", 8, 0o100644),
        create(4, b"x", 5, 0o100644),
        Operation::Unlink { parent: ROOT, name: b"f", node: 6 },
        Operation::Unlink { parent: ROOT, name: b"nothing", node: 5 },
        Operation::Unlink { parent: ROOT, name: b"a", node: 2 },
        Operation::RemoveDirectory { parent: ROOT, name: b"a", node: 2 },
        Operation::RemoveDirectory { parent: ROOT, name: b"f", node: 5 },
        Operation::RemoveDirectory { parent: 3, name: b"c", node: 2 },
        rename((ROOT, b"f", 5), (ROOT, b"s", 0)),
        rename((ROOT, b"f", 5), (ROOT, b"x", 6)),
        rename((ROOT, b"f", 5), (ROOT, b"f", 5)),
        rename((ROOT, b"f", 5), (3, b"c", 4)),
        rename((3, b"c", 4), (ROOT, b"f", 5)),
        rename((3, b"c", 4), (ROOT, b"a", 2)),
        exchange((ROOT, b"f", 5), (ROOT, b"f", 5)),
        exchange((ROOT, b"f", 5), (ROOT, b"s", 5)),
    ]);
}

#[test]
fn nothing_is_put_into_what_is_no_directory_or_was_removed() {
    refused(&[
        create(5, b"x", 8, 0o100644),
        create(7, b"x", 8, 0o100644),
        create(99, b"x", 8, 0o100644),
        Operation::Link { node: 5, parent: 7, name: b"x" },
        rename((ROOT, b"f", 5), (7, b"x", 0)),
        rename((ROOT, b"f", 5), (6, b"x", 0)),
    ]);
}

#[test]
fn only_files_have_content_and_only_what_exists_has_attributes() {
    let content = |node| Operation::SetContent { node, digest: [1; 32], size: 1, mtime: None };
    refused(&[
        content(2),
        content(6),
        content(99),
        Operation::SetMode { node: 99, mode: 0 },
        Operation::SetTimes { node: 99, atime: None, mtime: None },
        Operation::SetXattrs { node: 99, block: b"" },
    ]);
}
