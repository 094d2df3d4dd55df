//! The order of records.

use vrift_manifest::image::Image;

use crate::tree::Tree;

#[test]
fn records_are_breadth_first_and_sorted_by_byte() {
    let mut tree = Tree::new();
    tree.directory(&[b"b"]);
    tree.directory(&[b"B"]);
    tree.file(&[b"b", b"2"], b"");
    tree.file(&[b"B", b"\xff"], b"");
    tree.file(&[b"b", b"10"], b"");
    tree.file(&[b"ab"], b"");
    tree.file(&[b"a"], b"");
    let image = Image::open(tree.build()).unwrap();
    let names: Vec<&[u8]> =
        (0..image.record_count()).map(|index| image.name(index).unwrap()).collect();
    assert_eq!(names, [&b""[..], b"B", b"a", b"ab", b"b", b"\xff", b"10", b"2"]);
}

#[test]
fn a_tree_of_nothing_but_a_root_is_a_tree() {
    let tree = Tree::new();
    let image = Image::open(tree.build()).unwrap();
    tree.check(&image);
    assert_eq!(image.lookup(0, b"", 0), Ok(None));
    assert_eq!(image.children(0), Ok(0..0));
}

#[test]
fn a_chain_of_10_000_directories_is_walked_both_ways() {
    use vrift_manifest::hash::name_hash;
    use vrift_manifest::image::{Builder, verify};
    let spec = |node| vrift_manifest::image::NodeSpec {
        node,
        attributes: crate::tree::attributes(0o040700),
        content: vrift_manifest::attributes::Content::None,
        xattrs: &[],
    };
    let mut builder = Builder::new(spec(1)).unwrap();
    let mut at = builder.root();
    for node in 2..=10_000 {
        at = builder.add(at, b"down", spec(node)).unwrap();
    }
    let mut bytes = Vec::new();
    builder.finish(10_001, &mut bytes).unwrap();
    let image = Image::open(bytes).unwrap();
    let mut index = 0;
    for _ in 1..10_000 {
        index = image.lookup(index, b"down", name_hash(b"down")).unwrap().unwrap();
    }
    let mut climbed = 0;
    while index != 0 {
        index = image.parent(index).unwrap();
        climbed += 1;
    }
    assert_eq!(climbed, 9_999);
    assert_eq!(verify(&image), Vec::<String>::new());
}
