//! All files below some directories as they were, to be put back: in place, because the store knows some by their inodes.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file or a directory.
#[derive(PartialEq, Eq)]
enum Entry {
    Directory,
    Link(PathBuf),
    File { bytes: Vec<u8>, mode: u32, time: SystemTime },
}

/// What is there.
pub struct Pristine(BTreeMap<PathBuf, Entry>);

impl Pristine {
    /// Reads what is below the directories.
    pub fn of(directories: &[PathBuf]) -> Pristine {
        let mut found = BTreeMap::new();
        directories.iter().for_each(|directory| read(directory, &mut found));
        Pristine(found)
    }

    /// Puts everything back below the same directories.
    pub fn restore(&self, directories: &[PathBuf]) {
        let now = Pristine::of(directories);
        // What is in a directory goes before it.
        for (path, entry) in now.0.iter().rev() {
            let stays = self
                .0
                .get(path)
                .is_some_and(|old| std::mem::discriminant(old) == std::mem::discriminant(entry));
            match entry {
                _ if stays => {}
                Entry::Directory => fs::remove_dir(path).expect("it is empty now"),
                _ => fs::remove_file(path).expect("it is ours"),
            }
        }
        for (path, entry) in &self.0 {
            if now.0.get(path) != Some(entry) {
                put(path, entry);
            }
        }
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &Path) -> &[u8] {
        match self.0.get(path) {
            Some(Entry::File { bytes, .. }) => bytes,
            _ => &[],
        }
    }

    /// The files for which `is` says so.
    pub fn files(&self, is: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let files = self.0.iter().filter(|(_, entry)| matches!(entry, Entry::File { .. }));
        files.map(|(path, _)| path.clone()).filter(|path| is(path)).collect()
    }
}

fn read(path: &Path, found: &mut BTreeMap<PathBuf, Entry>) {
    let stat = path.symlink_metadata().expect("it is there");
    let entry = if stat.is_dir() {
        for entry in fs::read_dir(path).expect("it can be read") {
            read(&entry.expect("it can be read").path(), found);
        }
        Entry::Directory
    } else if stat.is_symlink() {
        Entry::Link(fs::read_link(path).expect("it can be read"))
    } else {
        let bytes = fs::read(path).expect("it can be read");
        let time = stat.modified().expect("it has one");
        Entry::File { bytes, mode: stat.mode() & 0o7777, time }
    };
    found.insert(path.to_owned(), entry);
}

fn put(path: &Path, entry: &Entry) {
    match entry {
        Entry::Directory => fs::create_dir_all(path).expect("there is room"),
        Entry::Link(target) => {
            let _ = fs::remove_file(path);
            std::os::unix::fs::symlink(target, path).expect("there is room");
        }
        Entry::File { bytes, mode, time } => {
            write(path, bytes);
            let file = File::open(path).expect("it is there");
            file.set_times(FileTimes::new().set_modified(*time)).expect("it is ours");
            file.set_permissions(Permissions::from_mode(*mode)).expect("it is ours");
        }
    }
}

/// Writes a file in place, whatever its mode. Mode and time stay: a disk that goes bad changes neither.
pub fn write(path: &Path, bytes: &[u8]) {
    let before = fs::metadata(path).ok();
    if before.is_some() {
        fs::set_permissions(path, Permissions::from_mode(0o600)).expect("it is ours");
    }
    fs::write(path, bytes).expect("there is room");
    if let Some(before) = before {
        let times = FileTimes::new().set_modified(before.modified().expect("it has one"));
        File::open(path).and_then(|file| file.set_times(times)).expect("it is ours");
        fs::set_permissions(path, before.permissions()).expect("it is ours");
    }
}
