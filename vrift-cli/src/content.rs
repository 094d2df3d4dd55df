//! A file's content as the store has it, checked while it is read.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use vrift_cas::{Digest, Hasher, Store, StoreError};

use crate::error::{Error, Result};

/// Content that a tree names.
pub struct Content<'a> {
    /// The store.
    pub store: &'a Store,
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

impl Content<'_> {
    /// Writes it. `named` is what the user knows it as; content that is missing or is not what was stored is an
    /// error, and nothing of it is written.
    pub fn copy(&self, named: &str, out: &mut dyn Write) -> Result<()> {
        let digest = self.digest;
        let wrong = |what: String| {
            Error::failed(format!("{named}: the content {digest} {what}"))
                .hint("`vrift fsck` says what else is damaged")
        };
        let mut file = match self.store.open_blob(&digest) {
            Err(StoreError::NoBlob { .. }) => {
                return Err(wrong("is missing in the store".into()));
            }
            other => other?,
        };
        let length = file.metadata().map_err(|why| wrong(format!("cannot be read: {why}")))?.len();
        if length != self.size {
            return Err(wrong(format!("has {length} bytes instead of {}", self.size)));
        }
        let mut hasher = Hasher::new();
        let unread = |why: io::Error| wrong(format!("cannot be read: {why}"));
        pieces(&mut file, |bytes| {
            hasher.update(bytes);
            Ok(())
        })
        .map_err(unread)?;
        let found = hasher.finish();
        if found != digest {
            return Err(wrong(format!("is damaged: what is there has the digest {found}")));
        }
        // Read a second time rather than written while it is hashed: a wrong byte that was written is out.
        file.rewind().map_err(unread)?;
        Ok(pieces(&mut file, |bytes| out.write_all(bytes))?)
    }

    /// All of it, in memory.
    pub fn read(&self, named: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.copy(named, &mut bytes)?;
        Ok(bytes)
    }
}

/// Hands the rest of a file to `each`, piece by piece.
fn pieces(file: &mut File, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => each(buffer.get(..read).unwrap_or(&[]))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
