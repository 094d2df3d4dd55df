//! Directory streams: opendir, readdir, closedir and what else takes a `DIR *`.
//!
//! A stream of ours is told from the C library's by its address.

use std::ffi::{c_int, c_long};

use libc::dirent64;
use rustix::io::Errno;

use super::args::{CPath, Failure, Out, answer, fail, give};
use crate::sys::pool::Handle;
use crate::sys::streams::{Directory, STREAMS};
use crate::sys::{errno, fd};
use crate::vfs::descriptor;
use crate::vfs::find::{CWD, Work};
use crate::vfs::listing::{self, Stream};

impl Failure for Directory {
    const FAILED: Directory = Handle(std::ptr::null_mut());
}

hook! {
    /// opendir(3)
    real => fn opendir(path: CPath) -> Directory {
        let mut work = Work::default();
        answer(path, listing::open(CWD, path.bytes(), &mut work), |path| real(path), kept)
    }
}

/// Hands a stream out.
fn kept(stream: Stream) -> Result<Directory, Errno> {
    STREAMS.put(stream).map_err(|stream| {
        let _ = fd::close_owned(stream.descriptor());
        Errno::NOMEM
    })
}

hook! {
    /// fdopendir(3): the descriptor is the stream's from here on, if there is one.
    real => fn fdopendir(descriptor: c_int) -> Directory {
        match listing::of_descriptor(descriptor) {
            Ok(None) => real(descriptor),
            Ok(Some(stream)) => give(STREAMS.put(stream).map_err(|_| Errno::NOMEM)),
            Err(errno) => fail(errno),
        }
    }
}

hook! {
    /// closedir(3)
    real => fn closedir(directory: Directory) -> c_int {
        if !STREAMS.has(directory) {
            return real(directory);
        }
        match STREAMS.take(directory) {
            Some(stream) => {
                let descriptor = stream.descriptor();
                drop(stream);
                descriptor::forget(descriptor);
                give(fd::close_owned(descriptor).map(|()| 0))
            }
            None => fail(Errno::INVAL),
        }
    }
}

type Entry = *mut dirent64;

fn read(real: extern "C" fn(Directory) -> Entry, directory: Directory) -> Entry {
    if !STREAMS.has(directory) {
        return real(directory);
    }
    let entry = STREAMS.with(directory, |stream| {
        stream.read().map(|record| record.map(|record| record.as_ptr().cast_mut().cast()))
    });
    match entry.unwrap_or(Err(Errno::BADF)) {
        Ok(entry) => entry.unwrap_or(std::ptr::null_mut()),
        Err(errno) => fail(errno),
    }
}

// `struct dirent` and `struct dirent64` are the same where `long` has 64 bits.
spellings!(read: fn(directory: Directory) -> Entry: readdir, readdir64);

fn read_into(
    real: extern "C" fn(Directory, Out<u8>, Out<Entry>) -> c_int,
    directory: Directory,
    room: Out<u8>,
    result: Out<Entry>,
) -> c_int {
    if !STREAMS.has(directory) {
        return real(directory, room, result);
    }
    let entry = STREAMS.with(directory, |stream| {
        Ok(match stream.read()? {
            Some(record) => {
                super::args::Room::new(room.as_ptr().cast(), record.len()).fill(record)?;
                room.as_ptr().cast()
            }
            None => std::ptr::null_mut(),
        })
    });
    // It returns what went wrong, and leaves errno alone.
    match entry.unwrap_or(Err(Errno::BADF)).and_then(|entry| result.put(entry)) {
        Ok(()) => 0,
        Err(errno) => {
            let _ = result.put(std::ptr::null_mut());
            errno.raw_os_error()
        }
    }
}

spellings!(read_into: fn(directory: Directory, room: Out<u8>, result: Out<Entry>) -> c_int:
    readdir_r, readdir64_r);

hook! {
    /// rewinddir(3)
    real => fn rewinddir(directory: Directory) -> () {
        if STREAMS.with(directory, Stream::rewind).is_none() {
            real(directory);
        }
    }
}

hook! {
    /// seekdir(3)
    real => fn seekdir(directory: Directory, place: c_long) -> () {
        if STREAMS.with(directory, |stream| stream.seek(place)).is_none() {
            real(directory, place);
        }
    }
}

