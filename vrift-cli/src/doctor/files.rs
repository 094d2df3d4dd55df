//! What the store's file system can do.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with};
use rustix::io::Errno;
use vrift_manifest::lease;

use super::check::Check;
use super::scratch::Scratch;
use crate::error::{Error, Result};

/// On it a lease is given although there are mappings.
const OVERLAYFS: u64 = 0x794c_7630;

/// Read leases, by which it is known that nobody writes a file any more.
pub fn leases(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "leases";
    const MEANS: &str = "what is written is stored by copying it, and lies beside the store's copy until the next vrift \
                         command; `vrift apply` does not notice who has a file open to write";
    let path = scratch.file("lease", b"leased")?;
    let writer = OpenOptions::new().write(true).open(&path);
    let writer = writer.map_err(|error| Error::at("open", &path, error))?;
    let while_written = lease::take(scratch.opened("lease")?.as_fd());
    drop(writer);
    let file = scratch.opened("lease")?;
    let afterwards = lease::take(file.as_fd());
    let is_overlay = rustix::fs::fstatfs(&file).is_ok_and(|found| found.f_type as u64 == OVERLAYFS);
    Ok(match (while_written, afterwards) {
        (Err(Errno::AGAIN), Ok(())) if is_overlay => Check::missing(
            NAME,
            "given, but this is an overlay, which does not know who has a file mapped",
            MEANS,
        ),
        (Err(Errno::AGAIN), Ok(())) => {
            Check::works(NAME, "refused while a file is written, given when it is not")
        }
        (Ok(()), _) => Check::missing(NAME, "given while a file is being written", MEANS),
        (_, Err(errno)) | (Err(errno), _) => {
            Check::missing(NAME, format!("refused: {}", said(errno)), MEANS)
        }
    })
}

/// Files that share their blocks until one is written.
pub fn reflinks(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "reflinks";
    scratch.file("from", &[1; 8192])?;
    let path = scratch.path("to");
    let to = File::create(&path).map_err(|error| Error::at("create", &path, error))?;
    Ok(match rustix::fs::ioctl_ficlone(to, scratch.opened("from")?) {
        Ok(()) => Check::works(NAME, "files go in and out without their bytes being copied"),
        Err(errno) => Check::missing(
            NAME,
            format!("this file system has none: {}", said(errno)),
            "ingest, export, apply and the first write to a file copy its bytes, which takes time and room",
        ),
    })
}

/// Two names that change places in one step.
pub fn exchange(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "exchange";
    let (one, other) = (scratch.file("one", b"1")?, scratch.file("other", b"2")?);
    let done = renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE);
    let is_done = fs::read(&one).is_ok_and(|content| content == b"2");
    Ok(match done {
        Ok(()) if is_done => Check::works(NAME, "two names change places in one step"),
        Ok(()) => Check::fails(NAME, "two names should have changed places and did not", MIXED),
        Err(errno) => Check::missing(
            NAME,
            format!("two names cannot change places: {}", said(errno)),
            "`vrift apply` to a directory of this file system writes what is new and leaves what is there",
        ),
    })
}

const MIXED: &str = "this file system does not do what it says; no store is safe on it";

/// Files without a name, as temporary ones are.
pub fn nameless(scratch: &Scratch) -> Result<Check> {
    const NAME: &str = "nameless files";
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let made = openat(CWD, scratch.path("tmp"), flags, Mode::from_raw_mode(0o600));
    let named = made.and_then(|file| {
        let from = crate::origin::path_of(&file);
        linkat(CWD, from, CWD, scratch.path("named"), AtFlags::SYMLINK_FOLLOW)
    });
    Ok(match named {
        Ok(()) => Check::works(NAME, "made, and given a name later (O_TMPFILE)"),
        Err(errno) => Check::missing(
            NAME,
            format!("none here: {}", said(errno)),
            "programs that ask for one with O_TMPFILE are refused, and most then make a file with a name",
        ),
    })
}

fn said(errno: Errno) -> String {
    std::io::Error::from(errno).to_string()
}
