//! The same random operations on a workspace and on a real directory: same errno, same tree, same changes of times.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, FileType, Mode, RenameFlags};
use rustix::io::Errno;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::tree::{Change, Cursor, Found, RenameMode, Tree, WalkError};
use vrift_manifest::workspace::{Workspace, WorkspaceError};

use crate::support::{Fixture, walk};

#[derive(Debug, Clone)]
enum Op {
    Mkdir(String),
    Create(String),
    Write(String, Vec<u8>),
    Fifo(String),
    Symlink(String, String),
    Link(String, String),
    Unlink(String),
    Rmdir(String),
    Rename(String, String, RenameMode),
    Chmod(String, u32),
    Times(String, Option<i64>, Option<i64>, bool),
    SetXattr(String, String, Vec<u8>),
    RemoveXattr(String, String),
}

fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![6 => "[a-d]", 1 => Just("..".to_owned()), 1 => Just(".".to_owned())];
    (prop::collection::vec(name, 0..3), "[a-d]")
        .prop_map(|(above, last)| above.into_iter().chain([last]).collect::<Vec<_>>().join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    let mode = prop_oneof![
        4 => Just(RenameMode::Replace),
        1 => Just(RenameMode::NoReplace),
        1 => Just(RenameMode::Exchange)
    ];
    let target = prop_oneof![path(), path().prop_map(|p| format!("../{p}")), Just("d/".to_owned())];
    let time = || prop::option::of(-2_147_483_647i64..15_032_385_535);
    let permission = (0u32..0o100).prop_map(|low| 0o700 | low);
    prop_oneof![
        6 => path().prop_map(Op::Mkdir),
        6 => path().prop_map(Op::Create),
        3 => (path(), prop::collection::vec(any::<u8>(), 0..50)).prop_map(|(p, b)| Op::Write(p, b)),
        1 => path().prop_map(Op::Fifo),
        3 => (target, path()).prop_map(|(t, p)| Op::Symlink(t, p)),
        3 => (path(), path()).prop_map(|(a, b)| Op::Link(a, b)),
        4 => path().prop_map(Op::Unlink),
        3 => path().prop_map(Op::Rmdir),
        8 => (path(), path(), mode).prop_map(|(a, b, m)| Op::Rename(a, b, m)),
        2 => (path(), prop_oneof![permission.clone(), permission.prop_map(|p| p | 0o2000)])
            .prop_map(|(p, m)| Op::Chmod(p, m)),
        2 => (path(), time(), time(), any::<bool>()).prop_map(|(p, a, m, f)| Op::Times(p, a, m, f)),
        1 => (path(), "user\\.[xy]", prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(p, n, v)| Op::SetXattr(p, n, v)),
        1 => (path(), "user\\.[xy]").prop_map(|(p, n)| Op::RemoveXattr(p, n)),
    ]
}

impl Op {
    fn paths(&self) -> Vec<&str> {
        match self {
            Op::Mkdir(path)
            | Op::Create(path)
            | Op::Write(path, _)
            | Op::Fifo(path)
            | Op::Symlink(_, path)
            | Op::Unlink(path)
            | Op::Rmdir(path)
            | Op::Chmod(path, _)
            | Op::Times(path, ..)
            | Op::SetXattr(path, ..)
            | Op::RemoveXattr(path, _) => vec![path],
            Op::Link(from, to) | Op::Rename(from, to, _) => vec![from, to],
        }
    }
}

/// Whether a path leads out of the tree, where the two sides differ.
fn leaves(tree: &Tree, path: &str) -> bool {
    let out = |path: &str| {
        let mut scratch = Scratch::default();
        let found = tree.walk(tree.root(), path.as_bytes(), b"/none", true, None, &mut scratch);
        matches!(found, Ok(Found::Outside(_)))
    };
    out(path) || path.rsplit_once('/').is_some_and(|(above, _)| out(above))
}

