//! Finding and damaging files of a store.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

/// The files below a directory of the store, sorted.
pub fn files(sandbox: &Sandbox, directory: &str) -> Vec<PathBuf> {
    let start = sandbox.path("store").join(directory);
    sandbox.store_names().into_iter().filter(|path| path.starts_with(&start)).collect()
}

/// The blob with this content.
#[track_caller]
pub fn blob_of(sandbox: &Sandbox, content: &[u8]) -> PathBuf {
    let is = |path: &PathBuf| fs::read(path).is_ok_and(|found| found == content);
    files(sandbox, "blobs").into_iter().find(is).expect("the store has the content")
}

/// Replaces the bytes of a file by what `change` makes of them. Its inode and times stay those of the store.
pub fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("the file can be read");
    change(&mut bytes);
    let mode = fs::metadata(path).expect("the file is there").permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(path, bytes).expect("it can be written");
    fs::set_permissions(path, mode).expect("it is ours");
}
