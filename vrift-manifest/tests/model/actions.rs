//! Random things to do. Nodes are picked by any number, modulo what is there.

use proptest::collection::vec;
use proptest::prelude::*;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, RenameMode};

/// What somebody does.
#[derive(Debug, Clone)]
pub enum Action {
    Change(Picked),
    Snapshot,
    DropSnapshot(usize),
    Sync,
    Compact,
    Forget,
    /// To a tree with nothing in it.
    Replace,
    /// Of any earlier state.
    Fork(usize),
    /// In this process.
    Reopen,
    RestartMachine,
    /// Any earlier state.
    View(usize),
}

/// Who does it: which workspace, which of its two handles.
#[derive(Debug, Clone)]
pub struct Step {
    pub world: usize,
    pub handle: usize,
    pub action: Action,
}

/// A change whose nodes are still to be picked.
#[derive(Debug, Clone)]
pub enum Picked {
    Create { parent: usize, name: Vec<u8>, mode: u32, ids: [u32; 2], rdev: u64, target: Vec<u8> },
    SetContent { node: usize, content: usize, mtime: Option<Timestamp> },
    SetMode { node: usize, mode: u32 },
    SetOwner { node: usize, uid: Option<u32>, gid: Option<u32> },
    SetTimes { node: usize, atime: Option<Timestamp>, mtime: Option<Timestamp> },
    SetXattr { node: usize, name: Vec<u8>, value: Option<Vec<u8>> },
    Link { node: usize, parent: usize, name: Vec<u8> },
    Unlink { parent: usize, name: Vec<u8> },
    RemoveDirectory { parent: usize, name: Vec<u8> },
    Rename { from: (usize, Vec<u8>), to: (usize, Vec<u8>), mode: RenameMode },
}

/// What files hold.
pub const CONTENTS: [&[u8]; 4] = [b"", b"a", b"some content", b"other content"];

impl Picked {
    /// The change, with `nodes` to pick from.
    pub fn change(&self, nodes: &[u64]) -> Change<'_> {
        // One more than there are: a node that does not exist.
        let pick = |place: &usize| nodes.get(place % (nodes.len() + 1)).copied().unwrap_or(1 << 40);
        match self {
            Picked::Create { parent, name, mode, ids: [uid, gid], rdev, target } => {
                Change::Create {
                    parent: pick(parent),
                    name,
                    mode: *mode,
                    uid: *uid,
                    gid: *gid,
                    rdev: *rdev,
                    target,
                }
            }
            Picked::SetContent { node, content, mtime } => {
                let content = CONTENTS[content % CONTENTS.len()];
                Change::SetContent {
                    node: pick(node),
                    digest: vrift_cas::Digest::of(content),
                    size: content.len() as u64,
                    mtime: *mtime,
                }
            }
            Picked::SetMode { node, mode } => Change::SetMode { node: pick(node), mode: *mode },
            Picked::SetOwner { node, uid, gid } => {
                Change::SetOwner { node: pick(node), uid: *uid, gid: *gid }
            }
            Picked::SetTimes { node, atime, mtime } => {
                Change::SetTimes { node: pick(node), atime: *atime, mtime: *mtime }
            }
            Picked::SetXattr { node, name, value } => {
                Change::SetXattr { node: pick(node), name, value: value.as_deref() }
            }
            Picked::Link { node, parent, name } => {
                Change::Link { node: pick(node), parent: pick(parent), name }
            }
            Picked::Unlink { parent, name } => Change::Unlink { parent: pick(parent), name },
            Picked::RemoveDirectory { parent, name } => {
                Change::RemoveDirectory { parent: pick(parent), name }
            }
            Picked::Rename { from, to, mode } => Change::Rename {
                from_parent: pick(&from.0),
                from: &from.1,
                to_parent: pick(&to.0),
                to: &to.1,
                mode: *mode,
            },
        }
    }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        30 => "[a-c]".prop_map(String::into_bytes),
        2 => vec(1u8..=255, 1..60).prop_filter("no slash", |name| !name.contains(&b'/')),
        1 => Just(vec![b'l'; 255]),
        1 => prop_oneof![
            Just(vec![]),
            Just(b".".to_vec()),
            Just(b"..".to_vec()),
            Just(b"a/b".to_vec()),
            Just(b"a\0".to_vec()),
            Just(vec![b'l'; 256]),
        ],
    ]
}

/// Mostly one of the first nodes, so that changes meet.
fn node() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0usize..6, 1 => any::<usize>()]
}

