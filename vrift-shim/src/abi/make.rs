//! mkdir, mknod, mkfifo, symlink.

use std::ffi::c_int;

use libc::{dev_t, mode_t};

use super::args::{CPath, In, answer, done, fail};
use crate::vfs::find::{CWD, Work};
use crate::vfs::make;

hook! {
    /// mkdir(2)
    real => fn mkdir(path: CPath, mode: mode_t) -> c_int {
        let mut work = Work::default();
        let made = make::directory(CWD, path.bytes(), mode, &mut work);
        answer(path, made, |path| real(path, mode), done)
    }
}

hook! {
    /// mkdirat(2)
    real => fn mkdirat(directory: c_int, path: CPath, mode: mode_t) -> c_int {
        let mut work = Work::default();
        let made = make::directory(directory, path.bytes(), mode, &mut work);
        answer(path, made, |path| real(directory, path, mode), done)
    }
}

#[inline]
fn node(
    directory: c_int,
    path: CPath,
    mode: mode_t,
    device: dev_t,
    kernel: impl FnOnce(CPath) -> c_int,
) -> c_int {
    let mut work = Work::default();
    answer(path, make::node(directory, path.bytes(), mode, device, &mut work), kernel, done)
}

hook! {
    /// mknod(2)
    real => fn mknod(path: CPath, mode: mode_t, device: dev_t) -> c_int {
        node(CWD, path, mode, device, |path| real(path, mode, device))
    }
}

hook! {
    /// mknodat(2)
    real => fn mknodat(directory: c_int, path: CPath, mode: mode_t, device: dev_t) -> c_int {
        node(directory, path, mode, device, |path| real(directory, path, mode, device))
    }
}

/// The version that the old spellings are called with.
const VERSION: c_int = 0;

hook! {
    /// mknod as programs built long ago call it.
    real => fn __xmknod(version: c_int, path: CPath, mode: mode_t, device: In<dev_t>) -> c_int {
        if version != VERSION {
            return real(version, path, mode, device);
        }
        match device.get() {
            Ok(Some(number)) => {
                node(CWD, path, mode, number, |path| real(version, path, mode, device))
            }
            Ok(None) => real(version, path, mode, device),
            Err(errno) => fail(errno),
        }
    }
}

hook! {
    /// mknodat as programs built long ago call it.
    real => fn __xmknodat(
        version: c_int,
        directory: c_int,
        path: CPath,
        mode: mode_t,
        device: In<dev_t>,
    ) -> c_int {
        if version != VERSION {
            return real(version, directory, path, mode, device);
        }
        match device.get() {
            Ok(Some(number)) => node(directory, path, mode, number, |path| {
                real(version, directory, path, mode, device)
            }),
            Ok(None) => real(version, directory, path, mode, device),
            Err(errno) => fail(errno),
        }
    }
}

/// A named pipe, whatever else the mode says.
fn pipe(mode: mode_t) -> mode_t {
    mode & !libc::S_IFMT | libc::S_IFIFO
}

hook! {
    /// mkfifo(3)
    real => fn mkfifo(path: CPath, mode: mode_t) -> c_int {
        node(CWD, path, pipe(mode), 0, |path| real(path, mode))
    }
}

hook! {
    /// mkfifoat(3)
    real => fn mkfifoat(directory: c_int, path: CPath, mode: mode_t) -> c_int {
        node(directory, path, pipe(mode), 0, |path| real(directory, path, mode))
    }
}

hook! {
    /// symlink(2)
    real => fn symlink(target: CPath, path: CPath) -> c_int {
        let mut work = Work::default();
        let made = make::symlink(target.bytes(), CWD, path.bytes(), &mut work);
        answer(path, made, |path| real(target, path), done)
    }
}

hook! {
    /// symlinkat(2)
    real => fn symlinkat(target: CPath, directory: c_int, path: CPath) -> c_int {
        let mut work = Work::default();
        let made = make::symlink(target.bytes(), directory, path.bytes(), &mut work);
        answer(path, made, |path| real(target, directory, path), done)
    }
}
