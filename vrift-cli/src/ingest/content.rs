//! Where contents go.

use std::error::Error;
use std::fs::File;
use std::io;

use vrift_cas::{Digest, Put, Store, StoreError};

/// A content that is in the store now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub digest: Digest,
    /// Its length.
    pub size: u64,
    /// Whether the store did not have it before.
    pub new: bool,
}

/// Why a file's content did not come into the store.
#[derive(Debug)]
pub enum PutError<E> {
    /// The file could not be read.
    Source(io::Error),
    /// The store did not take it.
    Store(E),
}

/// A store, as far as reading a directory needs one.
pub trait Contents: Sync {
    /// Why a content could not be stored.
    type Error: Error + Send + Sync + 'static;

    /// Stores bytes.
    fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, Self::Error>;

    /// Stores what is in a file, from its beginning.
    fn put_file(&self, file: &File) -> Result<Stored, PutError<Self::Error>>;
}

impl Contents for Store {
    type Error = StoreError;

    fn put_bytes(&self, bytes: &[u8]) -> Result<Stored, StoreError> {
        Store::put_bytes(self, bytes).map(Stored::from)
    }

    fn put_file(&self, file: &File) -> Result<Stored, PutError<StoreError>> {
        match Store::put_file(self, file) {
            Ok(put) => Ok(put.into()),
            Err(StoreError::Source(error)) => Err(PutError::Source(error)),
            Err(error) => Err(PutError::Store(error)),
        }
    }
}

impl From<Put> for Stored {
    fn from(put: Put) -> Stored {
        Stored { digest: put.digest, size: put.size, new: put.new }
    }
}