fn time() -> impl Strategy<Value = Timestamp> {
    let sec = prop_oneof![
        6 => -2_000_000_000i64..5_000_000_000,
        1 => prop_oneof![
            Just(i64::MIN), Just(-0x8000_0001), Just(-0x8000_0000), Just(0x3_7fff_ffff), Just(i64::MAX)
        ],
    ];
    let nsec = prop_oneof![9 => 0u32..1_000_000_000, 1 => Just(1_000_000_000u32)];
    (sec, nsec).prop_map(|(sec, nsec)| Timestamp { sec, nsec })
}

fn create() -> impl Strategy<Value = Picked> {
    let target = || vec(1u8..=255, 0..40);
    let what = prop_oneof![
        6 => Just((0o040000, vec![])),
        6 => Just((0o100000, vec![])),
        2 => target().prop_map(|target| (0o120000, target)),
        1 => Just((0o120000, vec![b't'; 4095])),
        1 => prop_oneof![Just(0o010000), Just(0o020000), Just(0o060000), Just(0o140000)]
            .prop_map(|kind| (kind, vec![])),
        1 => (prop_oneof![Just(0u32), Just(0o110000), Just(0o100000)], target()),
        1 => prop_oneof![Just(vec![b't'; 4096]), Just(b"a\0b".to_vec())]
            .prop_map(|target| (0o120000, target)),
    ];
    let ids = [0u32..3, 0u32..3];
    (node(), name(), what, 0u32..=0o7777, ids, any::<u64>()).prop_map(
        |(parent, name, (kind, target), permission, ids, rdev)| Picked::Create {
            parent,
            name,
            mode: kind | permission,
            ids,
            rdev,
            target,
        },
    )
}

pub fn change() -> impl Strategy<Value = Picked> {
    let mode = prop_oneof![
        4 => Just(RenameMode::Replace),
        1 => Just(RenameMode::NoReplace),
        2 => Just(RenameMode::Exchange),
    ];
    let time = || prop::option::of(time());
    let value = prop_oneof![
        6 => vec(any::<u8>(), 0..20).prop_map(Some),
        3 => Just(None),
        1 => Just(Some(vec![7; 65_537])),
    ];
    let attribute = prop_oneof![
        9 => "user\\.[xyz]".prop_map(String::into_bytes),
        1 => prop_oneof![Just(vec![]), Just(vec![b'x'; 256]), Just(b"a\0".to_vec())],
    ];
    let id = || prop::option::of(0u32..3);
    prop_oneof![
        12 => create(),
        3 => (node(), 0usize..4, time())
            .prop_map(|(node, content, mtime)| Picked::SetContent { node, content, mtime }),
        2 => (node(), any::<u32>()).prop_map(|(node, mode)| Picked::SetMode { node, mode }),
        2 => (node(), id(), id()).prop_map(|(node, uid, gid)| Picked::SetOwner { node, uid, gid }),
        2 => (node(), time(), time())
            .prop_map(|(node, atime, mtime)| Picked::SetTimes { node, atime, mtime }),
        3 => (node(), attribute, value)
            .prop_map(|(node, name, value)| Picked::SetXattr { node, name, value }),
        4 => (node(), node(), name())
            .prop_map(|(node, parent, name)| Picked::Link { node, parent, name }),
        5 => (node(), name()).prop_map(|(parent, name)| Picked::Unlink { parent, name }),
        4 => (node(), name()).prop_map(|(parent, name)| Picked::RemoveDirectory { parent, name }),
        12 => ((node(), name()), (node(), name()), mode)
            .prop_map(|(from, to, mode)| Picked::Rename { from, to, mode }),
    ]
}

pub fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        70 => change().prop_map(Action::Change),
        2 => Just(Action::Snapshot),
        1 => any::<usize>().prop_map(Action::DropSnapshot),
        1 => Just(Action::Sync),
        2 => Just(Action::Compact),
        1 => Just(Action::Forget),
        1 => Just(Action::Replace),
        1 => any::<usize>().prop_map(Action::Fork),
        1 => Just(Action::Reopen),
        1 => Just(Action::RestartMachine),
        2 => any::<usize>().prop_map(Action::View),
    ];
    // Most of the work in the first one.
    let world = prop_oneof![3 => Just(0usize), 1 => 0usize..4];
    (world, 0usize..2, action).prop_map(|(world, handle, action)| Step { world, handle, action })
}
