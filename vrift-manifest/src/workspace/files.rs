//! Making the small files of a workspace, so that a full disk, a limit or a power cut is an error before it matters.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use vrift_cas::{Store, within_limit};

/// Makes a file, or empties the one that is there: this user's alone, whatever the umask leaves to whom.
pub fn create(store: &Store, path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    give(store, path)?;
    Ok(file)
}

/// Makes a directory, likewise.
pub fn create_directory(store: &Store, path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask may have taken what the user needs.
    std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
    give(store, path)
}

/// Writes `bytes` into a file at `path`, over whatever was there, and brings them to the disk. The name is not: that
/// is the directory's.
pub fn write(store: &Store, path: &Path, bytes: &[u8]) -> io::Result<()> {
    or_remove(path, put(store, path, bytes).and_then(|file| file.sync_all()))
}

/// The same, without bringing it to the disk: that is for who syncs the store.
pub fn write_unsynced(store: &Store, path: &Path, bytes: &[u8]) -> io::Result<()> {
    or_remove(path, put(store, path, bytes).map(drop))
}

fn put(store: &Store, path: &Path, bytes: &[u8]) -> io::Result<File> {
    within_limit(bytes.len() as u64)?;
    let mut file = create(store, path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// On a full disk the part of a file is in the way.
pub fn or_remove(path: &Path, made: io::Result<()>) -> io::Result<()> {
    made.inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })
}

/// A file that is written from its beginning to its end.
#[derive(Debug)]
pub struct Limited {
    file: File,
    length: u64,
}

impl Limited {
    /// Writes into an empty file.
    pub fn new(file: File) -> Limited {
        Limited { file, length: 0 }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        within_limit(self.length.saturating_add(bytes.len() as u64))?;
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Gives what root made in another user's store to that user, who could not change the workspace otherwise.
pub fn give(store: &Store, path: &Path) -> io::Result<()> {
    match foreign_owner(store) {
        Some((user, group)) => chown(path, Some(user), Some(group)),
        None => Ok(()),
    }
}

/// User and group of the store, if we are root and it is somebody else's.
pub fn foreign_owner(store: &Store) -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let metadata = std::fs::metadata(store.root()).ok()?;
    (metadata.uid() != 0).then_some((metadata.uid(), metadata.gid()))
}

/// Makes the names in a directory durable.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
