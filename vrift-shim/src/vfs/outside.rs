//! A place outside the tree that a call on the tree's border names: its real directory, opened for the time of the call,
//! and the name in it.

use std::ffi::{CStr, c_int};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::path::PATH_MAX;

use super::descriptor;
use super::find;
use super::rename::Named;
use super::who;

/// A path that is the kernel's.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    directory: c_int,
    path: &'a [u8],
}

/// A name in an open directory.
pub struct Beside<'a> {
    /// The directory.
    pub parent: OwnedFd,
    /// The name.
    pub name: &'a [u8],
    /// Slashes stood behind it.
    pub slash: bool,
}

impl<'a> Outside<'a> {
    /// As the call gave it; `None`: it gave no path.
    pub fn named(named: Named<'a>) -> Option<Outside<'a>> {
        Some(Outside { directory: named.directory, path: named.path? })
    }

    /// Where a walk left the tree.
    pub fn at(path: &'a CStr) -> Option<Outside<'a>> {
        Some(Outside { directory: find::CWD, path: path.to_bytes() })
    }

    /// Walks to the directory. `busy`: what it is to name `.`, `..` or `/`.
    pub fn beside(&self, busy: Errno) -> Result<Beside<'a>, Errno> {
        match self.path.len() {
            0 => return Err(Errno::NOENT),
            PATH_MAX.. => return Err(Errno::NAMETOOLONG),
            _ => {}
        }
        let end = self.path.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
        let trimmed = self.path.get(..end).unwrap_or(b"");
        let start = trimmed.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
        let (head, name) = trimmed.split_at_checked(start).unwrap_or((b"", trimmed));
        let head = match head {
            b"" if name.is_empty() => b"/",
            b"" => b".",
            head => head,
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = rustix::fs::openat(self.start()?, head, flags, Mode::empty())?;
        // The directory is searched for the name, which O_PATH alone does not ask for.
        rustix::fs::accessat(&parent, c".", Access::EXEC_OK, AtFlags::EACCESS)?;
        if matches!(name, b"" | b"." | b"..") {
            return Err(busy);
        }
        Ok(Beside { parent, name, slash: trimmed.len() < self.path.len() })
    }

    /// Whether there is anything; `flags` are those of `fstatat`.
    pub fn exists(&self, flags: c_int) -> Result<(), Errno> {
        self.stat(flags).map(|_| ())
    }

    /// What is there; `flags` are those of `fstatat`.
    pub fn stat(&self, flags: c_int) -> Result<Stat, Errno> {
        let flags = AtFlags::from_bits_retain(flags.unsigned_abs());
        rustix::fs::statat(self.start()?, self.path, flags)
    }

    fn start(&self) -> Result<BorrowedFd<'static>, Errno> {
        // An absolute path does not ask for the directory, whatever stands there.
        let from_cwd = self.directory == find::CWD || self.path.first() == Some(&b'/');
        if from_cwd { Ok(CWD) } else { descriptor::borrow(self.directory) }
    }
}

impl Beside<'_> {
    /// What is there.
    pub fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::statat(self.parent.as_fd(), self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Whether the directory itself has lost its name.
    pub fn is_removed(&self) -> bool {
        rustix::fs::fstat(&self.parent).is_ok_and(|above| above.st_nlink == 0)
    }

    /// What is there, if anything is.
    pub fn there(&self) -> Result<Option<Stat>, Errno> {
        match self.stat() {
            Err(Errno::NOENT) => Ok(None),
            seen => seen.map(Some),
        }
    }

    /// Whether the process may put something there, in the place of `there` if something is.
    pub fn need_replacement(&self, there: Option<&Stat>) -> Result<(), Errno> {
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(&self.parent, c".", wanted, AtFlags::EACCESS)?;
        let Some(victim) = there else { return Ok(()) };
        let above = rustix::fs::fstat(&self.parent)?;
        let who = who::credentials();
        let kept = above.st_mode & 0o1000 != 0 && !who.is_privileged();
        if kept && above.st_uid != who.uid && victim.st_uid != who.uid {
            return Err(Errno::PERM);
        }
        Ok(())
    }

    /// Removes what `stat` was said of and was taken away, and nothing else that has got its name since. What others came
    /// to write meanwhile, of which `is_still` tells, stays: EXDEV. To see whether it is that, it is moved aside.
    pub fn remove(&self, stat: &Stat, is_still: impl Fn() -> bool) -> Result<(), Errno> {
        let aside = |name: &[u8]| {
            let flags = RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(&self.parent, self.name, &self.parent, name, flags)
        };
        let aside = match Temporary::make(aside) {
            Ok((aside, ())) => aside,
            // Somebody else was faster.
            Err(Errno::NOENT) => return Ok(()),
            // A file system that cannot do that.
            Err(Errno::INVAL) => {
                return rustix::fs::unlinkat(&self.parent, self.name, AtFlags::empty());
            }
            Err(errno) => return Err(errno),
        };
        let (parent, name) = (&self.parent, aside.name());
        let found = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let same = (found.st_dev, found.st_ino) == (stat.st_dev, stat.st_ino);
        // Whoever found the file by its name a moment ago, to write it, comes first, so that it is noticed.
        rustix::thread::sched_yield();
        if same && is_still() {
            return rustix::fs::unlinkat(parent, name, AtFlags::empty());
        }
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(parent, name, parent, self.name, flags) {
            Ok(()) if same => Err(Errno::XDEV),
            Ok(()) => Ok(()),
            // What has the name by now would have replaced this one.
            Err(Errno::EXIST) => rustix::fs::unlinkat(parent, name, AtFlags::empty()),
            Err(errno) => Err(errno),
        }
    }
}

/// Whether it is a directory.
pub fn is_directory(stat: &Stat) -> bool {
    Kind::of_mode(stat.st_mode) == Some(Kind::Directory)
}

static SEQUENCE: AtomicU32 = AtomicU32::new(0);

/// A name for what is not finished yet.
pub struct Temporary {
    bytes: [u8; LENGTH],
}

const PREFIX: &[u8] = b".vrift-";
const LENGTH: usize = PREFIX.len() + 16;

/// Names that are tried before one is given up for.
const TRIES: usize = 64;

impl Temporary {
    fn next() -> Temporary {
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        let clock = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let moment = (clock.tv_nsec as u64) << 32 ^ u64::from(crate::sys::vfork::process()) << 40;
        let mut number = moment ^ u64::from(sequence);
        let mut bytes = [0; LENGTH];
        let (prefix, digits) = bytes.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX);
        for digit in digits {
            *digit = b'a' + (number & 15) as u8;
            number >>= 4;
        }
        Temporary { bytes }
    }

