//! Changes of a tree, from bytes.

use vrift_cas::Digest;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, RenameMode};

use crate::input::Input;

const NAMES: [&[u8]; 12] =
    [b"a", b"b", b"c", b"d", b"f", b"s", b"", b".", b"..", b"x/y", &[b'l'; 255], &[b'l'; 256]];

const MODES: [u32; 9] =
    [0o100644, 0o040755, 0o120777, 0o010600, 0o020666, 0o060600, 0o140700, 0o042775, 0o644];

/// A create by the superuser.
pub fn create<'a>(parent: u64, name: &'a [u8], mode: u32, target: &'a [u8]) -> Change<'a> {
    Change::Create { parent, name, mode, uid: 0, gid: 0, rdev: 0, target }
}

/// The next change; nodes are small numbers, so that changes meet.
pub fn change<'a>(input: &mut Input<'a>) -> Change<'a> {
    let node = |input: &mut Input<'a>| u64::from(input.byte() % 24);
    let name = |input: &mut Input<'a>| match input.byte() {
        byte @ 0..200 => NAMES[usize::from(byte) % 6],
        byte @ 200..240 => NAMES[usize::from(byte) % NAMES.len()],
        _ => input.bytes(255),
    };
    let time = |input: &mut Input<'a>| match input.byte() % 4 {
        0 => None,
        1 => Some(Timestamp {
            sec: i64::from(input.word() as i32),
            nsec: input.word() % 1_000_000_001,
        }),
        2 => Some(Timestamp { sec: i64::from(input.word()) << 32, nsec: 7 }),
        _ => Some(Timestamp { sec: -i64::from(input.word()), nsec: 0 }),
    };
    let id = |input: &mut Input<'a>| (input.byte() % 2 == 0).then(|| u32::from(input.byte()));
    match input.byte() % 16 {
        0..4 => {
            let (parent, name, mode) = (node(input), name(input), input.pick(&MODES));
            let target = if mode >> 12 == 0o12 { input.bytes(255) } else { &[] };
            let rdev = u64::from(input.byte());
            Change::Create { parent, name, mode, uid: 1, gid: 2, rdev, target }
        }
        4 => Change::SetContent {
            node: node(input),
            digest: Digest::of(&[input.byte()]),
            size: u64::from(input.word()) << (8 * (input.byte() % 5)),
            mtime: time(input),
        },
        5 => Change::SetMode { node: node(input), mode: input.word() },
        6 => Change::SetOwner { node: node(input), uid: id(input), gid: id(input) },
        7 => Change::SetTimes { node: node(input), atime: time(input), mtime: time(input) },
        8 => {
            let (node, name) = (node(input), input.pick(&NAMES));
            let value = (input.byte() % 3 > 0).then(|| input.bytes(255));
            Change::SetXattr { node, name, value }
        }
        9 => Change::Link { node: node(input), parent: node(input), name: name(input) },
        10 | 11 => Change::Unlink { parent: node(input), name: name(input) },
        12 => Change::RemoveDirectory { parent: node(input), name: name(input) },
        _ => Change::Rename {
            from_parent: node(input),
            from: name(input),
            to_parent: node(input),
            to: name(input),
            mode: input.pick(&[
                RenameMode::Replace,
                RenameMode::Replace,
                RenameMode::NoReplace,
                RenameMode::Exchange,
            ]),
        },
    }
}
