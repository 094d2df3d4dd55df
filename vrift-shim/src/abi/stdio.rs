//! Streams that are opened by a path, and those that are closed.

use std::ffi::{CStr, c_int};
use std::io::Write;

use libc::mode_t;

use super::args::{CPath, Failure, answer, fail};
use crate::sys::fd::close_own;
use crate::sys::stdio::{Stream, descriptor_of, flush, of_descriptor};
use crate::vfs::find::{CWD, Work};
use crate::vfs::{close, descriptor, open};

impl Failure for Stream {
    const FAILED: Stream = Stream::NULL;
}

/// What files are made with.
const MODE: mode_t = 0o666;

/// The flags that a stream's mode stands for; `None`: it is no mode, and libc says so.
fn flags_of(mode: &[u8]) -> Option<c_int> {
    let (first, rest) = mode.split_first()?;
    let mut flags = match first {
        b'r' => libc::O_RDONLY,
        b'w' => libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC,
        b'a' => libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND,
        _ => return None,
    };
    // As libc does, six letters are looked at, and nothing behind a comma.
    for letter in rest.iter().take(6) {
        match letter {
            b'+' => flags = flags & !libc::O_ACCMODE | libc::O_RDWR,
            b'x' => flags |= libc::O_EXCL,
            b'e' => flags |= libc::O_CLOEXEC,
            b',' => break,
            _ => {}
        }
    }
    Some(flags)
}

fn opened(real: extern "C" fn(CPath, CPath) -> Stream, path: CPath, mode: CPath) -> Stream {
    let (Some(text), Some(flags)) = (mode.bytes(), mode.bytes().and_then(flags_of)) else {
        return real(path, mode);
    };
    let mut work = Work::default();
    let outside = |path| {
        let stream = real(path, mode);
        if !stream.is_null() {
            descriptor::opened_outside(descriptor_of(stream));
        }
        stream
    };
    let opened = open::open(CWD, path.bytes(), flags, MODE, &mut work);
    answer(path, opened, outside, |fd| {
        if flags & (libc::O_APPEND | libc::O_ACCMODE) == libc::O_APPEND | libc::O_WRONLY {
            // What only appends says from the beginning that it is at the end.
            descriptor::to_end(fd);
        }
        // An encoding is only taken from a mode that a path is opened with.
        let stream = if text.contains(&b',') {
            let stream = real(again(fd).path(), mode);
            close_own(fd);
            stream
        } else {
            of_descriptor(fd, mode)
        };
        if stream.is_null() {
            close_own(fd);
        }
        Ok(stream)
    })
}

// A table of mounts is a file like any other, and what reads it is told by the stream.
spellings!(opened: fn(path: CPath, mode: CPath) -> Stream: fopen, fopen64, setmntent, __setmntent);

/// `/proc/self/fd/N`: an open file by a path that the kernel knows.
struct Again([u8; 32]);

fn again(fd: c_int) -> Again {
    let mut text = [0; 32];
    let _ = write!(&mut text[..], "/proc/self/fd/{fd}\0");
    Again(text)
}

impl Again {
    fn path(&self) -> CPath {
        CStr::from_bytes_until_nul(&self.0).map_or(CPath::NULL, CPath::of)
    }
}

fn reopened(
    real: extern "C" fn(CPath, CPath, Stream) -> Stream,
    path: CPath,
    mode: CPath,
    stream: Stream,
) -> Stream {
    let before = descriptor_of(stream);
    if path.bytes().is_none() {
        return real(path, mode, stream);
    }
    let flags = mode.bytes().and_then(flags_of);
    let mut work = Work::default();
    let found = match flags {
        Some(flags) => open::open(CWD, path.bytes(), flags, MODE, &mut work),
        None => return real(path, mode, stream),
    };
    flush(stream);
    let ends = close::before(before);
    if let Err(errno) = found {
        // A stream that cannot be opened again is closed all the same, which libc does for a path that is not there.
        real(again(-1).path(), mode, stream);
        close::after(ends);
        return fail(errno);
    }
    // The stream is opened on the file that was opened for it, because libc knows no other way to give it one.
    let new = answer(
        path,
        found,
        |path| real(path, mode, stream),
        |fd| {
            let without_exclusive = inexclusive(mode);
            let new = real(again(fd).path(), without_exclusive.path().unwrap_or(mode), stream);
            if !new.is_null() {
                descriptor::duplicated(fd, descriptor_of(new));
            }
            close_own(fd);
            Ok(new)
        },
    );
    close::after(ends);
    new
}

/// A stream's mode without the `x`: the file is there by now.
fn inexclusive(mode: CPath) -> Mode {
    let mut text = [0; 32];
    let letters = mode.bytes().unwrap_or(b"").iter().filter(|&&letter| letter != b'x');
    for (place, letter) in text.iter_mut().take(31).zip(letters) {
        *place = *letter;
    }
    Mode(text)
}

struct Mode([u8; 32]);

impl Mode {
    fn path(&self) -> Option<CPath> {
        CStr::from_bytes_until_nul(&self.0).ok().map(CPath::of)
    }
}

spellings!(reopened: fn(path: CPath, mode: CPath, stream: Stream) -> Stream: freopen, freopen64);

/// What the stream still holds is written first, so that it is part of what is sealed.
fn closed(real: extern "C" fn(Stream) -> c_int, stream: Stream) -> c_int {
    if stream.is_null() {
        return real(stream);
    }
    let descriptor = descriptor_of(stream);
    if descriptor < 0 {
        return real(stream);
    }
    let ends = close::before(descriptor);
    let closed = real(stream);
    close::after(ends);
    closed
}

spellings!(closed: fn(stream: Stream) -> c_int: fclose, endmntent, __endmntent);