    /// Makes something under a name that nothing has.
    pub fn make<T>(
        mut make: impl FnMut(&[u8]) -> Result<T, Errno>,
    ) -> Result<(Temporary, T), Errno> {
        for _ in 0..TRIES {
            let temporary = Temporary::next();
            match make(temporary.name()) {
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
                Ok(made) => return Ok((temporary, made)),
            }
        }
        Err(Errno::EXIST)
    }

    /// The name.
    pub fn name(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes that are copied at once where the kernel does not do it alone.
const PIECE: usize = 64 << 10;

/// Copies all of `from` to `to`, which is empty, both at their beginning.
pub fn copy(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    const MOST: usize = 1 << 30;
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    // Not of small files: of those that the kernel makes up, the length is not true.
    let large = |stat: &Stat| stat.st_size > 1 << 20 && vrift_cas::may_have_holes(stat);
    if let Some(stat) = rustix::fs::fstat(from).ok().filter(large) {
        return vrift_manifest::session::copy_content(
            from,
            to,
            u64::try_from(stat.st_size).unwrap_or(0),
        );
    }
    loop {
        match rustix::fs::copy_file_range(from, None, to, None, MOST) {
            Ok(0) => return copy_piecewise(from, to),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF) => {
                return copy_piecewise(from, to);
            }
            Err(errno) => return Err(errno),
        }
    }
}

/// Copies what is left: also where the kernel said that nothing was, which it says of files that it makes up.
fn copy_piecewise(from: &OwnedFd, to: &OwnedFd) -> Result<(), Errno> {
    let mut buffer = Vec::new();
    loop {
        if buffer.is_empty() {
            buffer.resize(PIECE, 0u8);
        }
        let length = match rustix::io::read(from, &mut buffer[..]) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        };
        let mut left = buffer.get(..length).unwrap_or(b"");
        while !left.is_empty() {
            match rustix::io::write(to, left) {
                Ok(written) => left = left.get(written..).unwrap_or(b""),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}
