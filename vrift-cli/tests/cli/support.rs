//! A store in memory, and directories to read and write.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;

use vrift_cas::Digest;
use vrift_cli::export::{Child, Source};
use vrift_cli::ingest::{
    Contents, Found, Options, PutError, Scan, StatCache, Stored, Tree, Xattr, scan,
};
use vrift_cli::output::progress::Counters;
use vrift_manifest::attributes::Attributes;

/// Keeps contents in memory, and calls `on_put` with each before it does.
pub struct Memory<F = fn(&[u8])> {
    pub contents: Mutex<HashMap<Digest, Vec<u8>>>,
    pub on_put: Option<F>,
}

impl Memory {
    pub fn new() -> Memory {
        Memory { contents: Mutex::default(), on_put: None }
    }
}

impl<F: Fn(&[u8])> Memory<F> {
    pub fn calling(on_put: F) -> Memory<F> {
        Memory { contents: Mutex::default(), on_put: Some(on_put) }
    }
}

impl<F: Fn(&[u8]) + Sync> Contents for Memory<F> {
    type Error = Infallible;

    fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, Infallible> {
        if let Some(on_put) = &self.on_put {
            on_put(bytes);
        }
        let digest = Digest::of(bytes);
        let new = self.contents.lock().unwrap().insert(digest, bytes.to_vec()).is_none();
        Ok(Stored { digest, size: bytes.len() as u64, new })
    }

    fn put_file(&self, mut file: &File) -> Result<Stored, PutError<Infallible>> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(PutError::Source)?;
        self.put_bytes(&bytes).map_err(PutError::Store)
    }
}

/// Reads a directory.
pub fn read(directory: &Path, cache: &StatCache, contents: &impl Contents) -> Scan {
    read_with(directory, &Options::default(), cache, contents)
}

/// Reads a directory in a way of the caller's.
pub fn read_with(
    directory: &Path,
    options: &Options,
    cache: &StatCache,
    contents: &impl Contents,
) -> Scan {
    scan(directory, options, cache, contents, &Counters::default()).unwrap()
}

/// Waits until what was written before is no longer racy.
pub fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(30));
}

/// A cache as it is after it was written and read again.
pub fn saved(tree: &Tree) -> StatCache {
    StatCache::from_bytes(tree.stat_cache(0).as_bytes().to_vec()).unwrap()
}

/// One line for each entry: its path, kind and what it holds.
pub fn lines(tree: &Tree) -> Vec<String> {
    let mut lines: Vec<String> = tree
        .entries()
        .iter()
        .map(|entry| {
            let path = String::from_utf8_lossy(&tree.path(entry)).into_owned();
            let target = String::from_utf8_lossy(tree.target(entry)).into_owned();
            let found = match entry.found {
                Found::Blob(digest) => digest.to_string()[..8].to_string(),
                other => format!("{other:?}"),
            };
            format!("{path} {:?} {found} {target}", entry.kind()).trim_end().to_string()
        })
        .collect();
    lines.sort();
    lines
}

/// Writes files, making the directories above them.
pub fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// Whether the tests run as root, to whom every file is readable.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A tree that was read, and its contents, as one to be written.
pub struct Written {
    tree: Tree,
    pub contents: HashMap<Digest, Vec<u8>>,
    names: HashMap<usize, Vec<u8>>,
    attributes: HashMap<usize, Attributes>,
}

impl Written {
    pub fn new(tree: Tree, contents: HashMap<Digest, Vec<u8>>) -> Written {
        Written { tree, contents, names: HashMap::new(), attributes: HashMap::new() }
    }

    pub fn root(&self) -> usize {
        0
    }

    /// The node at a path.
    pub fn node(&self, path: &str) -> usize {
        let mut entries = self.tree.entries().iter();
        entries.position(|entry| self.tree.path(entry) == path.as_bytes()).unwrap()
    }

    /// Gives a node another name, also one that no directory can hold.
    pub fn rename(&mut self, path: &str, name: &str) {
        self.names.insert(self.node(path), name.as_bytes().to_vec());
    }

    /// Changes the attributes of a node.
    pub fn change(&mut self, path: &str, change: impl FnOnce(&mut Attributes)) {
        let node = self.node(path);
        let mut attributes = self.tree.entries()[node].attributes;
        change(&mut attributes);
        self.attributes.insert(node, attributes);
    }
}

impl Source for Written {
    type Node = usize;
    type Error = io::Error;

    fn children(&self, directory: usize) -> io::Result<Vec<Child<usize>>> {
        let children = self.tree.entries()[directory].children().map(|node| {
            let name = self.tree.name(&self.tree.entries()[node]).to_vec();
            Child { name: self.names.get(&node).cloned().unwrap_or(name), node }
        });
        Ok(children.collect())
    }

    fn attributes(&self, node: usize) -> io::Result<Attributes> {
        let attributes = self.tree.entries()[node].attributes;
        Ok(self.attributes.get(&node).copied().unwrap_or(attributes))
    }

    fn number(&self, node: usize) -> u64 {
        u64::from(self.tree.entries()[node].link.unwrap_or(node as u32))
    }

    fn digest(&self, file: usize) -> io::Result<Digest> {
        match self.tree.entries()[file].found {
            Found::Blob(digest) => Ok(digest),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    fn open(&self, content: &Digest) -> io::Result<File> {
        let bytes = self.contents.get(content).ok_or_else(|| io::Error::other("no content"))?;
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file)
    }

    fn target(&self, symlink: usize) -> io::Result<Vec<u8>> {
        Ok(self.tree.target(&self.tree.entries()[symlink]).to_vec())
    }

    fn xattrs(&self, node: usize) -> io::Result<Vec<Xattr>> {
        Ok(self.tree.xattrs(&self.tree.entries()[node]).to_vec())
    }
}

/// What differs between two directories: all that an export is to keep.
pub fn differences(a: &Path, b: &Path) -> Vec<String> {
    let (a, b) = (describe(a), describe(b));
    let mut found = Vec::new();
    for (path, line) in &a {
        match b.get(path) {
            None => found.push(format!("{path} missing")),
            Some(other) if other != line => found.push(format!("{path}: {line} is {other}")),
            Some(_) => {}
        }
    }
    found.extend(
        b.keys().filter(|path| !a.contains_key(*path)).map(|path| format!("{path} only there")),
    );
    found
}

/// One line for each entry, by its path. The times of the directory itself are among them only where nothing but the
/// tree was written.
fn describe(root: &Path) -> BTreeMap<String, String> {
    let contents = Memory::new();
    let tree = read(root, &StatCache::empty(), &contents).into_tree();
    assert!(tree.problems().is_empty(), "{:?}", tree.problems());
    let line = |entry: &vrift_cli::ingest::Entry| {
        let path = String::from_utf8_lossy(&tree.path(entry)).into_owned();
        let stat = fs::symlink_metadata(root.join(&path)).unwrap();
        let size = if stat.is_dir() { 0 } else { stat.size() };
        let line = format!(
            "{:o} {} {} {} {} {:?} {:?} {:?} {:?}",
            stat.mode(),
            stat.uid(),
            stat.gid(),
            size,
            stat.rdev(),
            (stat.mtime(), stat.mtime_nsec()),
            entry.found,
            String::from_utf8_lossy(tree.target(entry)),
            tree.xattrs(entry),
        );
        (path, line)
    };
    tree.entries().iter().map(line).collect()
}