hook! {
    /// telldir(3)
    real => fn telldir(directory: Directory) -> c_long {
        STREAMS.with(directory, |stream| stream.tell()).unwrap_or_else(|| real(directory))
    }
}

hook! {
    /// dirfd(3)
    real => fn dirfd(directory: Directory) -> c_int {
        STREAMS.with(directory, |stream| stream.descriptor()).unwrap_or_else(|| real(directory))
    }
}

/// Which entries scandir takes; null: all.
type Select = Option<extern "C" fn(*const dirent64) -> c_int>;
/// In which order it gives them; null: as they come.
type Compare = Option<crate::sys::lend::Compare>;
type Names = Out<*mut Entry>;

/// scandir(3) of a directory of ours.
fn scan(
    mut stream: Stream,
    names: Names,
    select: Select,
    compare: Compare,
) -> Result<c_int, Errno> {
    let scanned = errno::kept(|| scan_all(&mut stream, select, compare));
    let _ = fd::close_owned(stream.descriptor());
    let list = scanned?;
    let count = c_int::try_from(list.len()).map_err(|_| Errno::NOMEM)?;
    names.put(list.give().cast())?;
    Ok(count)
}

fn scan_all(
    stream: &mut Stream,
    select: Select,
    compare: Compare,
) -> Result<crate::sys::lend::List, Errno> {
    let mut list = crate::sys::lend::List::new();
    while let Some(record) = stream.read()? {
        if select.is_none_or(|select| select(record.as_ptr().cast()) != 0) {
            list.push(record).ok_or(Errno::NOMEM)?;
        }
    }
    if let Some(compare) = compare {
        list.sort(compare);
    }
    Ok(list)
}

fn scandir_all(
    real: extern "C" fn(CPath, Names, Select, Compare) -> c_int,
    path: CPath,
    names: Names,
    select: Select,
    compare: Compare,
) -> c_int {
    let mut work = Work::default();
    let kernel = |path| real(path, names, select, compare);
    answer(path, listing::open(CWD, path.bytes(), &mut work), kernel, |stream| {
        scan(stream, names, select, compare)
    })
}

spellings!(scandir_all: fn(path: CPath, names: Names, select: Select, compare: Compare) -> c_int: scandir, scandir64);

fn scandir_below(
    real: extern "C" fn(c_int, CPath, Names, Select, Compare) -> c_int,
    directory: c_int,
    path: CPath,
    names: Names,
    select: Select,
    compare: Compare,
) -> c_int {
    let mut work = Work::default();
    let kernel = |path| real(directory, path, names, select, compare);
    answer(path, listing::open(directory, path.bytes(), &mut work), kernel, |stream| {
        scan(stream, names, select, compare)
    })
}

spellings!(scandir_below: fn(directory: c_int, path: CPath, names: Names, select: Select, compare: Compare) -> c_int:
    scandirat, scandirat64);

/// getdents64(2) of a descriptor of ours; `None`: it is none.
pub fn entries(descriptor: c_int, room: Out<u8>, size: usize) -> Result<Option<isize>, Errno> {
    let Some(part) = listing::raw(descriptor, size)? else { return Ok(None) };
    let length = super::args::Room::new(room.as_ptr().cast(), size).fill(&part)?;
    Ok(isize::try_from(length).ok())
}

hook! {
    /// getdents64(2)
    real => fn getdents64(descriptor: c_int, room: Out<u8>, size: usize) -> isize {
        match entries(descriptor, room, size) {
            Ok(None) => real(descriptor, room, size),
            Ok(Some(length)) => length,
            Err(errno) => fail(errno),
        }
    }
}

fn entries_from(
    real: extern "C" fn(c_int, Out<u8>, usize, Out<i64>) -> isize,
    descriptor: c_int,
    room: Out<u8>,
    size: usize,
    base: Out<i64>,
) -> isize {
    let before = listing::place(descriptor);
    match entries(descriptor, room, size) {
        Ok(None) => real(descriptor, room, size, base),
        Ok(Some(length)) => give(base.put(before).map(|()| length)),
        Err(errno) => fail(errno),
    }
}

spellings!(entries_from: fn(descriptor: c_int, room: Out<u8>, size: usize, base: Out<i64>) -> isize:
    getdirentries, getdirentries64);