/// The kernel's answer.
fn really(root: &Path, op: &Op) -> Result<(), Errno> {
    let at = |path: &str| root.join(path);
    let errno = |error: std::io::Error| Errno::from_io_error(&error).expect("an errno");
    match op {
        Op::Mkdir(path) => rustix::fs::mkdir(at(path), Mode::from(0o755)),
        Op::Create(path) => {
            let mut options = fs::File::options();
            options.write(true).create_new(true).mode(0o644).open(at(path)).map(drop).map_err(errno)
        }
        Op::Write(path, bytes) => {
            let file = fs::File::options().write(true).truncate(true).open(at(path));
            file.and_then(|mut file| file.write_all(bytes)).map_err(errno)
        }
        Op::Fifo(path) => rustix::fs::mknodat(CWD, at(path), FileType::Fifo, Mode::from(0o644), 0),
        Op::Symlink(target, path) => rustix::fs::symlink(target, at(path)),
        Op::Link(from, to) => rustix::fs::linkat(CWD, at(from), CWD, at(to), AtFlags::empty()),
        Op::Unlink(path) => rustix::fs::unlink(at(path)),
        Op::Rmdir(path) => rustix::fs::rmdir(at(path)),
        Op::Rename(from, to, mode) => {
            let flags = match mode {
                RenameMode::Replace => RenameFlags::empty(),
                RenameMode::NoReplace => RenameFlags::NOREPLACE,
                RenameMode::Exchange => RenameFlags::EXCHANGE,
            };
            rustix::fs::renameat_with(CWD, at(from), CWD, at(to), flags)
        }
        Op::Chmod(path, mode) => rustix::fs::chmod(at(path), Mode::from(*mode)),
        Op::Times(path, atime, mtime, follow) => {
            let spec = |time: &Option<i64>| rustix::fs::Timespec {
                tv_sec: time.unwrap_or(0),
                tv_nsec: if time.is_some() { 7 } else { rustix::fs::UTIME_OMIT },
            };
            let times =
                rustix::fs::Timestamps { last_access: spec(atime), last_modification: spec(mtime) };
            let flags = if *follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
            rustix::fs::utimensat(CWD, at(path), &times, flags)
        }
        Op::SetXattr(path, name, value) => {
            rustix::fs::setxattr(at(path), name.as_str(), value, rustix::fs::XattrFlags::empty())
        }
        Op::RemoveXattr(path, name) => rustix::fs::removexattr(at(path), name.as_str()),
    }
}

fn walk_errno(error: WalkError) -> Errno {
    match error {
        WalkError::NotFound => Errno::NOENT,
        WalkError::NotDirectory => Errno::NOTDIR,
        WalkError::Loop => Errno::LOOP,
        WalkError::TooLong => Errno::NAMETOOLONG,
        WalkError::Denied => Errno::ACCESS,
        WalkError::Damaged(_) => Errno::IO,
    }
}

/// The directory of a path and its last name.
fn parent<'a>(tree: &Tree, path: &'a str) -> Result<(u64, &'a [u8]), Errno> {
    let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
    let at = walk(tree, above, true).map_err(walk_errno)?;
    if tree.attributes(at).expect("attributes").mode & 0o170000 != 0o040000 {
        return Err(Errno::NOTDIR);
    }
    Ok((tree.number(at).expect("a number"), last.as_bytes()))
}

fn node(tree: &Tree, path: &str, follow: bool) -> Result<u64, Errno> {
    let at = walk(tree, path, follow).map_err(walk_errno)?;
    Ok(tree.number(at).expect("a number"))
}

