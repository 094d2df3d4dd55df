//! A tree in maps, as POSIX has it: written to be obviously right, not fast, and with nothing of ours but the words in
//! which a change is told. The fuzz target `operations` uses it too.

use std::collections::{BTreeMap, BTreeSet};

use rustix::io::Errno;
use vrift_cas::Digest;
use vrift_manifest::attributes::Attributes;
use vrift_manifest::time::Timestamp;
use vrift_manifest::tree::{Change, RenameMode};

const TYPE: u32 = 0o170000;
const DIRECTORY: u32 = 0o040000;
const FILE: u32 = 0o100000;
const SYMLINK: u32 = 0o120000;
const DEVICES: [u32; 2] = [0o020000, 0o060000];
const TYPES: [u32; 7] = [0o010000, 0o020000, DIRECTORY, 0o060000, FILE, SYMLINK, 0o140000];

/// A node: what `stat`, `readlink`, `listxattr` and `readdir` tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
    pub atime: Timestamp,
    pub mtime: Timestamp,
    pub ctime: Timestamp,
    pub digest: Digest,
    pub size: u64,
    pub target: Vec<u8>,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Of a directory.
    pub entries: BTreeMap<Vec<u8>, u64>,
    /// Of a directory that was removed: from where. Its `..` still leads there.
    pub removed_from: Option<u64>,
}

/// A tree. A node without a name stays, as if somebody had it open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub nodes: BTreeMap<u64, Node>,
    /// No node has had this number or a larger one.
    pub unused: u64,
}

