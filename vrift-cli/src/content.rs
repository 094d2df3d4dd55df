//! A file's content as the store has it, checked while it is read.

use std::io::{self, Read, Write};

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
    /// error. Nothing is written of content that is missing or of another length.
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
        let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 256 << 10]);
        loop {
            let read = match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(|why| wrong(format!("cannot be read: {why}")))?,
            };
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hasher.update(bytes);
            out.write_all(bytes)?;
        }
        match hasher.finish() {
            found if found == digest => Ok(()),
            found => Err(wrong(format!("is damaged: what is there has the digest {found}"))),
        }
    }

    /// All of it, in memory.
    pub fn read(&self, named: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.copy(named, &mut bytes)?;
        Ok(bytes)
    }
}