/// Our answer.
fn virtually(workspace: &mut Workspace, op: &Op) -> Result<Timestamp, Errno> {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let create = |workspace: &mut Workspace, path: &str, mode: u32, target: &str| {
        let (parent, name) = parent(workspace.tree(), path)?;
        let target = target.as_bytes();
        apply(workspace, &Change::Create { parent, name, mode, uid, gid, rdev: 0, target })
    };
    match op {
        Op::Mkdir(path) => create(workspace, path, 0o040755, ""),
        Op::Create(path) => create(workspace, path, 0o100644, ""),
        Op::Fifo(path) => create(workspace, path, 0o010644, ""),
        Op::Symlink(target, path) => create(workspace, path, 0o120777, target),
        Op::Write(path, bytes) => {
            let node = node(workspace.tree(), path, true)?;
            let digest = vrift_cas::Digest::of(bytes);
            let size = bytes.len() as u64;
            let at = workspace.tree().node(node).expect("sound").expect("found above");
            let mode = workspace.tree().mode(at).expect("a mode");
            let done = apply(workspace, &Change::SetContent { node, digest, size, mtime: None })?;
            // Who may not set the bits loses them by writing. That depends on who writes, so it is up to whoever
            // asks for the change, like all that has to do with permission.
            let lost = if mode & 0o010 != 0 { 0o6000 } else { 0o4000 };
            if mode & lost != 0 && !rustix::process::geteuid().is_root() {
                return apply(workspace, &Change::SetMode { node, mode: mode & !lost });
            }
            Ok(done)
        }
        Op::Link(from, to) => {
            let node = node(workspace.tree(), from, false)?;
            let (parent, name) = parent(workspace.tree(), to)?;
            apply(workspace, &Change::Link { node, parent, name })
        }
        Op::Unlink(path) => {
            let (parent, name) = parent(workspace.tree(), path)?;
            apply(workspace, &Change::Unlink { parent, name })
        }
        Op::Rmdir(path) => {
            let (parent, name) = parent(workspace.tree(), path)?;
            apply(workspace, &Change::RemoveDirectory { parent, name })
        }
        Op::Rename(from, to, mode) => {
            let (from_parent, from) = parent(workspace.tree(), from)?;
            let (to_parent, to) = parent(workspace.tree(), to)?;
            apply(workspace, &Change::Rename { from_parent, from, to_parent, to, mode: *mode })
        }
        Op::Chmod(path, mode) => {
            let node = node(workspace.tree(), path, true)?;
            apply(workspace, &Change::SetMode { node, mode: *mode })
        }
        Op::Times(path, atime, mtime, follow) => {
            // The kernel does not even look for the file then.
            if atime.is_none() && mtime.is_none() {
                return Ok(Timestamp::default());
            }
            let node = node(workspace.tree(), path, *follow)?;
            let stamp = |time: &Option<i64>| time.map(|sec| Timestamp { sec, nsec: 7 });
            let (atime, mtime) = (stamp(atime), stamp(mtime));
            apply(workspace, &Change::SetTimes { node, atime, mtime })
        }
        Op::SetXattr(path, name, value) => {
            let node = node(workspace.tree(), path, true)?;
            let name = name.as_bytes();
            apply(workspace, &Change::SetXattr { node, name, value: Some(value) })
        }
        Op::RemoveXattr(path, name) => {
            let node = node(workspace.tree(), path, true)?;
            apply(workspace, &Change::SetXattr { node, name: name.as_bytes(), value: None })
        }
    }
}

fn apply(workspace: &mut Workspace, change: &Change<'_>) -> Result<Timestamp, Errno> {
    match workspace.change(change) {
        Ok(done) => Ok(done.time),
        Err(WorkspaceError::Refused(errno)) => Err(errno),
        Err(other) => panic!("{change:?}: {other}"),
    }
}

/// What both sides show of one path. Hard links are told by the least path of the same node.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    mode: u32,
    nlink: u32,
    uid: u32,
    gid: u32,
    size: Option<u64>,
    content: Vec<u8>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    first_name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    node: u64,
    mtime: (i64, u32),
    ctime: (i64, u32),
}

type Picture = BTreeMap<String, (Shown, Times)>;

