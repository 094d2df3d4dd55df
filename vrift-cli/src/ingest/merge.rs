//! Putting together what the threads of a scan found.

use std::collections::HashMap;

use vrift_manifest::attributes::Kind;

use super::list::{Change, Finds};
use super::problem::{Problem, What};
use super::tree::{Entry, Found, Tree, Xattr};

/// One tree, breadth-first, from everybody's finds.
pub fn merge(mut finds: Vec<Finds>, xattrs: Vec<Vec<Xattr>>) -> Tree {
    finds.sort_by_key(|finds| finds.worker);
    apply(&mut finds);
    let mut tree = Tree { xattrs, ..Tree::default() };
    for finds in &mut finds {
        tree.problems.append(&mut finds.problems);
        tree.temporaries.append(&mut finds.temporaries);
    }
    let all: usize = finds.iter().map(|finds| finds.entries.len()).sum();
    tree.entries.reserve_exact(all);
    if let Some(root) = finds.first().and_then(|finds| finds.entries.first()) {
        let root = root.clone();
        take(&mut tree, &finds, &root, 0, 0);
    }
    let (mut place, mut order) = (0, Vec::new());
    while let Some(directory) = tree.entries.get(place) {
        // `worker` and the range are those of the listing until they are replaced here.
        let (range, worker) = (directory.children(), directory.worker);
        let listed = finds.get(usize::from(worker)).filter(|_| !range.is_empty());
        let first = tree.entries.len();
        if let Some(listed) = listed {
            order.clear();
            order.extend(
                listed.entries.get(range).unwrap_or(&[]).iter().filter(|entry| !entry.gone),
            );
            order.sort_unstable_by_key(|entry| name(listed, entry));
            for entry in order.drain(..) {
                take(&mut tree, &finds, entry, worker, place as u32);
            }
        }
        let children = tree.entries.len() - first;
        let directory = &mut tree.entries[place];
        directory.first_child = if children > 0 { first as u32 } else { 0 };
        directory.children = children as u32;
        place += 1;
    }
    join_links(&mut tree);
    tree.problems.sort_by(|a, b| a.path.cmp(&b.path));
    tree
}

/// Applies what became of entries, and tells each directory where its entries are.
fn apply(finds: &mut [Finds]) {
    for reporter in 0..finds.len() {
        let changes = std::mem::take(&mut finds[reporter].changes);
        let listings = std::mem::take(&mut finds[reporter].listings);
        for (id, first, count) in listings {
            if let Some(entry) = entry_mut(finds, id.worker, id.place) {
                (entry.first_child, entry.children) = (first, count);
                entry.worker = reporter as u16;
            }
        }
        for (id, change) in changes {
            let Some(entry) = entry_mut(finds, id.worker, id.place) else { continue };
            match change {
                Change::Read { attributes, found, racy, xattrs } => {
                    entry.attributes = *attributes;
                    (entry.found, entry.racy, entry.xattrs) = (found, racy, xattrs);
                }
                Change::Unread => entry.found = Found::Unread,
                Change::Gone => entry.gone = true,
            }
        }
    }
}

fn entry_mut(finds: &mut [Finds], worker: u16, place: u32) -> Option<&mut Entry> {
    finds.get_mut(usize::from(worker))?.entries.get_mut(place as usize)
}

fn name<'f>(finds: &'f Finds, entry: &Entry) -> &'f [u8] {
    slice(finds, entry.name_at, u32::from(entry.name_length))
}

fn slice(finds: &Finds, at: u64, length: u32) -> &[u8] {
    let at = at as usize;
    finds.bytes.get(at..at + length as usize).unwrap_or(&[])
}

/// Adds an entry of `worker`'s to the tree, with its name and target.
fn take(tree: &mut Tree, finds: &[Finds], entry: &Entry, worker: u16, parent: u32) {
    let Some(found_by) = finds.get(usize::from(worker)) else { return };
    let mut taken = entry.clone();
    taken.parent = parent;
    taken.name_at = tree.bytes.len() as u64;
    tree.bytes.extend_from_slice(name(found_by, entry));
    if entry.target_length > 0 {
        taken.target_at = tree.bytes.len() as u64;
        tree.bytes.extend_from_slice(slice(found_by, entry.target_at, entry.target_length));
    }
    tree.entries.push(taken);
}

/// Finds the hard links: all but the first entry of an inode refer to the first, and all have what was read under
/// whichever name.
fn join_links(tree: &mut Tree) {
    let mut groups: HashMap<(u64, u64), Group> = HashMap::new();
    let mut unread = false;
    for (place, entry) in tree.entries.iter_mut().enumerate() {
        if entry.attributes.nlink < 2 || entry.kind() == Kind::Directory {
            continue;
        }
        unread |= entry.found == Found::Unread;
        let group = groups.entry((entry.dev, entry.ino));
        let group = group.or_insert(Group { first: place as u32, read: None, what: None });
        entry.link = (group.first != place as u32).then_some(group.first);
        if group.read.is_none() && entry.found != Found::Unread {
            group.read = Some(entry.clone());
        }
    }
    if unread {
        tell_all_names(tree, &mut groups);
    }
    for entry in &mut tree.entries {
        let known = groups.get(&(entry.dev, entry.ino)).and_then(|group| group.read.as_ref());
        if let Some(known) = known.filter(|_| entry.kind() != Kind::Directory) {
            (entry.found, entry.attributes, entry.racy) =
                (known.found, known.attributes, known.racy);
            entry.xattrs = known.xattrs;
        }
    }
}

/// The names of one inode.
struct Group {
    first: u32,
    read: Option<Entry>,
    what: Option<What>,
}

/// A file that could not be read was tried under one name only; the others cannot be read either.
fn tell_all_names(tree: &mut Tree, groups: &mut HashMap<(u64, u64), Group>) {
    let known: HashMap<Vec<u8>, What> =
        tree.problems.iter().map(|problem| (problem.path.clone(), problem.what)).collect();
    let mut untold = Vec::new();
    for entry in tree.entries.iter().filter(|entry| entry.found == Found::Unread) {
        let Some(group) =
            groups.get_mut(&(entry.dev, entry.ino)).filter(|group| group.read.is_none())
        else {
            continue;
        };
        let path = tree.path(entry);
        match known.get(&path) {
            Some(what) => group.what = Some(*what),
            None => untold.push((path, (entry.dev, entry.ino))),
        }
    }
    for (path, inode) in untold {
        let what = groups.get(&inode).and_then(|group| group.what).unwrap_or(What::Changing);
        tree.problems.push(Problem { path, what });
    }
}
