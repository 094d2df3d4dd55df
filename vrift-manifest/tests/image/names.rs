//! Names at their limits, and many of them.

use vrift_manifest::hash::name_hash;
use vrift_manifest::image::{Image, verify};

use crate::tree::{ROOT, Tree};

#[test]
fn names_of_every_length_are_found_and_no_other_is() {
    let mut tree = Tree::new();
    let names: Vec<Vec<u8>> =
        (1..=255).map(|len| (0..len).map(|at| b'a' + (at % 26) as u8).collect()).collect();
    for name in &names {
        tree.file(&[name], name);
    }
    let image = Image::open(tree.build()).unwrap();
    tree.check(&image);
    assert_eq!(verify(&image), Vec::<String>::new());
    for name in &names {
        // One byte changed, at every place.
        for at in 0..name.len() {
            let mut other = name.clone();
            other[at] = b'#';
            assert_eq!(image.lookup(0, &other, name_hash(&other)), Ok(None));
            // Even when the hash is that of the name that is there.
            assert_eq!(image.lookup(0, &other, name_hash(name)), Ok(None));
        }
    }
}

#[test]
fn names_that_are_not_utf8_or_hold_newlines_are_names() {
    let mut tree = Tree::new();
    for name in [&b"\n"[..], b"a\nb", b"\xff\xfe", b"\x01", b" ", b"...", b"-rf", &[0x80; 255]] {
        tree.file(&[name], name);
    }
    tree.check(&Image::open(tree.build()).unwrap());
}

#[test]
fn a_directory_of_100_000_entries_is_found_and_listed() {
    let mut tree = Tree::new();
    tree.directory(&[b"many"]);
    for number in 0..100_000 {
        let name = format!("entry {number}");
        let path = vec![b"many".to_vec(), name.into_bytes()];
        let number = tree.next_node;
        tree.next_node += 1;
        let mut node = tree.nodes[&ROOT].clone();
        node.number = number;
        node.attributes.mode = 0o100600;
        tree.nodes.insert(number, node);
        tree.paths.insert(path, number);
    }
    let image = Image::open(tree.build()).unwrap();
    let many = image.lookup(0, b"many", name_hash(b"many")).unwrap().unwrap();
    let listed: Result<Vec<_>, _> = image.entries(many).unwrap().collect();
    let listed = listed.unwrap();
    assert_eq!(listed.len(), 100_000);
    assert!(listed.is_sorted_by(|a, b| a.0 < b.0));
    for (name, index) in listed {
        assert_eq!(image.lookup(many, name, name_hash(name)), Ok(Some(index)));
    }
    assert_eq!(image.lookup(many, b"entry 100000", name_hash(b"entry 100000")), Ok(None));
    assert_eq!(verify(&image), Vec::<String>::new());
}

/// 300 names with one place in their directory's slots: the later ones are left out, and all are found.
#[test]
fn names_that_collide_on_purpose_are_still_found() {
    let count = 300u64;
    let place = |name: &[u8]| (u64::from(name_hash(name) as u32) * count) >> 31;
    let names: Vec<Vec<u8>> = (0u64..)
        .map(|number| format!("{number:x}").into_bytes())
        .filter(|name| place(name) == 5)
        .take(count as usize)
        .collect();
    let mut tree = Tree::new();
    for name in &names {
        tree.file(&[name], b"");
    }
    let image = Image::open(tree.build()).unwrap();
    tree.check(&image);
    assert_eq!(verify(&image), Vec::<String>::new());
    let missing = (0u64..).map(|number| format!("no {number}").into_bytes());
    for name in missing.filter(|name| place(name) == 5).take(20) {
        assert_eq!(image.lookup(0, &name, name_hash(&name)), Ok(None));
    }
}

/// At half-full, linear probing expects half a step beyond the first slot for each name, and some dozens for the worst.
#[test]
fn ordinary_names_spread_over_the_slots() {
    const COUNT: usize = 50_000;
    let patterns: [fn(usize) -> String; 8] = [
        |number| number.to_string(),
        |number| format!("{number:08x}"),
        |number| format!("file{number:06}.c"),
        |number| format!("{number}.o"),
        |number| format!("lib{}_{}.so.1", number / 7, number % 7),
        |number| format!("{}{number:05}{}", "long_common_prefix_".repeat(3), "_and_suffix.html"),
        |number| format!("{:x}-{:x}", number.wrapping_mul(0x9e37_79b9), number),
        |number| "ab".repeat(1 + number % 120) + &number.to_string(),
    ];
    for (which, pattern) in patterns.iter().enumerate() {
        let mut table = vec![false; 2 * COUNT];
        let (mut steps, mut most) = (0, 0);
        for name in (0..COUNT).map(pattern) {
            let hash = name_hash(name.as_bytes());
            let place = ((u64::from(hash as u32) * COUNT as u64) >> 31) as usize;
            let step = (0..).find(|step| !table[(place + step) % table.len()]).unwrap();
            table[(place + step) % (2 * COUNT)] = true;
            steps += step;
            most = most.max(step);
        }
        let mean = steps as f64 / COUNT as f64;
        assert!(mean < 0.6 && most < 100, "pattern {which}: mean {mean}, most {most}");
    }
}
