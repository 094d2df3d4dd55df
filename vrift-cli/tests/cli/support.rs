//! A store in memory, and directories to read and write.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;

use vrift_cas::Digest;
use vrift_cli::ingest::{Contents, Options, PutError, Scan, StatCache, Stored, Tree, scan};
use vrift_cli::output::progress::Counters;

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
                vrift_cli::ingest::Found::Blob(digest) => digest.to_string()[..8].to_string(),
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