/// What can be seen at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub number: u64,
    pub attributes: Attributes,
    pub digest: Option<Digest>,
    pub target: Option<Vec<u8>>,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Model {
    /// A root and nothing in it.
    pub fn new(uid: u32, gid: u32, time: Timestamp) -> Model {
        let root = Node::new(DIRECTORY | 0o755, uid, gid, time);
        Model { nodes: BTreeMap::from([(1, root)]), unused: 2 }
    }

    fn kind(&self, number: u64) -> Option<u32> {
        self.nodes.get(&number).map(|node| node.mode & TYPE)
    }

    /// Every (directory, name, node).
    fn names(&self) -> impl Iterator<Item = (u64, &Vec<u8>, u64)> {
        self.nodes.iter().flat_map(|(&directory, node)| {
            node.entries.iter().map(move |(name, &child)| (directory, name, child))
        })
    }

    /// The directory that holds a directory, or held it; the root holds itself.
    pub fn holder(&self, directory: u64) -> Option<u64> {
        if directory == 1 {
            return Some(1);
        }
        let holder = self.names().find(|(_, _, child)| *child == directory);
        holder.map_or(self.nodes.get(&directory)?.removed_from, |(holder, ..)| Some(holder))
    }

    fn nlink(&self, number: u64) -> u32 {
        let names = self.names().filter(|(_, _, child)| *child == number).count() as u32;
        if self.kind(number) != Some(DIRECTORY) {
            return names;
        }
        if names == 0 && number != 1 {
            return 0;
        }
        let entries = self.nodes[&number].entries.values();
        2 + entries.filter(|&&child| self.kind(child) == Some(DIRECTORY)).count() as u32
    }

    /// Whether the directory `number` is `below` or holds it, directly or not.
    fn holds(&self, number: u64, below: u64) -> bool {
        let mut at = below;
        loop {
            if at == number {
                return true;
            }
            match self.holder(at) {
                Some(holder) if holder != at => at = holder,
                _ => return false,
            }
        }
    }

    fn child(&self, parent: u64, name: &[u8]) -> Option<u64> {
        self.nodes.get(&parent)?.entries.get(name).copied()
    }

    /// All reasons why the change cannot be; the kernel would name one of them.
    pub fn errors(&self, change: &Change<'_>) -> Vec<Errno> {
        let mut errors = vec![];
        let mut wrong = |is: bool, errno: Errno| {
            if is {
                errors.push(errno);
            }
        };
        let late = |time: &Option<Timestamp>| time.is_some_and(|time| time.nsec > 999_999_999);
        // A place for a name: the directory is one, and the name can be one.
        let places: Vec<(u64, &[u8])> = match *change {
            Change::Create { parent, name, .. }
            | Change::Link { parent, name, .. }
            | Change::Unlink { parent, name }
            | Change::RemoveDirectory { parent, name } => vec![(parent, name)],
            Change::Rename { from_parent, from, to_parent, to, .. } => {
                vec![(from_parent, from), (to_parent, to)]
            }
            _ => vec![],
        };
        for &(parent, name) in &places {
            wrong(!self.nodes.contains_key(&parent), Errno::NOENT);
            wrong(self.kind(parent).is_some_and(|kind| kind != DIRECTORY), Errno::NOTDIR);
            wrong(name.len() > 255, Errno::NAMETOOLONG);
            let special = name.is_empty() || name == b"." || name == b"..";
            wrong(special || name.contains(&b'/') || name.contains(&0), Errno::INVAL);
        }
        let removed = |number: u64| self.nodes.contains_key(&number) && self.nlink(number) == 0;
        match *change {
            Change::Create { parent, name, mode, target, .. } => {
                wrong(self.child(parent, name).is_some(), Errno::EXIST);
                wrong(removed(parent), Errno::NOENT);
                wrong(!TYPES.contains(&(mode & TYPE)), Errno::INVAL);
                if mode & TYPE == SYMLINK {
                    wrong(target.is_empty(), Errno::NOENT);
                    wrong(target.len() > 4095, Errno::NAMETOOLONG);
                    wrong(target.contains(&0), Errno::INVAL);
                } else {
                    wrong(!target.is_empty(), Errno::INVAL);
                }
            }
            Change::SetContent { node, size, mtime, .. } => {
                match self.kind(node) {
                    None => wrong(true, Errno::NOENT),
                    Some(FILE) => {}
                    Some(DIRECTORY) => wrong(true, Errno::ISDIR),
                    Some(_) => wrong(true, Errno::INVAL),
                }
                wrong(i64::try_from(size).is_err() || late(&mtime), Errno::INVAL);
            }
            Change::SetMode { node, .. } => {
                wrong(!self.nodes.contains_key(&node), Errno::NOENT);
                wrong(self.kind(node) == Some(SYMLINK), Errno::OPNOTSUPP);
            }
            Change::SetOwner { node, .. } => wrong(!self.nodes.contains_key(&node), Errno::NOENT),
            Change::SetTimes { atime: None, mtime: None, .. } => {}
            Change::SetTimes { node, atime, mtime } => {
                wrong(!self.nodes.contains_key(&node), Errno::NOENT);
                wrong(late(&atime) || late(&mtime), Errno::INVAL);
            }
            Change::SetXattr { node, name, value } => {
                let known = self.nodes.get(&node);
                wrong(known.is_none(), Errno::NOENT);
                wrong(name.is_empty() || name.len() > 255, Errno::RANGE);
                wrong(name.contains(&0), Errno::INVAL);
                match (known, value) {
                    (Some(known), None) => wrong(!known.xattrs.contains_key(name), Errno::NODATA),
                    (_, Some(value)) => wrong(value.len() > 65_536, Errno::TOOBIG),
                    _ => {}
                }
            }
            Change::Link { node, parent, name } => {
                wrong(self.child(parent, name).is_some(), Errno::EXIST);
                wrong(removed(parent) || removed(node), Errno::NOENT);
                wrong(!self.nodes.contains_key(&node), Errno::NOENT);
                wrong(self.kind(node) == Some(DIRECTORY), Errno::PERM);
            }
            Change::Unlink { parent, name } => match self.child(parent, name) {
                None => wrong(self.kind(parent) == Some(DIRECTORY), Errno::NOENT),
                Some(node) => wrong(self.kind(node) == Some(DIRECTORY), Errno::ISDIR),
            },
            Change::RemoveDirectory { parent, name } => match self.child(parent, name) {
                None => wrong(self.kind(parent) == Some(DIRECTORY), Errno::NOENT),
                Some(node) => {
                    wrong(self.kind(node) != Some(DIRECTORY), Errno::NOTDIR);
                    wrong(!self.nodes[&node].entries.is_empty(), Errno::NOTEMPTY);
                }
            },
            Change::Rename { from_parent, from, to_parent, to, mode } => {
                let (moved, there) = (self.child(from_parent, from), self.child(to_parent, to));
                let Some(moved) = moved else {
                    wrong(true, Errno::NOENT);
                    return errors;
                };
                wrong(removed(to_parent), Errno::NOENT);
                wrong(mode == RenameMode::NoReplace && there.is_some(), Errno::EXIST);
                wrong(mode == RenameMode::Exchange && there.is_none(), Errno::NOENT);
                wrong(self.holds(moved, to_parent), Errno::INVAL);
                let Some(there) = there.filter(|there| *there != moved) else { return errors };
                let exchange = mode == RenameMode::Exchange;
                if self.holds(there, from_parent) {
                    wrong(true, if exchange { Errno::INVAL } else { Errno::NOTEMPTY });
                }
                if !exchange {
                    let directory = |node| self.kind(node) == Some(DIRECTORY);
                    wrong(directory(moved) && !directory(there), Errno::NOTDIR);
                    wrong(!directory(moved) && directory(there), Errno::ISDIR);
                    wrong(!self.nodes[&there].entries.is_empty(), Errno::NOTEMPTY);
                }
            }
        }
        errors
    }

    /// Whether a change that can be changes anything.
    pub fn is_idle(&self, change: &Change<'_>) -> bool {
        match *change {
            Change::SetTimes { atime, mtime, .. } => atime.is_none() && mtime.is_none(),
            Change::Rename { from_parent, from, to_parent, to, .. } => {
                self.child(from_parent, from) == self.child(to_parent, to)
            }
            Change::SetXattr { node, name, value: Some(value) } => {
                self.nodes[&node].xattrs.get(name).is_some_and(|known| known == value)
            }
            _ => false,
        }
    }

    /// Does a change that can be, at `time`; `new` is the number of a new node.
    pub fn apply(&mut self, change: &Change<'_>, time: Timestamp, new: u64) {
        if self.is_idle(change) {
            return;
        }
        match *change {
            Change::Create { parent, name, mode, uid, gid, rdev, target } => {
                let above = &self.nodes[&parent];
                let inherits = above.mode & 0o2000 != 0;
                let gid = if inherits { above.gid } else { gid };
                let mut node = Node::new(mode & (TYPE | 0o7777), uid, gid, time);
                match mode & TYPE {
                    SYMLINK => {
                        node.mode = SYMLINK | 0o777;
                        node.target = target.to_vec();
                    }
                    DIRECTORY if inherits => node.mode |= 0o2000,
                    kind if DEVICES.contains(&kind) => node.rdev = rdev,
                    _ => {}
                }
                self.nodes.insert(new, node);
                self.unused = self.unused.max(new + 1);
                self.enter(parent, name, new, time);
            }
            Change::SetContent { node, digest, size, mtime } => {
                let node = self.changed(node, time);
                node.digest = digest;
                node.size = size;
                node.mtime = mtime.unwrap_or(time);
            }
            Change::SetMode { node, mode } => {
                let node = self.changed(node, time);
                node.mode = node.mode & TYPE | mode & 0o7777;
            }
            Change::SetOwner { node, uid, gid } => {
                let node = self.changed(node, time);
                node.uid = uid.unwrap_or(node.uid);
                node.gid = gid.unwrap_or(node.gid);
                if node.mode & TYPE != DIRECTORY {
                    node.mode &= !0o4000;
                    // With group execution it means "run as that group", without it is a mark for locking.
                    if node.mode & 0o010 != 0 {
                        node.mode &= !0o2000;
                    }
                }
            }
            Change::SetTimes { node, atime, mtime } => {
                let node = self.changed(node, time);
                node.atime = atime.map_or(node.atime, as_ext4_keeps);
                node.mtime = mtime.map_or(node.mtime, as_ext4_keeps);
            }
            Change::SetXattr { node, name, value } => {
                let node = self.changed(node, time);
                match value {
                    Some(value) => node.xattrs.insert(name.to_vec(), value.to_vec()),
                    None => node.xattrs.remove(name),
                };
            }
            Change::Link { node, parent, name } => {
                self.changed(node, time);
                self.enter(parent, name, node, time);
            }
            Change::Unlink { parent, name } | Change::RemoveDirectory { parent, name } => {
                let node = self.leave(parent, name, time);
                self.changed(node, time).removed_from = Some(parent);
            }
            Change::Rename { from_parent, from, to_parent, to, mode } => {
                let moved = self.leave(from_parent, from, time);
                if let Some(there) = self.child(to_parent, to) {
                    self.leave(to_parent, to, time);
                    self.changed(there, time).removed_from = Some(to_parent);
                    if mode == RenameMode::Exchange {
                        self.enter(from_parent, from, there, time);
                    }
                }
                self.enter(to_parent, to, moved, time);
                self.changed(moved, time);
            }
        }
    }

    fn changed(&mut self, number: u64, time: Timestamp) -> &mut Node {
        let node = self.nodes.get_mut(&number).expect("it was checked");
        node.ctime = time;
        node
    }

    fn enter(&mut self, directory: u64, name: &[u8], node: u64, time: Timestamp) {
        let directory = self.changed(directory, time);
        directory.mtime = time;
        assert_eq!(directory.entries.insert(name.to_vec(), node), None);
    }

    fn leave(&mut self, directory: u64, name: &[u8], time: Timestamp) -> u64 {
        let directory = self.changed(directory, time);
        directory.mtime = time;
        directory.entries.remove(name).expect("it was checked")
    }

    /// Forgets the nodes that no path leads to, as a tree that was written to disk and read again.
    pub fn forget_unnamed(&mut self) {
        let mut reached = BTreeSet::from([1]);
        let mut pending = vec![1];
        while let Some(at) = pending.pop() {
            let children = self.nodes[&at].entries.values();
            let new: Vec<u64> =
                children.copied().filter(|child| !reached.contains(child)).collect();
            reached.extend(&new);
            pending.extend(new);
        }
        self.nodes.retain(|number, _| reached.contains(number));
    }

    /// Everything that can be seen, by path.
    pub fn seen(&self) -> BTreeMap<Vec<u8>, Seen> {
        let mut all = BTreeMap::new();
        let mut pending = vec![(Vec::new(), 1)];
        while let Some((path, number)) = pending.pop() {
            for (name, &child) in &self.nodes[&number].entries {
                pending.push(([&path[..], b"/", name].concat(), child));
            }
            all.insert(path, self.seen_of(number));
        }
        all
    }

    fn seen_of(&self, number: u64) -> Seen {
        let node = &self.nodes[&number];
        let kind = node.mode & TYPE;
        let size = match kind {
            FILE => node.size,
            DIRECTORY => 4096,
            SYMLINK => node.target.len() as u64,
            _ => 0,
        };
        Seen {
            number,
            attributes: Attributes {
                mode: node.mode,
                uid: node.uid,
                gid: node.gid,
                nlink: self.nlink(number),
                size,
                atime: node.atime,
                mtime: node.mtime,
                ctime: node.ctime,
                rdev: node.rdev,
            },
            digest: (kind == FILE).then_some(node.digest),
            target: (kind == SYMLINK).then(|| node.target.clone()),
            xattrs: node.xattrs.clone().into_iter().collect(),
        }
    }
}

impl Node {
    fn new(mode: u32, uid: u32, gid: u32, time: Timestamp) -> Node {
        Node {
            mode,
            uid,
            gid,
            rdev: 0,
            atime: time,
            mtime: time,
            ctime: time,
            digest: Digest::EMPTY,
            size: 0,
            target: vec![],
            xattrs: BTreeMap::new(),
            entries: BTreeMap::new(),
            removed_from: None,
        }
    }
}

/// ext4 has 34 bits for seconds, from 1901 on, and shows what it cannot keep as its first or last second.
fn as_ext4_keeps(time: Timestamp) -> Timestamp {
    let (first, last) = (-0x8000_0000, 0x3_7fff_ffff);
    if time.sec >= last {
        Timestamp { sec: last, nsec: 0 }
    } else if time.sec < first {
        Timestamp { sec: first, nsec: 0 }
    } else {
        time
    }
}
