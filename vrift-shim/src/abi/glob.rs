//! glob(3), which the C library does by itself, over functions of ours.

use std::ffi::{c_char, c_int};

use libc::{dirent64, stat as Stat};

use super::args::{CPath, Out};
use super::{directory, stat};
use crate::sys::streams::Directory;
use crate::vfs::reach;

/// `glob_t`: the C library's, with the functions that take the place of its own.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Glob {
    count: usize,
    paths: *mut *mut c_char,
    reserved: usize,
    flags: c_int,
    close: Option<extern "C" fn(Directory)>,
    read: Option<extern "C" fn(Directory) -> *mut dirent64>,
    open: Option<extern "C" fn(CPath) -> Directory>,
    lstat: Option<extern "C" fn(CPath, Out<Stat>) -> c_int>,
    stat: Option<extern "C" fn(CPath, Out<Stat>) -> c_int>,
}

/// The functions of the caller are to be used.
const ALTDIRFUNC: c_int = 1 << 9;

type Complain = Option<extern "C" fn(*const c_char, c_int) -> c_int>;

extern "C" fn close(directory: Directory) {
    directory::closedir(directory);
}

fn matching(
    real: extern "C" fn(CPath, c_int, Complain, Out<Glob>) -> c_int,
    pattern: CPath,
    flags: c_int,
    complain: Complain,
    found: Out<Glob>,
) -> c_int {
    let (Some(text), Some(before)) = (pattern.text(), found.read()) else {
        return real(pattern, flags, complain, found);
    };
    if flags & ALTDIRFUNC != 0 || !reach::reaches(text, true) {
        return real(pattern, flags, complain, found);
    }
    let with_ours = Glob {
        close: Some(close),
        read: Some(directory::readdir),
        open: Some(directory::opendir),
        lstat: Some(stat::lstat),
        stat: Some(stat::stat),
        ..before
    };
    let _ = found.put(with_ours);
    let result = real(pattern, flags | ALTDIRFUNC, complain, found);
    // The functions are nobody's business, and those that stood there may be uninitialised: they go back as they were.
    if let Some(after) = found.read() {
        let Glob { close, read, open, lstat, stat, .. } = before;
        let flags = after.flags & !ALTDIRFUNC;
        let _ = found.put(Glob { flags, close, read, open, lstat, stat, ..after });
    }
    result
}

spellings!(matching: fn(pattern: CPath, flags: c_int, complain: Complain, found: Out<Glob>) -> c_int: glob, glob64);
