//! What could not be read.

use std::fmt;

use rustix::io::Errno;

use crate::output::names;

/// Why an entry could not be taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A file, symlink or attribute that cannot be read.
    Unreadable(Errno),
    /// A directory that cannot be listed, so that what is in it is not known.
    Unlistable(Errno),
    /// A file that changed whenever it was read.
    Changing,
    /// Extended attributes that cannot be read; the entry itself was.
    Xattrs(Errno),
}

/// An entry that could not be taken as it is, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its path relative to the directory that is read; empty for that directory itself.
    pub path: Vec<u8>,
    /// Why.
    pub what: What,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = |errno: Errno| std::io::Error::from(errno);
        match *self {
            What::Unreadable(errno) => write!(f, "cannot be read: {}", reason(errno)),
            What::Unlistable(errno) => write!(f, "cannot be listed: {}", reason(errno)),
            What::Changing => write!(f, "changed each time it was read"),
            What::Xattrs(errno) => {
                write!(f, "extended attributes cannot be read: {}", reason(errno))
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = names::shown(if self.path.is_empty() { b"." } else { &self.path });
        write!(f, "{path}: {}", self.what)
    }
}
