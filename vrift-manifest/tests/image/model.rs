//! Random trees against the model.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use vrift_manifest::image::{Image, verify};
use vrift_manifest::name;

use crate::tree::{ROOT, Tree, attributes, time};

/// A step in making a tree: a place to put something (any number, taken modulo what is there), a name, and what.
#[derive(Debug, Clone)]
pub struct Step {
    place: usize,
    name: Vec<u8>,
    what: What,
    sec: i64,
    nsec: u32,
    mode: u32,
    xattrs: std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
}

#[derive(Debug, Clone)]
enum What {
    Directory,
    File(Vec<u8>),
    Symlink(Vec<u8>),
    Device(u32, u64),
    Link(usize),
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    let valid = |name: &Vec<u8>| name::is_valid(name);
    prop_oneof![
        6 => vec(any::<u8>(), 1..40).prop_filter("a name", valid),
        4 => "[a-c]{1,3}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..=255).prop_filter("a name", valid),
        1 => (1usize..=255).prop_map(|len| vec![b'\n'; len]),
        // Around the length up to which names are in the record.
        1 => (35usize..=38, any::<bool>()).prop_map(|(len, last)| {
            let mut name = vec![b'n'; len];
            name[len - 1] = if last { b'y' } else { b'z' };
            name
        }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        3 => Just(What::Directory),
        4 => vec(any::<u8>(), 0..9).prop_map(What::File),
        1 => vec(1u8..=255, 1..60).prop_map(What::Symlink),
        1 => vec(1u8..=255, 4095).prop_map(What::Symlink),
        1 => (0usize..4, any::<u64>()).prop_map(|(kind, rdev)| {
            What::Device([0o020000, 0o060000, 0o010000, 0o140000][kind], rdev)
        }),
        2 => any::<usize>().prop_map(What::Link),
    ];
    let xattrs = prop_oneof![
        4 => Just(Default::default()),
        1 => btree_map(vec(1u8..=255, 1..20), vec(any::<u8>(), 0..40), 0..4),
    ];
    let attributes = (any::<i64>(), 0u32..1_000_000_000, 0u32..=0o7777);
    (any::<usize>(), names(), what, attributes, xattrs).prop_map(
        |(place, name, what, (sec, nsec, mode), xattrs)| Step {
            place,
            name,
            what,
            sec,
            nsec,
            mode,
            xattrs,
        },
    )
}

/// Any tree.
pub fn trees(most: usize) -> impl Strategy<Value = Tree> {
    vec(steps(), 0..most).prop_map(|steps| {
        let mut tree = Tree::new();
        for step in steps {
            apply(&mut tree, step);
        }
        tree
    })
}

fn apply(tree: &mut Tree, step: Step) {
    let directories: Vec<_> =
        tree.paths.iter().filter(|(_, number)| tree.nodes[number].is_directory()).collect();
    let mut path = directories[step.place % directories.len()].0.clone();
    path.push(step.name);
    if tree.paths.contains_key(&path) {
        return;
    }
    let path: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    let kind = match step.what {
        What::Link(which) => {
            let others: Vec<u64> = tree
                .nodes
                .values()
                .filter(|node| !node.is_directory())
                .map(|node| node.number)
                .collect();
            if !others.is_empty() {
                tree.link(&path, others[which % others.len()]);
            }
            return;
        }
        What::Directory => 0o040000,
        What::File(_) => 0o100000,
        What::Symlink(_) => 0o120000,
        What::Device(kind, _) => kind,
    };
    let mut attributes = attributes(kind | step.mode);
    attributes.mtime = time(step.sec, step.nsec);
    attributes.ctime = time(step.sec.wrapping_mul(3), step.nsec / 2);
    attributes.atime = time(!step.sec, 999_999_999 - step.nsec);
    tree.add(&path, attributes, |node| {
        node.xattrs = step.xattrs;
        match step.what {
            What::File(content) => {
                node.attributes.size = content.len() as u64;
                node.digest = vrift_cas::Digest::of(&content);
            }
            What::Symlink(target) => node.target = target,
            What::Device(_, rdev) => node.attributes.rdev = rdev,
            What::Directory | What::Link(_) => {}
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn an_image_says_what_the_model_says(tree in trees(60)) {
        let image = Image::open(tree.build()).unwrap();
        tree.check(&image);
        prop_assert_eq!(verify(&image), Vec::<String>::new());
    }

    #[test]
    fn the_order_of_adding_changes_nothing(tree in trees(40), seed: u64) {
        let shuffle = |path: &[Vec<u8>]| {
            path.iter().flatten().fold(seed, |at, &byte| (at ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        };
        prop_assert_eq!(tree.build_in_order(|_| 0), tree.build_in_order(shuffle));
    }

    #[test]
    fn equal_trees_have_one_tree_id_whatever_their_node_numbers_are(tree in trees(40), add in 1u64..1 << 40) {
        let mut other = Tree::new();
        other.next_node = tree.next_node + add;
        for (path, number) in &tree.paths {
            other.paths.insert(path.clone(), if *number == ROOT { ROOT } else { number + add });
        }
        for (number, node) in &tree.nodes {
            let number = if *number == ROOT { ROOT } else { number + add };
            let mut node = node.clone();
            node.number = number;
            node.attributes.ctime = time(7, 7);
            node.attributes.atime = time(8, 8);
            other.nodes.insert(number, node);
        }
        let (images, summaries): (Vec<_>, Vec<_>) =
            [&tree, &other].map(|tree| tree.build_in_order(|_| 0)).into_iter().unzip();
        prop_assert_eq!(summaries[0].tree_id, summaries[1].tree_id);
        prop_assert_ne!(summaries[0].image_id, summaries[1].image_id);
        let [a, b] = [&images[0], &images[1]].map(|bytes| Image::open(bytes).unwrap());
        prop_assert_eq!(a.tree_id(), b.tree_id());
        let identity = a.as_bytes().len() - (a.record_count() as usize * 32);
        prop_assert!(identity > 256);
    }

    #[test]
    fn another_tree_has_another_tree_id(tree in trees(20), other in trees(20)) {
        let ids = [&tree, &other].map(|tree| tree.build_in_order(|_| 0).1.tree_id);
        prop_assert_eq!(ids[0] == ids[1], tree_part(&tree) == tree_part(&other));
    }
}

/// What the tree ID stands for.
fn tree_part(tree: &Tree) -> Vec<impl PartialEq + use<>> {
    let first = |number: u64| {
        tree.paths
            .iter()
            .filter(|(_, at)| **at == number)
            .map(|(path, _)| (path.len(), path.clone()))
            .min()
    };
    tree.paths
        .iter()
        .map(|(path, number)| {
            let mut node = tree.nodes[number].clone();
            node.number = 0;
            node.attributes = tree.stat(*number);
            node.attributes.ctime = time(0, 0);
            node.attributes.atime = time(0, 0);
            (path.clone(), node, first(*number))
        })
        .collect()
}
