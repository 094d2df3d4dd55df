//! Any path in a tree with symlinks to anywhere, against a walker that works with strings and copies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrift_fuzz::changes::create;
use vrift_fuzz::input::Input;
use vrift_fuzz::posix::Model;
use vrift_fuzz::trees::{MADE, over_small_image, small_model};
use vrift_fuzz::walker::{Goal, one_slash, walk};
use vrift_manifest::journal::Record;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Found, WalkError};

const MOUNT: &[u8] = b"/m/n";
const NAMES: [&[u8]; 6] = [b"a", b"b", b"c", b"d", b"s", b"..."];

/// Several slashes are one.
fn plain(goal: Goal) -> Goal {
    match goal {
        Goal::Outside(path) => Goal::Outside(one_slash(path)),
        goal => goal,
    }
}

/// Whether a walk can meet several slashes: a target's last one stands before the path's next.
fn slashes_in_a_row(model: &Model, path: &[u8]) -> bool {
    let has = |text: &[u8]| text.windows(2).any(|pair| pair == b"//");
    let target = |target: &[u8]| target.ends_with(b"/") || has(target);
    has(path) || model.nodes.values().any(|node| target(&node.target))
}

/// What paths and targets are made of, besides what the input says.
const PIECES: [&[u8]; 14] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"s",
    b"/",
    b"//",
    b".",
    b"..",
    b"../",
    b"./",
    b"/m/n/",
    b"/m",
    &[b'a'; 255],
];

fn path(input: &mut Input<'_>) -> Vec<u8> {
    let mut path = vec![];
    for _ in 0..input.byte() % 24 {
        match input.byte() {
            byte @ 0..240 => path.extend(PIECES[usize::from(byte) % PIECES.len()]),
            240..250 => path.extend(input.bytes(255)),
            _ => path.extend(vec![b'/'; usize::from(input.byte()) * 16]),
        }
    }
    path
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let tree = over_small_image();
    let mut model = small_model();
    for seq in 1..=u64::from(input.byte() % 24) {
        let parent = 1 + u64::from(input.byte()) % tree.next_node();
        let (name, mode) = (input.pick(&NAMES), input.pick(&[0o120777, 0o040755, 0o100644]));
        let target = if mode == 0o120777 { path(&mut input) } else { vec![] };
        let change = create(parent, name, mode, &target);
        let new = tree.next_node();
        let mut block = vec![];
        let Ok(Some(operation)) = tree.check(&change, &mut block) else { continue };
        tree.apply(seq, &Record { time: MADE, process: 0, operation }).expect("checked");
        model.apply(&change, MADE, new);
    }
    let start = 1 + u64::from(input.byte()) % tree.next_node();
    let Ok(Some(at)) = tree.node(start) else { return };
    let follow = input.byte() % 2 == 0;
    for path in [path(&mut input), path(&mut input), input.0.to_vec()] {
        let mut scratch = Scratch::default();
        let found = match tree.walk(at, &path, MOUNT, follow, None, &mut scratch) {
            Ok(Found::Node(cursor)) => Goal::Node(tree.number(cursor).expect("sound")),
            Ok(Found::Outside(length)) => Goal::Outside(scratch.bytes()[..length].to_vec()),
            Err(WalkError::NotFound) => Goal::NotFound,
            Err(WalkError::NotDirectory) => Goal::NotDirectory,
            Err(WalkError::Loop) => Goal::Loop,
            Err(WalkError::TooLong) => Goal::TooLong,
            Err(other) => panic!("{other}"),
        };
        let expected = walk(&model, start, &path, MOUNT, follow);
        // The tree keeps slashes in a row that it has not walked yet: with them a path outside can be too long to be asked for.
        let long = matches!((&found, &expected), (Goal::TooLong, Goal::Outside(_)));
        if long && slashes_in_a_row(&model, &path) {
            continue;
        }
        assert_eq!(
            plain(found),
            plain(expected),
            "'{}' from {start}: {model:?}",
            path.escape_ascii()
        );
    }
});
