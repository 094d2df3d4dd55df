//! The census of a run: how many processes worked in the tree, which could not be seen, and what went wrong in them.
//!
//! `vrift run` makes a file, `RUNTIME/run-ID-RUN`, and removes it when it ends. Whoever works for the run appends to it:
//!
//! | bytes | who appends them, and when |
//! |---|---|
//! | `.` | a process image, when it attaches to the workspace: [`note_seen`] |
//! | `!PROGRAM\n` | who is about to execute a program that no preloaded library will be in: [`note_unseen`] |
//! | `#PROGRAM\n` | who was to execute such a program and did not, for it would have met with the tree: [`note_refused`] |
//! | `?TEXT\n` | a process of which something that was written could not be kept: [`note_failure`] |
//! | `*TEXT\n` | a process that was to read a content which is not what was stored: [`note_damage`] |
//!
//! A note is one `open` and one `write`, of which the kernel makes one piece of the file (`O_APPEND`), and a `close`:
//! no lock, no allocation, nothing kept. It is safe in a signal handler and between `vfork` and `exec`. Where there is
//! no file (the run has ended, or there never was one: `vrift env`) nothing is noted, and that is no error. `RUN` is
//! a number that the environment hands over; 0 is none.

use std::ffi::CStr;

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::places::{PATH_MAX, push};

/// How names of census files begin.
pub const PREFIX: &str = "run-";

/// What a census says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Process images that attached to the workspace.
    pub seen: u64,
    /// Programs that were executed and could not be seen, in order, each as often as it was.
    pub unseen: Vec<Vec<u8>>,
    /// Programs that were not executed because they could not be seen.
    pub refused: Vec<Vec<u8>>,
    /// What went wrong, in order.
    pub failures: Vec<Vec<u8>>,
    /// What was not given out because it is not what was stored, each as often as it was asked for.
    pub damaged: Vec<Vec<u8>>,
}

impl Census {
    /// Reads a census. A note that was cut short by a full disk counts as far as it goes.
    pub fn parse(bytes: &[u8]) -> Census {
        let mut census = Census::default();
        let mut rest = bytes;
        while let Some((&kind, behind)) = rest.split_first() {
            rest = behind;
            if kind == b'.' {
                census.seen += 1;
                continue;
            }
            let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
            let (text, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            match kind {
                b'!' => census.unseen.push(text.to_vec()),
                b'#' => census.refused.push(text.to_vec()),
                b'?' => census.failures.push(text.to_vec()),
                b'*' => census.damaged.push(text.to_vec()),
                _ => {}
            }
        }
        census
    }
}

/// The path of the census of `run` in the workspace `id`.
pub fn path<'b>(
    runtime: &[u8],
    id: &[u8],
    run: u64,
    buffer: &'b mut [u8; PATH_MAX],
) -> Result<&'b CStr, Errno> {
    let mut digits = [0; 16];
    for (place, digit) in digits.iter_mut().enumerate() {
        let nibble = (run >> (60 - 4 * place)) & 15;
        *digit = b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0');
    }
    let mut length = 0;
    for part in [runtime, b"/", PREFIX.as_bytes(), id, b"-", &digits, b"\0"] {
        push(buffer, &mut length, part)?;
    }
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::INVAL)
}

/// Makes the census of a run. Held open, it is known not to be a leftover: see [`is_left_over`].
pub fn create(runtime: &[u8], id: &[u8], run: u64) -> Result<rustix::fd::OwnedFd, Errno> {
    let mut buffer = [0; PATH_MAX];
    let path = path(runtime, id, run, &mut buffer)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    // The umask may have taken what the processes of the run need.
    rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)?;
    Ok(file)
}

/// Whether a census is one that a killed run has left behind.
pub fn is_left_over(path: &CStr) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::open(path, flags, Mode::empty()).is_ok_and(|file| {
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}

/// Removes the census of a run.
pub fn remove(runtime: &[u8], id: &[u8], run: u64) -> Result<(), Errno> {
    let mut buffer = [0; PATH_MAX];
    rustix::fs::unlinkat(CWD, path(runtime, id, run, &mut buffer)?, AtFlags::empty())
}

/// A process image attached to the workspace.
pub fn note_seen(runtime: &[u8], id: &[u8], run: u64) {
    note(runtime, id, run, b'.', None);
}

/// `program` is about to be executed, and no preloaded library will be in it: it is static, or gains rights.
pub fn note_unseen(runtime: &[u8], id: &[u8], run: u64, program: &[u8]) {
    note(runtime, id, run, b'!', Some(program));
}

/// `program` was not executed: no preloaded library would be in it, and it would have met with the tree.
pub fn note_refused(runtime: &[u8], id: &[u8], run: u64, program: &[u8]) {
    note(runtime, id, run, b'#', Some(program));
}

/// Something that was written could not be kept, and the program may not have asked. `vrift run` shows it and fails.
pub fn note_failure(runtime: &[u8], id: &[u8], run: u64, text: &[u8]) {
    note(runtime, id, run, b'?', Some(text));
}

/// A content is not what was stored, and was not given out. `vrift run` shows it and fails.
pub fn note_damage(runtime: &[u8], id: &[u8], run: u64, text: &[u8]) {
    note(runtime, id, run, b'*', Some(text));
}

fn note(runtime: &[u8], id: &[u8], run: u64, kind: u8, text: Option<&[u8]>) {
    if run == 0 {
        return;
    }
    let mut buffer = [0; PATH_MAX];
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = path(runtime, id, run, &mut buffer)
        .and_then(|path| rustix::fs::open(path, flags, Mode::empty()));
    let Ok(file) = file else { return };
    // The path is not needed any more, so its room takes the note.
    let mut length = 0;
    for byte in [kind].iter().chain(text.unwrap_or_default()) {
        let Some(room) = buffer.get_mut(length) else { break };
        *room = if *byte == b'\n' { b'?' } else { *byte };
        length += 1;
    }
    if text.is_some() {
        length = length.min(buffer.len() - 1);
        if let Some(room) = buffer.get_mut(length) {
            *room = b'\n';
        }
        length += 1;
    }
    // Nobody could be told of an error here.
    let _ = rustix::io::write(&file, buffer.get(..length).unwrap_or_default());
}
