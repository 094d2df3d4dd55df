//! What a directory looks like, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// All entries below a directory, and itself as the empty name.
pub type Picture = BTreeMap<String, Entry>;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Kind and permission.
    pub mode: u32,
    /// Names it has; of directories they say nothing.
    pub links: u64,
    /// `None`: it was changed by what is tested, and when, is nobody's business.
    pub mtime: Option<i64>,
    /// What is in it, or where it leads to.
    pub content: Vec<u8>,
}

/// Every time before this one was set by a test.
const NOW: i64 = 1_600_000_000;

/// The picture of a real directory; empty if there is none.
pub fn picture(directory: &Path) -> Picture {
    let mut found = Picture::new();
    if directory.symlink_metadata().is_ok() {
        walk(directory, "", &mut found);
    }
    found
}

fn walk(path: &Path, name: &str, found: &mut Picture) {
    let stat = path.symlink_metadata().expect("it is there");
    let content = match stat.file_type() {
        kind if kind.is_file() => fs::read(path).expect("it can be read"),
        kind if kind.is_symlink() => {
            fs::read_link(path).expect("it can be read").into_os_string().into_encoded_bytes()
        }
        _ => Vec::new(),
    };
    let links = if stat.is_dir() { 0 } else { stat.nlink() };
    let mtime = Some(stat.mtime()).filter(|&seconds| seconds < NOW);
    found.insert(name.to_owned(), Entry { mode: stat.mode(), links, mtime, content });
    if stat.is_dir() {
        for entry in fs::read_dir(path).expect("it can be read") {
            let entry = entry.expect("it can be read");
            let below = entry.file_name().into_string().expect("text");
            let below = if name.is_empty() { below } else { format!("{name}/{below}") };
            walk(&entry.path(), &below, found);
        }
    }
}

/// Without the entries whose last name begins as one of these does.
pub fn without(picture: &Picture, prefixes: &[&str]) -> Picture {
    let mut kept = picture.clone();
    kept.retain(|name, _| {
        let last = name.rsplit('/').next().unwrap_or(name);
        !prefixes.iter().any(|prefix| last.starts_with(prefix))
    });
    kept
}
