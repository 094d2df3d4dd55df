//! What a tree looks like, to be compared: of a real directory, of a workspace through the library, of any state of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use vrift_cas::Digest;
use vrift_manifest::tree::{Cursor, Tree};
use vrift_manifest::workspace::Workspace;

/// Every entry by its path, the root itself left out.
pub type Picture = BTreeMap<String, Entry>;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permission.
    pub mode: u32,
    /// Modification time in nanoseconds since 1970; of directories 0, for everything that is done in them sets it.
    pub mtime: i128,
    /// The digest of a file's content, or where a symlink leads.
    pub content: String,
}

const KIND: u32 = 0o170000;
const DIRECTORY: u32 = 0o040000;
const FILE: u32 = 0o100000;
const SYMLINK: u32 = 0o120000;

fn entry(mode: u32, (seconds, nanos): (i64, i64), content: String) -> Entry {
    let time = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    Entry { mode, mtime: if mode & KIND == DIRECTORY { 0 } else { time }, content }
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn below(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
}

/// The picture of a directory, as this process sees it.
pub fn of_directory(directory: &Path) -> io::Result<Picture> {
    let (mut found, mut pending) = (Picture::new(), vec![String::new()]);
    while let Some(above) = pending.pop() {
        for one in fs::read_dir(directory.join(&above))? {
            let path = below(&above, &text(one?.file_name().as_bytes()));
            let whole = directory.join(&path);
            let stat = whole.symlink_metadata()?;
            let content = match stat.mode() & KIND {
                FILE => Digest::of(&fs::read(&whole)?).to_string(),
                SYMLINK => text(fs::read_link(&whole)?.as_os_str().as_bytes()),
                _ => String::new(),
            };
            if stat.is_dir() {
                pending.push(path.clone());
            }
            found.insert(path, entry(stat.mode(), (stat.mtime(), stat.mtime_nsec()), content));
        }
    }
    Ok(found)
}

/// The picture of the present tree of a workspace, with what is being written as it is now.
pub fn of_workspace(workspace: &Workspace) -> Result<Picture, String> {
    walk(workspace.tree(), &mut |at| {
        let attributes = workspace.shown(at).map_err(|error| error.to_string())?;
        let draft = workspace.open_draft(at).map_err(|error| error.to_string())?;
        let mut written = None;
        if let Some(mut draft) = draft {
            let mut bytes = Vec::new();
            draft.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            written = Some(Digest::of(&bytes).to_string());
        }
        Ok((attributes.mode, (attributes.mtime.sec, attributes.mtime.nsec.into()), written))
    })
}

/// What a file of the present tree has, below directories with plain names.
pub fn bytes_of(workspace: &Workspace, path: &str) -> Result<Vec<u8>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let (tree, mut bytes) = (workspace.tree(), Vec::new());
    let mut at = tree.root();
    for name in path.split('/') {
        let child = tree.child(at, name.as_bytes()).map_err(|error| told(&error))?;
        at = child.ok_or_else(|| told(&"is not there"))?;
    }
    let file = match workspace.open_draft(at).map_err(|error| told(&error))? {
        Some(draft) => draft,
        None => {
            let digest = tree.digest(at).map_err(|error| told(&error))?;
            let digest = digest.ok_or_else(|| told(&"is no file"))?;
            workspace.store().open_blob(&digest).map_err(|error| told(&error))?
        }
    };
    (&file).read_to_end(&mut bytes).map_err(|error| told(&error))?;
    Ok(bytes)
}

/// The picture of a state.
pub fn of_tree(tree: &Tree) -> Result<Picture, String> {
    walk(tree, &mut |at| {
        let attributes = tree.attributes(at).map_err(|error| error.to_string())?;
        Ok((attributes.mode, (attributes.mtime.sec, attributes.mtime.nsec.into()), None))
    })
}

/// Mode, time and, if that is not what the tree says, content.
type Seen = (u32, (i64, i64), Option<String>);

fn walk(
    tree: &Tree,
    look: &mut dyn FnMut(Cursor) -> Result<Seen, String>,
) -> Result<Picture, String> {
    let (mut found, mut pending) = (Picture::new(), vec![(String::new(), tree.root())]);
    while let Some((above, at)) = pending.pop() {
        for child in tree.children(at).map_err(|error| error.to_string())? {
            let (name, child) = child.map_err(|error| error.to_string())?;
            let path = below(&above, &text(&name));
            let (mode, time, written) = look(child)?;
            let content = match mode & KIND {
                FILE => match written {
                    Some(written) => written,
                    None => tree
                        .digest(child)
                        .map_err(|error| error.to_string())?
                        .map_or_else(String::new, |digest| digest.to_string()),
                },
                SYMLINK => tree
                    .target(child)
                    .map_err(|error| error.to_string())?
                    .map_or_else(String::new, |target| text(&target)),
                _ => String::new(),
            };
            if mode & KIND == DIRECTORY {
                pending.push((path.clone(), child));
            }
            found.insert(path, entry(mode, time, content));
        }
    }
    Ok(found)
}

/// What differs, the first few entries of it; `None`: nothing.
pub fn differs(found: &Picture, wanted: &Picture) -> Option<String> {
    let paths: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    let different: Vec<_> =
        paths.into_iter().filter(|path| found.get(*path) != wanted.get(*path)).collect();
    let show = |entry: Option<&Entry>| match entry {
        Some(entry) => {
            let content = entry.content.get(..12).unwrap_or(&entry.content);
            format!("{:o} {} {content}", entry.mode, entry.mtime)
        }
        None => "not there".to_owned(),
    };
    let told = different.iter().take(4).map(|path| {
        format!("{path}: {} instead of {}", show(found.get(*path)), show(wanted.get(*path)))
    });
    let told: Vec<_> = told.collect();
    match different.len() {
        0 => None,
        number => Some(format!("{number} differ: {}", told.join("; "))),
    }
}

/// Without times.
pub fn timeless(picture: &Picture) -> Picture {
    let mut kept = picture.clone();
    kept.values_mut().for_each(|entry| entry.mtime = 0);
    kept
}
