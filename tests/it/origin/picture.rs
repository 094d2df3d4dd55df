//! A directory as a map, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use vrift_tests::sandbox::Sandbox;

/// Every entry by its path.
pub type Picture = BTreeMap<String, Entry>;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permission.
    pub mode: u32,
    /// Modification time, in nanoseconds since 1970; of directories 0.
    pub mtime: i128,
    /// What is in it, or where it leads to.
    pub content: Vec<u8>,
}

impl Entry {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.mode & 0o170000 == 0o040000
    }

    /// Without what is no change by itself: times, and of directories the permission.
    pub fn substance(&self) -> Entry {
        let mode = if self.is_directory() { 0o040000 } else { self.mode };
        Entry { mode, mtime: 0, content: self.content.clone() }
    }
}

/// The picture of a real directory.
pub fn picture(directory: &Path) -> Picture {
    let (mut found, mut pending) = (Picture::new(), vec![String::new()]);
    while let Some(above) = pending.pop() {
        for entry in fs::read_dir(directory.join(&above)).expect("it can be read") {
            let name = entry.expect("it can be read").file_name().into_string().expect("text");
            let path = if above.is_empty() { name } else { format!("{above}/{name}") };
            let whole = directory.join(&path);
            let stat = whole.symlink_metadata().expect("it is there");
            let content = match stat.file_type() {
                kind if kind.is_file() => fs::read(&whole).expect("it can be read"),
                kind if kind.is_symlink() => fs::read_link(&whole)
                    .expect("it is there")
                    .into_os_string()
                    .into_encoded_bytes(),
                _ => Vec::new(),
            };
            let time = i128::from(stat.mtime()) * 1_000_000_000 + i128::from(stat.mtime_nsec());
            let mtime = if stat.is_dir() { 0 } else { time };
            if stat.is_dir() {
                pending.push(path.clone());
            }
            found.insert(path, Entry { mode: stat.mode(), mtime, content });
        }
    }
    found
}

/// The picture of the workspace `w`.
pub fn of_workspace(sandbox: &Sandbox) -> Picture {
    let to = sandbox.path("exported");
    sandbox.ok(["export", "w", to.to_str().expect("text")]);
    let found = picture(&to);
    fs::remove_dir_all(&to).expect("removed");
    found
}
