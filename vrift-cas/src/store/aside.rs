//! Putting damaged blobs aside: nothing is deleted, and nobody takes them for their content any more.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::path::PathBuf;

use super::{Store, trash};
use crate::Digest;
use crate::error::{At, StoreError};
use crate::layout::DAMAGED;

impl Store {
    /// The directory for what is damaged, `damaged/`; it is made if it is not there.
    pub fn aside(&self) -> Result<PathBuf, StoreError> {
        let writer = self.writer("put aside what is damaged")?;
        let directory = self.root.join(DAMAGED);
        let name = directory.as_os_str().as_encoded_bytes();
        writer.sessions.make_directory(CWD, name, &directory)?;
        Ok(directory)
    }

    /// Moves the file of a blob, in its place or in the trash, to `damaged/`; where it is now. None: there is none.
    pub fn set_aside(&self, digest: &Digest) -> Result<Option<PathBuf>, StoreError> {
        let directory = self.aside()?;
        for from in [self.blob_path(digest), trash::trash_path(self, digest)] {
            for number in 0..u32::MAX {
                let name =
                    if number == 0 { format!("{digest}") } else { format!("{digest}.{number}") };
                let to = directory.join(name);
                match renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE) {
                    Ok(()) => return Ok(Some(to)),
                    Err(Errno::EXIST) => {}
                    Err(Errno::NOENT) => break,
                    other => other.at("move", &from)?,
                }
            }
        }
        Ok(None)
    }
}