fn real_picture(root: &Path) -> Picture {
    let mut all = Picture::new();
    let mut first: BTreeMap<u64, String> = BTreeMap::new();
    let mut paths = vec![PathBuf::new()];
    let mut found = Vec::new();
    while let Some(path) = paths.pop() {
        let metadata = fs::symlink_metadata(root.join(&path)).expect("metadata");
        if metadata.is_dir() {
            for entry in fs::read_dir(root.join(&path)).expect("a directory") {
                paths.push(path.join(entry.expect("an entry").file_name()));
            }
        }
        found.push((path.to_str().expect("ASCII").to_owned(), metadata));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, metadata) in found {
        let real = root.join(&path);
        let content = match metadata.mode() & 0o170000 {
            0o100000 => {
                let bytes = fs::read(&real).expect("readable");
                vrift_cas::Digest::of(&bytes).as_bytes().to_vec()
            }
            0o120000 => fs::read_link(&real).expect("a link").as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let directory = metadata.is_dir();
        let shown = Shown {
            mode: metadata.mode(),
            nlink: metadata.nlink() as u32,
            uid: metadata.uid(),
            gid: metadata.gid(),
            size: (!directory).then_some(metadata.size()),
            content,
            xattrs: real_xattrs(&real),
            first_name: first.entry(metadata.ino()).or_insert_with(|| path.clone()).clone(),
        };
        let times = Times {
            node: metadata.ino(),
            mtime: (metadata.mtime(), metadata.mtime_nsec() as u32),
            ctime: (metadata.ctime(), metadata.ctime_nsec() as u32),
        };
        all.insert(path, (shown, times));
    }
    all
}

fn real_xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let path = CString::new(path.as_os_str().as_bytes()).expect("no NUL");
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path.as_c_str(), &mut names[..]).unwrap_or(0);
    let mut list: Vec<_> = names[..length]
        .split(|&byte| byte == 0)
        .filter(|name| name.starts_with(b"user."))
        .map(|name| {
            let mut value = vec![0; 4096];
            let length =
                rustix::fs::lgetxattr(path.as_c_str(), name, &mut value[..]).expect("value");
            value.truncate(length);
            (name.to_vec(), value)
        })
        .collect();
    list.sort();
    list
}

