//! What can be seen of a tree of ours, in the model's words.

use std::collections::BTreeMap;

use vrift_manifest::tree::{Cursor, Listed, Tree};

use crate::posix::Seen;

pub fn seen(tree: &Tree) -> BTreeMap<Vec<u8>, Seen> {
    let mut all = BTreeMap::new();
    let mut pending = vec![(Vec::new(), tree.root())];
    while let Some((path, at)) = pending.pop() {
        let shown = seen_of(tree, at);
        let directory = shown.attributes.mode >> 12 == 0o04;
        if directory {
            listed_in_parts_as_at_once(tree, at);
        }
        let children = directory.then(|| tree.children(at).expect("children"));
        for child in children.into_iter().flatten() {
            let (name, cursor) = child.expect("a child");
            // Listing and looking up agree.
            let found = tree.child(at, &name).expect("sound").expect("it was listed");
            let number = |cursor| tree.number(cursor).expect("a number");
            assert_eq!(number(found), number(cursor));
            let path = [&path[..], b"/", &name].concat();
            assert!(!all.contains_key(&path), "a name twice");
            pending.push((path, cursor));
        }
        all.insert(path, shown);
    }
    all
}

/// From every place the listing goes on with what was not listed yet.
fn listed_in_parts_as_at_once(tree: &Tree, directory: Cursor) {
    let at_once: Vec<_> = tree
        .children(directory)
        .expect("children")
        .map(|child| child.expect("a child"))
        .map(|(name, at)| (name.to_vec(), tree.number(at).expect("a number")))
        .collect();
    for part in [1, 2, 7] {
        let (mut listed, mut place) = (Vec::new(), 0);
        loop {
            let (before, from) = (listed.len(), place);
            let take = |entry: Listed<'_>| {
                if listed.len() == before + part {
                    return false;
                }
                let at = tree.node(entry.number).expect("sound").expect("it is there");
                assert_eq!(tree.kind(at), Ok(entry.kind));
                listed.push((entry.name.to_vec(), entry.number));
                place = entry.next;
                true
            };
            tree.list(directory, from, u32::MAX, take).expect("sound");
            if listed.len() == before {
                break;
            }
        }
        assert_eq!(listed, at_once);
    }
    let mut older = Vec::new();
    let take = |entry: Listed<'_>| {
        older.push((entry.name.to_vec(), entry.number));
        true
    };
    tree.list(directory, 0, tree.newest(directory), take).expect("sound");
    assert_eq!(older, at_once);
}

fn seen_of(tree: &Tree, at: Cursor) -> Seen {
    let number = tree.number(at).expect("a number");
    // By its number it is the same node.
    let again = tree.node(number).expect("sound").expect("it is there");
    assert_eq!(tree.attributes(again), tree.attributes(at));
    Seen {
        number,
        attributes: tree.attributes(at).expect("attributes"),
        digest: tree.digest(at).expect("sound"),
        target: tree.target(at).expect("sound"),
        xattrs: tree.xattrs(at).expect("sound"),
    }
}
