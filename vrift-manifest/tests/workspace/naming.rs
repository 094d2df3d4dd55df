//! From a node back to one of its names.

use vrift_manifest::tree::{Change, ROOT, RenameMode, Tree};
use vrift_manifest::workspace::Workspace;

use crate::support::{Fixture, create_file, make_directory, number, walk};

/// A name of the node, with the number of the directory that has it.
fn name(tree: &Tree, node: u64) -> Option<(u64, String)> {
    let at = tree.node(node).expect("a sound tree").expect("a node");
    let (directory, name) = tree.some_name(at).expect("a sound tree")?;
    let directory = tree.number(directory).expect("a number");
    Some((directory, String::from_utf8_lossy(&name).into_owned()))
}

fn follow_a_file(between: impl Fn(&mut Workspace)) {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let one = make_directory(&mut workspace, ROOT, "one").node;
    let other = make_directory(&mut workspace, ROOT, "other").node;
    let file = create_file(&mut workspace, one, "a").node;
    create_file(&mut workspace, one, "b");
    between(&mut workspace);
    assert_eq!(name(workspace.tree(), file), Some((one, "a".to_owned())));
    let renamed = Change::Rename {
        from_parent: one,
        from: b"a",
        to_parent: other,
        to: b"moved",
        mode: RenameMode::Replace,
    };
    workspace.change(&renamed).expect("a rename");
    between(&mut workspace);
    assert_eq!(name(workspace.tree(), file), Some((other, "moved".to_owned())));
    workspace.change(&Change::Link { node: file, parent: one, name: b"z" }).expect("a link");
    between(&mut workspace);
    assert!(name(workspace.tree(), file).is_some());
    workspace.change(&Change::Unlink { parent: other, name: b"moved" }).expect("an unlink");
    between(&mut workspace);
    assert_eq!(name(workspace.tree(), file), Some((one, "z".to_owned())));
    assert_eq!(number(workspace.tree(), "one/z"), file);
    workspace.change(&Change::Unlink { parent: one, name: b"z" }).expect("an unlink");
    assert_eq!(name(workspace.tree(), file), None);
}

#[test]
fn a_file_s_name_is_found_wherever_it_was_moved_and_linked() {
    follow_a_file(|_| {});
}

#[test]
fn a_file_s_name_is_found_whether_it_is_the_image_s_or_the_journal_s() {
    follow_a_file(|workspace| {
        workspace.compact().expect("an image");
    });
}

#[test]
fn a_hard_link_of_the_image_is_found_when_the_first_name_is_gone() {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let file = create_file(&mut workspace, ROOT, "a").node;
    let directory = make_directory(&mut workspace, ROOT, "d").node;
    for name in [&b"b"[..], b"c"] {
        let link = Change::Link { node: file, parent: directory, name };
        workspace.change(&link).expect("a link");
    }
    workspace.compact().expect("an image");
    for gone in [&b"a"[..], b"b"] {
        let parent = if gone == b"a" { ROOT } else { directory };
        workspace.change(&Change::Unlink { parent, name: gone }).expect("an unlink");
    }
    assert_eq!(name(workspace.tree(), file), Some((directory, "c".to_owned())));
    assert!(walk(workspace.tree(), "d/c", false).is_ok());
}