fn virtual_picture(tree: &Tree) -> Picture {
    let mut found: Vec<(String, Cursor)> = vec![(String::new(), tree.root())];
    let mut place = 0;
    while let Some((path, at)) = found.get(place).cloned() {
        place += 1;
        for child in tree.children(at).expect("children") {
            let (name, cursor) = child.expect("a child");
            let name = String::from_utf8(name.to_vec()).expect("ASCII");
            found.push((if path.is_empty() { name } else { format!("{path}/{name}") }, cursor));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut first: BTreeMap<u64, String> = BTreeMap::new();
    let mut all = Picture::new();
    for (path, at) in found {
        let a = tree.attributes(at).expect("attributes");
        let node = tree.number(at).expect("a number");
        let directory = a.mode & 0o170000 == 0o040000;
        let content = match (tree.digest(at).expect("digest"), tree.target(at).expect("target")) {
            (Some(digest), _) => digest.as_bytes().to_vec(),
            (_, target) => target.unwrap_or_default(),
        };
        let shown = Shown {
            mode: a.mode,
            nlink: a.nlink,
            uid: a.uid,
            gid: a.gid,
            size: (!directory).then_some(a.size),
            content,
            xattrs: tree.xattrs(at).expect("xattrs"),
            first_name: first.entry(node).or_insert_with(|| path.clone()).clone(),
        };
        let times =
            Times { node, mtime: (a.mtime.sec, a.mtime.nsec), ctime: (a.ctime.sec, a.ctime.nsec) };
        all.insert(path, (shown, times));
    }
    all
}

/// The times of every node, by the first path that shows it.
fn same_changes(
    before: (&Picture, &Picture),
    after: (&Picture, &Picture),
    stamp: Timestamp,
    op: &Op,
) {
    let by_node = |picture: &Picture| -> BTreeMap<u64, Times> {
        picture.values().map(|(_, times)| (times.node, *times)).collect()
    };
    let (real_before, ours_before) = (by_node(before.0), by_node(before.1));
    let explicit = matches!(op, Op::Times(..));
    for (path, (_, real)) in after.0 {
        let ours = after.1[path].1;
        let (Some(real_old), Some(ours_old)) =
            (real_before.get(&real.node), ours_before.get(&ours.node))
        else {
            continue;
        };
        let stamp = (stamp.sec, stamp.nsec);
        if explicit {
            let changed = real_old.mtime != real.mtime;
            assert!(!changed || ours.mtime == real.mtime, "{op:?}: mtime of '{path}'");
        } else if real_old.mtime != real.mtime {
            assert_eq!(ours.mtime, stamp, "{op:?} must change the mtime of '{path}'");
        } else {
            assert_eq!(ours.mtime, ours_old.mtime, "{op:?} must not change the mtime of '{path}'");
        }
        if real_old.ctime != real.ctime {
            assert_eq!(ours.ctime, stamp, "{op:?} must change the ctime of '{path}'");
        } else {
            assert_eq!(ours.ctime, ours_old.ctime, "{op:?} must not change the ctime of '{path}'");
        }
    }
}

fn run(ops: &[Op]) {
    let fixture = Fixture::new();
    let mut workspace = fixture.workspace("w");
    let root = fixture.root.join("outer").join("root");
    fs::create_dir_all(&root).expect("a directory");
    rustix::fs::chmod(&root, Mode::from(0o755)).expect("chmod");
    let mut before = (real_picture(&root), virtual_picture(workspace.tree()));
    for (place, op) in ops.iter().enumerate() {
        if place % 16 == 15 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let special = |tree: &Tree, path: &str| {
            let at = walk(tree, path, true).ok();
            at.is_some_and(|at| {
                let kind = tree.mode(at).expect("a mode") & 0o170000;
                kind != 0o100000 && kind != 0o040000
            })
        };
        if op.paths().iter().any(|path| leaves(workspace.tree(), path)) {
            continue;
        }
        match op {
            // Opening a pipe waits for a reader, and user attributes are for files and directories only: neither
            // is the tree's business.
            Op::Write(path, _) | Op::SetXattr(path, ..) | Op::RemoveXattr(path, _)
                if special(workspace.tree(), path) =>
            {
                continue;
            }
            _ => {}
        }
        let real = really(&root, op);
        let ours = virtually(&mut workspace, op);
        assert_eq!(real, ours.map(drop), "{op:?} as number {place} of {ops:?}");
        let after = (real_picture(&root), virtual_picture(workspace.tree()));
        let seen = |picture: &Picture| -> BTreeMap<String, Shown> {
            picture.iter().map(|(path, (shown, _))| (path.clone(), shown.clone())).collect()
        };
        assert_eq!(seen(&after.0), seen(&after.1), "after {op:?} as number {place}");
        if let Ok(stamp) = ours {
            same_changes((&before.0, &before.1), (&after.0, &after.1), stamp, op);
        }
        before = after;
    }
    // What was built step by step, what a new process sees, and what the journal says are one tree.
    let shown = crate::support::picture(workspace.tree());
    let again = Workspace::open(&fixture.home, "w").expect("it exists");
    assert_eq!(shown, crate::support::picture(again.tree()));
    let viewed = again.view(again.head()).expect("the present");
    assert_eq!(shown, crate::support::picture(&viewed));
    workspace.compact().expect("compaction");
    assert_eq!(shown, crate::support::picture(workspace.tree()), "after compaction");
}

proptest! {
    #![proptest_config(crate::support::cases(96))]

    #[test]
    fn a_workspace_answers_as_the_kernel_does(ops in prop::collection::vec(op(), 1..70)) {
        run(&ops);
    }
}

#[test]
fn an_attribute_that_is_set_to_what_it_is_changes_nothing() {
    for value in [vec![], b"value".to_vec()] {
        let set = Op::SetXattr("a".to_owned(), "user.x".to_owned(), value);
        let mut ops = vec![Op::Mkdir("a".to_owned())];
        // The clock goes on in the middle.
        ops.extend(std::iter::repeat_n(set, 20));
        run(&ops);
    }
}
