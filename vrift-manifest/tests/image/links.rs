//! Several names of one node.

use vrift_manifest::hash::name_hash;
use vrift_manifest::image::{Image, verify};

use crate::tree::Tree;

#[test]
fn all_names_of_a_node_lead_to_its_first_record_in_breadth_first_order() {
    let mut tree = Tree::new();
    tree.directory(&[b"a"]);
    let node = tree.file(&[b"a", b"deep"], b"content");
    tree.link(&[b"z"], node);
    tree.link(&[b"a", b"again"], node);
    let image = Image::open(tree.build()).unwrap();
    tree.check(&image);
    let find = |parent, name: &[u8]| image.lookup(parent, name, name_hash(name)).unwrap().unwrap();
    let (a, z) = (find(0, b"a"), find(0, b"z"));
    // The shallowest name is the primary, though it was added later and sorts last.
    assert_eq!([find(a, b"deep"), find(a, b"again")], [z, z]);
    assert_eq!(image.attributes(z).unwrap().nlink, 3);
    assert_eq!(image.files(), 1);
    let entry = image.lookup_entry(a, b"deep", name_hash(b"deep")).unwrap().unwrap();
    assert_ne!(entry, z);
    assert!(image.record(entry).unwrap().is_alias());
    assert_eq!(image.primary(entry), Ok(z));
    assert_eq!(image.parent(entry), Ok(a));
    assert_eq!(image.name(entry), Ok(&b"deep"[..]));
    assert_eq!(image.node_number(entry), Ok(node));
    // An alias has no attributes of its own.
    assert!(image.attributes(entry).is_err());
    assert_eq!(verify(&image), Vec::<String>::new());
}

#[test]
fn a_symlink_and_a_device_can_have_several_names_too() {
    let mut tree = Tree::new();
    let link = tree.symlink(&[b"link"], b"../elsewhere");
    tree.link(&[b"same link"], link);
    let device = tree.add(&[b"null"], crate::tree::attributes(0o020666), |node| {
        node.attributes.rdev = 0x103;
    });
    tree.link(&[b"same device, with a name that is too long for a record"], device);
    let image = Image::open(tree.build()).unwrap();
    tree.check(&image);
    assert_eq!(verify(&image), Vec::<String>::new());
}
