//! What can be seen of a tree of ours, in the model's words.

use std::collections::BTreeMap;

use vrift_manifest::tree::{Cursor, Tree};

use crate::posix::Seen;

pub fn seen(tree: &Tree) -> BTreeMap<Vec<u8>, Seen> {
    let mut all = BTreeMap::new();
    let mut pending = vec![(Vec::new(), tree.root())];
    while let Some((path, at)) = pending.pop() {
        let shown = seen_of(tree, at);
        let directory = shown.attributes.mode >> 12 == 0o04;
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
