//! A store in a directory of its own, and what the world may do to it.

use std::fs::{File, FileTimes, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vrift_cas::{Digest, Found, Store, Verdict};

/// A directory that holds a store.
pub struct Home {
    directory: TempDir,
}

impl Home {
    pub fn new() -> Home {
        let directory = tempfile::tempdir().unwrap();
        // Other users come here, too.
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        Home { directory }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn root(&self) -> PathBuf {
        self.path().join("store")
    }

    pub fn open(&self) -> Store {
        Store::create_or_open(self.root()).unwrap()
    }

    /// Writes a file beside the store.
    pub fn file(&self, name: &str, content: &[u8]) -> File {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        File::open(path).unwrap()
    }

    pub fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.root().join("blobs").join(&hex[..2]).join(&hex[2..])
    }

    pub fn trashed(&self, digest: &Digest) -> PathBuf {
        self.root().join("trash").join(digest.to_string())
    }

    /// The machine is booted anew, and the store opened in that boot.
    pub fn reboot(&self) -> Store {
        let path = self.root().join("boot");
        let text = std::fs::read_to_string(&path).unwrap();
        let (_, number) = text.split_once(' ').unwrap();
        std::fs::write(&path, format!("11111111-2222-3333-4444-555555555555 {number}")).unwrap();
        self.open()
    }

    /// Everything in the store that a change would show in.
    pub fn snapshot(&self) -> Vec<String> {
        let mut lines = Vec::new();
        describe(&self.root(), &mut lines);
        lines.sort();
        lines
    }
}

fn describe(path: &Path, lines: &mut Vec<String>) {
    let m = std::fs::symlink_metadata(path).unwrap();
    let times = (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
    lines.push(format!("{} {} {:o} {} {times:?}", path.display(), m.ino(), m.mode(), m.size()));
    if m.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            describe(&entry.unwrap().path(), lines);
        }
    }
}

/// Does to a blob what a power cut may do: other bytes, and the same mode and stamp.
pub fn tear(path: &Path, content: &[u8]) {
    let before = std::fs::metadata(path).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    let file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    std::io::Write::write_all(&mut &file, content).unwrap();
    file.set_times(FileTimes::new().set_modified(before.modified().unwrap())).unwrap();
    std::fs::set_permissions(path, before.permissions()).unwrap();
}

/// Waits until a blob put before and a sync begun after cannot bear the same time.
pub fn let_the_clocks_tick() {
    std::thread::sleep(std::time::Duration::from_millis(45));
}

/// How many bytes this thread reads while it does `work`.
pub fn bytes_read<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let count = || {
        let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    let before = count();
    let result = work();
    (result, count() - before)
}

/// The content of a blob.
pub fn content(store: &Store, digest: &Digest) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.open_blob(digest).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// Checks that everything named in `blobs/` is what its name says; returns how many there are.
#[track_caller]
pub fn all_are_whole(store: &Store) -> usize {
    let mut count = 0;
    for found in store.blobs().unwrap() {
        let Found::Blob(blob) = found.unwrap() else { panic!("a stray") };
        let verdict = store.verify(&blob.digest).unwrap();
        assert_eq!(verdict, Verdict::Sound { size: blob.size }, "{}", blob.digest);
        count += 1;
    }
    count
}

/// Content that differs with `seed`.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length.div_ceil(8)).flat_map(|_| step().to_le_bytes()).take(length).collect()
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
