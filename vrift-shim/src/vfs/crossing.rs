//! What a rename across the border of the tree would do, if both sides were one file system.

use rustix::io::Errno;

/// A rename of something over something, or over nothing.
pub struct Crossing {
    /// What is renamed is a directory.
    pub moves: bool,
    /// What has the new name is a directory; `None`: nothing has it.
    pub over: Option<bool>,
    /// Both change places.
    pub exchange: bool,
}

impl Crossing {
    /// Slashes behind the names ask for directories: ENOTDIR.
    pub fn need_slashes(&self, old: bool, new: bool) -> Result<(), Errno> {
        let exchanged = self.exchange && new && self.over == Some(false);
        let moved = !self.moves && (old || !self.exchange && new);
        if exchanged || moved { Err(Errno::NOTDIR) } else { Ok(()) }
    }

    /// What may replace what, and only then what cannot be done because there are two file systems: EXDEV.
    pub fn need_kinds(&self) -> Result<(), Errno> {
        match self.over {
            _ if self.exchange => Err(Errno::XDEV),
            Some(true) if !self.moves => Err(Errno::ISDIR),
            Some(false) if self.moves => Err(Errno::NOTDIR),
            _ if self.moves => Err(Errno::XDEV),
            _ => Ok(()),
        }
    }
}
