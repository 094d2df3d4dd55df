//! Paths that the fuzz target `paths` found.

use vrift_manifest::index::Index;
use vrift_manifest::journal::{Operation, Record};
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Found, ROOT, Tree, WalkError};
use vrift_manifest::workspace::open_image;

use crate::support::{Fixture, empty_image};

/// Where a path leads out of a tree with these symlinks, mounted at `/m/n`.
fn outside(links: &[(&[u8], &[u8])], path: &[u8]) -> Result<Vec<u8>, WalkError> {
    lead(links, path).map(|goal| goal.expect_err("it stays inside"))
}

/// Where a path leads: to the node with this number, or out of the tree.
fn lead(links: &[(&[u8], &[u8])], path: &[u8]) -> Result<Result<u64, Vec<u8>>, WalkError> {
    let fixture = Fixture::new();
    let image = open_image(fixture.home.store(), &empty_image(&fixture.home)).expect("an image");
    let tree = Tree::new(image, Index::private().expect("memory"));
    for (seq, &(name, target)) in (1..).zip(links) {
        let (parent, node, mode) = (ROOT, tree.next_node(), 0o120777);
        let operation =
            Operation::Create { parent, name, node, mode, uid: 0, gid: 0, rdev: 0, target };
        let record = Record { time: Timestamp::default(), process: 0, operation };
        tree.replay(seq, &record).expect("it fits");
    }
    let mut scratch = Scratch::default();
    match tree.walk(tree.root(), path, b"/m/n", false, None, &mut scratch)? {
        Found::Outside(length) => Ok(Err(scratch.bytes()[..length].to_vec())),
        Found::Node(at) => Ok(Ok(tree.number(at).expect("a number"))),
    }
}

#[test]
fn a_path_that_leaves_the_tree_and_comes_back_goes_on_in_it() {
    let links: [(&[u8], &[u8]); 4] =
        [(b"up", b".."), (b"top", b"/"), (b"far", b"../../m/./n"), (b"end", b"end")];
    for path in [&b"../n/end"[..], b"up/n/end", b"top/m/n/end", b"far//end", b"../../m/../m/n/end"]
    {
        assert_eq!(lead(&links, path), Ok(Ok(5)), "{}", path.escape_ascii());
    }
    for (path, left) in [
        (&b"../nn/end"[..], &b"/m/nn/end"[..]),
        (b"../n../end", b"/m/n../end"),
        (b"up/x", b"/m/x"),
        (b"top/", b"/"),
        (b"../../..", b"/"),
        (b"../../m", b"/m/"),
    ] {
        assert_eq!(outside(&links, path), Ok(left.to_vec()), "{}", path.escape_ascii());
    }
}

/// Without the slash, a file would do where a directory was asked for, and a symlink would not be followed.
#[test]
fn a_slash_at_the_end_stays_where_the_last_symlink_leaves_the_tree() {
    let links: [(&[u8], &[u8]); 3] = [(b"out", b"/else/where"), (b"up", b"../x"), (b"two", b"out")];
    assert_eq!(outside(&links, b"out/"), Ok(b"/else/where/".to_vec()));
    assert_eq!(outside(&links, b"up///"), Ok(b"/m/x/".to_vec()));
    assert_eq!(outside(&links, b"two/"), Ok(b"/else/where/".to_vec()));
    assert_eq!(outside(&links, b"out/name"), Ok(b"/else/where/name".to_vec()));
}

#[test]
fn a_long_way_to_a_symlink_that_leaves_the_tree_does_not_count() {
    let target = [b"/else/", &[b'x'; 200][..]].concat();
    let long_target = [&b"./".repeat(2000)[..], b"out"].concat();
    let links: [(&[u8], &[u8]); 2] = [(b"out", &target), (b"long", &long_target)];
    let path = [&b"./".repeat(2040)[..], b"out/name"].concat();
    let expected = [&target[..], b"/name"].concat();
    assert_eq!(outside(&links, &path), Ok(expected.clone()));
    assert_eq!(outside(&links, b"long/name"), Ok(expected));
    // What is really too long is.
    let path = [&b"out/"[..], &b"y/".repeat(2000)].concat();
    assert_eq!(outside(&links, &path), Err(WalkError::TooLong));
}
