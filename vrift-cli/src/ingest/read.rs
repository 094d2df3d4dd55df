//! Reading one file into a store, such that what is stored is what the file was at one moment.
//!
//! The file is looked at before and after. If it differs, it changed meanwhile and is read again, three times at
//! most; a file that is written all the time is reported rather than stored in a state that it never had.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use vrift_manifest::time::Timestamp;

use super::content::{Contents, PutError, Stored};
use super::problem::What;
use super::stat_cache::is_racy;
use super::tree::Xattr;
use super::xattrs;

/// Up to this size a file is read into memory and looked up before anything is written.
const SMALL: u64 = 1 << 20;

/// How often a file that changes is read again.
const RETRIES: u32 = 3;

/// What identifies a state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    dev: u64,
    ino: u64,
    size: u64,
    mtime: Timestamp,
    ctime: Timestamp,
}

impl Stamp {
    /// The stamp in what `stat` said.
    pub fn of(stat: &Stat) -> Stamp {
        let attributes = super::list::attributes(stat);
        let (mtime, ctime) = (attributes.mtime, attributes.ctime);
        Stamp { dev: stat.st_dev, ino: stat.st_ino, size: attributes.size, mtime, ctime }
    }
}

/// How reading a file ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is stored.
    Stored {
        /// What `stat` said before and after.
        stat: Box<Stat>,
        /// The content.
        stored: Stored,
        /// Its extended attributes, or why they cannot be read.
        xattrs: Result<Vec<Xattr>, Errno>,
        /// Whether its times may not show the next change.
        racy: bool,
    },
    /// It is no longer there.
    Gone,
    /// It could not be read.
    Failed(What),
}

/// Reads files; it holds the buffers.
pub struct Reader<'c, C> {
    contents: &'c C,
    buffer: Vec<u8>,
    list: Vec<u8>,
}

impl<'c, C: Contents> Reader<'c, C> {
    /// A reader into `contents`.
    pub fn new(contents: &'c C) -> Reader<'c, C> {
        Reader { contents, buffer: Vec::new(), list: Vec::new() }
    }

    /// Reads the file `name` of a directory. `seen` is its state when the directory was listed, and `noatime` whether
    /// reading may leave its access time alone. An error is one of the store.
    pub fn read(
        &mut self,
        directory: impl AsFd,
        name: &CStr,
        seen: Stamp,
        noatime: bool,
    ) -> Result<Outcome, C::Error> {
        let mut before = Some(seen);
        for attempt in 0..=RETRIES {
            if attempt > 0 {
                // Whoever writes it gets a moment to finish.
                std::thread::sleep(Duration::from_millis(5 << attempt));
            }
            let moment = super::list::now();
            let file = match open(&directory, name, noatime) {
                Ok(file) => file,
                Err(Errno::NOENT) => return Ok(Outcome::Gone),
                // It became a symlink: another entry than the one that was seen.
                Err(Errno::LOOP) => return Ok(Outcome::Failed(What::Changing)),
                Err(errno) => return Ok(Outcome::Failed(What::Unreadable(errno))),
            };
            let file = File::from(file);
            let expected = match before.take() {
                // The first time the listing's `stat` is the look before.
                Some(seen) if seen.size <= SMALL => seen,
                _ => match fstat(&file) {
                    Ok(stat) if is_file(&stat) => Stamp::of(&stat),
                    Ok(_) => return Ok(Outcome::Failed(What::Changing)),
                    Err(errno) => return Ok(Outcome::Failed(What::Unreadable(errno))),
                },
            };
            let stored = match self.store(&file, expected.size) {
                Ok(stored) => stored,
                Err(PutError::Source(error)) => {
                    return Ok(Outcome::Failed(What::Unreadable(errno(&error))));
                }
                Err(PutError::Store(error)) => return Err(error),
            };
            let xattrs = xattrs::of_file(&file, &mut self.list);
            let stat = match fstat(&file) {
                Ok(stat) => stat,
                Err(errno) => return Ok(Outcome::Failed(What::Unreadable(errno))),
            };
            if is_file(&stat) && Stamp::of(&stat) == expected {
                // Files of /proc and the like say another size than they have; they cannot be recognised again.
                let racy =
                    is_racy(expected.mtime, expected.ctime, moment) || stored.size != expected.size;
                return Ok(Outcome::Stored { stat: Box::new(stat), stored, xattrs, racy });
            }
        }
        Ok(Outcome::Failed(What::Changing))
    }

    fn store(&mut self, file: &File, size: u64) -> Result<Stored, PutError<C::Error>> {
        if size > SMALL {
            return self.contents.put_file(file);
        }
        // One byte more than expected, so that one call shows both the content and its end.
        let (mut file, mut length) = (file, 0);
        self.buffer.resize(size as usize + 1, 0);
        loop {
            match file.read(&mut self.buffer[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(PutError::Source(error)),
            }
            if length == self.buffer.len() {
                // It grew, or its file system tells no size.
                self.buffer.resize(length + (1 << 16), 0);
            } else if length as u64 >= size {
                break;
            }
        }
        self.contents.put_bytes(&self.buffer[..length]).map_err(PutError::Store)
    }
}

/// Opens a file to read it, if it is none that opening would wait for or do something to.
fn open(directory: impl AsFd, name: &CStr, noatime: bool) -> Result<OwnedFd, Errno> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if noatime {
        match openat(&directory, name, flags | OFlags::NOATIME, Mode::empty()) {
            // Only the owner and a real root may ask for that.
            Err(Errno::PERM) => {}
            result => return result,
        }
    }
    openat(&directory, name, flags, Mode::empty())
}

fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
