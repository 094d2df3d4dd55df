//! Walks through everything that lies in `blobs/`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;

use rustix::fd::AsFd;
use rustix::fs::{FileType, Mode, RawDir, openat};
use rustix::io::Errno;

use super::Store;
use super::staging::directory_flags;
use crate::Digest;
use crate::error::{At, StoreError};
use crate::facts::Facts;
use crate::layout::digest_of;
use crate::stamp::Stamp;

/// What is known of a blob without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobInfo {
    /// Its name, which promises its content; [`Store::verify`] checks that.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// When the file was last changed in any way: written, linked, moved, stamped.
    pub ctime: SystemTime,
    /// When its content was complete; none if it bears no stamp, so that its content is not trusted.
    pub stamp: Option<Stamp>,
}

/// One thing that lies in `blobs/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file with the name of a blob.
    Blob(BlobInfo),
    /// Something that no store puts there: a wrong name, a directory in place of a file.
    Stray(PathBuf),
}

/// The iterator that [`Store::blobs`] returns.
#[derive(Debug)]
pub struct Blobs<'a> {
    store: &'a Store,
    names: Names<'a>,
}

impl Store {
    /// Everything in `blobs/`, directory by directory, in the order of the digests. What comes or goes during
    /// the walk may be in it or not; what stays is.
    pub fn blobs(&self) -> Result<Blobs<'_>, StoreError> {
        Ok(Blobs { store: self, names: Names::new(self)? })
    }
}

impl Iterator for Blobs<'_> {
    type Item = Result<Found, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = match self.names.next()? {
                Ok(name) => name,
                Err(error) => return Some(Err(error)),
            };
            let path = || self.store.blobs_dir().join(OsStr::from_bytes(&name.place));
            let Some(digest) = name.digest else { return Some(Ok(Found::Stray(path()))) };
            return Some(match Facts::at(&self.store.blobs, name.place.as_slice()) {
                // Collected since the directory was read.
                Err(Errno::NOENT) => continue,
                Err(errno) => Err(StoreError::new("examine", path(), errno)),
                Ok(facts) if !facts.is_file() => Ok(Found::Stray(path())),
                Ok(facts) => Ok(Found::Blob(BlobInfo {
                    digest,
                    size: facts.size,
                    ctime: facts.ctime.into(),
                    stamp: facts.stamp,
                })),
            });
        }
    }
}

/// A name in `blobs/`.
pub(super) struct Name {
    /// The path below `blobs/`.
    pub(super) place: Vec<u8>,
    /// What it names; none if it is no blob's name.
    pub(super) digest: Option<Digest>,
}

/// The names only: no file is looked at.
#[derive(Debug)]
pub(super) struct Names<'a> {
    store: &'a Store,
    /// What is still to be listed, last first.
    directories: Vec<Vec<u8>>,
    directory: Vec<u8>,
    names: std::vec::IntoIter<Vec<u8>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(store: &'a Store) -> Result<Names<'a>, StoreError> {
        let mut directories = list(&store.blobs).at("list", store.blobs_dir())?;
        directories.reverse();
        Ok(Names { store, directories, directory: Vec::new(), names: Vec::new().into_iter() })
    }
}

impl Iterator for Names<'_> {
    type Item = Result<Name, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(name) = self.names.next() {
                let place = [self.directory.as_slice(), b"/", &name].concat();
                return Some(Ok(Name { digest: digest_of(&self.directory, &name), place }));
            }
            self.directory = self.directories.pop()?;
            let blobs = &self.store.blobs;
            let is_ours = self.directory.len() == 2
                && self.directory.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                && Facts::at(blobs, self.directory.as_slice())
                    .is_ok_and(|facts| facts.kind == FileType::Directory);
            if !is_ours {
                return Some(Ok(Name { place: self.directory.clone(), digest: None }));
            }
            let listed = openat(blobs, self.directory.as_slice(), directory_flags(), Mode::empty())
                .and_then(|directory| list(&directory));
            match listed {
                Ok(names) => self.names = names.into_iter(),
                Err(Errno::NOENT) => {}
                Err(errno) => {
                    let path = self.store.blobs_dir().join(OsStr::from_bytes(&self.directory));
                    return Some(Err(StoreError::new("list", path, errno)));
                }
            }
        }
    }
}

/// The names in a directory, sorted. It is opened anew: the position of a descriptor is everybody's.
pub(super) fn list(directory: impl AsFd) -> Result<Vec<Vec<u8>>, Errno> {
    const ROOM: usize = 32 << 10;
    let directory = openat(directory, c".", directory_flags(), Mode::empty())?;
    let mut names = Vec::new();
    let mut buffer = Vec::with_capacity(ROOM);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}
