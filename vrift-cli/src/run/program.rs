//! Finding the program that is meant, and seeing whether a preloaded library will be in it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use crate::error::{Error, Result};
use crate::output::names;

/// Exit code where the program was not found.
pub const NOT_FOUND: u8 = 127;
/// Exit code where the program is there and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;

/// Where PATH is not set.
const PATH: &str = "/bin:/usr/bin";

/// How a program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// It is this file, outside of the tree.
    Outside(PathBuf),
    /// It is in the tree, or only a process in the tree can tell: one is started that executes it.
    Inside,
}

/// Finds the program that `command` names for a process in the tree, as a shell does.
pub fn program(command: &OsStr, mount: &Path) -> Result<Program> {
    if command.as_bytes().contains(&b'/') {
        let path = Path::new(command);
        return Ok(match is_inside(path, mount) || !path.exists() {
            true => Program::Inside,
            false => outside(path.to_owned(), mount),
        });
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
    let mut refused = None;
    for directory in std::env::split_paths(&path) {
        // What the tree has there only a process in it can see.
        if is_inside(&directory, mount) {
            return Ok(Program::Inside);
        }
        let candidate = directory.join(command);
        if !candidate.is_file() {
            continue;
        }
        match accessat(CWD, &candidate, Access::EXEC_OK, AtFlags::EACCESS) {
            Ok(()) => return Ok(outside(candidate, mount)),
            Err(errno) => refused = refused.or(Some((candidate, errno))),
        }
    }
    Err(match refused {
        Some((path, errno)) => Error::at("execute", &path, errno).exits_with(NOT_EXECUTABLE),
        None => {
            let shown = names::shown(command.as_bytes());
            Error::failed(format!("there is no program '{shown}'")).exits_with(NOT_FOUND)
        }
    })
}

/// A program outside. If its loader is to look for libraries in the tree, only a process in that can tell it where they are.
fn outside(program: PathBuf, mount: &Path) -> Program {
    let list = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut places = list.as_bytes().split(|byte| b":;".contains(byte));
    let leads_inside = |place: &[u8]| is_inside(Path::new(OsStr::from_bytes(place)), mount);
    match !list.is_empty() && places.any(leads_inside) {
        true => Program::Inside,
        false => Program::Outside(program),
    }
}

/// Whether a path leads into the tree, as far as the real file system tells. A relative one does, because the command
/// begins there.
fn is_inside(path: &Path, mount: &Path) -> bool {
    path.is_relative()
        || path.starts_with(mount)
        || path.canonicalize().is_ok_and(|real| real.starts_with(mount))
}

/// Whether no preloaded library will be in a program: it is static or for another machine, it gains rights by being
/// executed, it asks the kernel by itself as Go's do, or it is a script whose interpreter is one of these. What cannot be read
/// is said to be seen.
pub fn cannot_be_seen(program: &Path) -> bool {
    // A script's interpreter may be a script; the kernel follows five.
    let mut path = program.to_owned();
    for _ in 0..5 {
        let mut start = [0; 4096];
        let (Ok(file), Ok(about)) = (File::open(&path), fs::metadata(&path)) else { return false };
        let length = file.read_at(&mut start, 0).unwrap_or(0);
        let start = start.get(..length).unwrap_or_default();
        if gains_rights(&about) || has_capabilities(&file) {
            return true;
        }
        match interpreter(start) {
            Some(next) => path = next,
            None if !start.starts_with(b"\x7fELF") => return false,
            None => return !is_dynamic(&file, start) || asks_directly(&file, start),
        }
    }
    false
}

/// Whether another user's or group's rights come with it.
fn gains_rights(about: &fs::Metadata) -> bool {
    let user = about.mode() & 0o4000 != 0 && about.uid() != rustix::process::geteuid().as_raw();
    let group =
        about.mode() & 0o2010 == 0o2010 && about.gid() != rustix::process::getegid().as_raw();
    user || group
}

/// Whether rights come with it that are no user's.
fn has_capabilities(file: &File) -> bool {
    let found = rustix::fs::fgetxattr(file, c"security.capability", &mut [0; 64][..]);
    found.is_ok() && !rustix::process::getuid().is_root()
}

/// The interpreter of a script.
fn interpreter(start: &[u8]) -> Option<PathBuf> {
    let line = start.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let mut words = line.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
    Some(PathBuf::from(OsString::from_vec(words.next()?.to_vec())))
}

/// Whether an ELF file asks for the loader that this executable has as well.
fn is_dynamic(file: &File, start: &[u8]) -> bool {
    let own = std::env::current_exe().ok().and_then(|path| {
        let file = File::open(path).ok()?;
        let mut start = [0; 64];
        file.read_at(&mut start, 0).ok()?;
        loader(&file, &start)
    });
    // Links to one and the same loader are common.
    let real = |path: Vec<u8>| PathBuf::from(OsString::from_vec(path)).canonicalize().ok();
    match (own, loader(file, start)) {
        (Some(own), Some(theirs)) => own == theirs || real(own) == real(theirs),
        (None, theirs) => theirs.is_some(),
        (_, None) => false,
    }
}

/// Whether Go's own tools have made an ELF file: its programs ask the kernel by themselves, even where they have a loader.
fn asks_directly(file: &File, start: &[u8]) -> bool {
    const PT_NOTE: u64 = 4;
    headers(file, start).any(|header| {
        let (Some(PT_NOTE), Some(place)) = (number(&header, 0, 4), number(&header, 8, 8)) else {
            return false;
        };
        // The length of the owner's name, of what is noted, its type, the owner's name.
        let mut note = [0; 16];
        let read = file.read_exact_at(&mut note, place);
        read.is_ok() && note.starts_with(&[4, 0, 0, 0]) && note.ends_with(b"\x04\0\0\0Go\0\0")
    })
}

/// The path of the loader that a 64-bit ELF file asks for.
fn loader(file: &File, start: &[u8]) -> Option<Vec<u8>> {
    const PT_INTERP: u64 = 3;
    let header = headers(file, start).find(|header| number(header, 0, 4) == Some(PT_INTERP))?;
    let (place, length) = (number(&header, 8, 8)?, number(&header, 32, 8)?);
    let mut path = vec![0; usize::try_from(length.min(4096)).ok()?];
    file.read_exact_at(&mut path, place).ok()?;
    path.pop_if(|byte| *byte == 0);
    Some(path)
}

/// The program headers of a 64-bit ELF file.
fn headers(file: &File, start: &[u8]) -> impl Iterator<Item = [u8; 56]> {
    let is_64 = start.get(4) == Some(&2);
    let count = if is_64 { number(start, 56, 2).unwrap_or(0) } else { 0 };
    let (table, size) = (number(start, 32, 8), number(start, 54, 2));
    (0..count).map_while(move |entry| {
        let mut header = [0; 56];
        file.read_exact_at(&mut header, table?.checked_add(entry.checked_mul(size?)?)?).ok()?;
        Some(header)
    })
}

/// A number of so many bytes, in this machine's order.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    Some(if cfg!(target_endian = "little") {
        bytes.iter().rev().fold(0, add)
    } else {
        bytes.iter().fold(0, add)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_path_outside_of_the_tree() {
        let found = program(OsStr::new("sh"), Path::new("/nowhere/at/all")).unwrap();
        assert!(matches!(&found, Program::Outside(path) if path.ends_with("sh")), "{found:?}");
        let none = program(OsStr::new("there is no such program"), Path::new("/nowhere"));
        assert!(none.unwrap_err().to_string().contains("there is no such program"));
    }

    #[test]
    fn what_lies_in_the_tree_is_left_to_a_process_in_it() {
        let of =
            |command: &str, mount: &str| program(OsStr::new(command), Path::new(mount)).unwrap();
        assert_eq!(of("./configure", "/nowhere"), Program::Inside);
        assert_eq!(of("/nowhere/bin/tool", "/nowhere"), Program::Inside);
        assert_eq!(of("/bin/sh", "/nowhere"), Program::Outside("/bin/sh".into()));
        // Every program is in a tree that is mounted at the root.
        assert_eq!(of("sh", "/"), Program::Inside);
    }

    #[test]
    fn an_ordinary_program_and_a_script_can_be_seen_and_a_static_one_cannot() {
        assert!(!cannot_be_seen(Path::new("/bin/sh")));
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        assert!(!cannot_be_seen(&file("script", b"#! /bin/sh -e\n")));
        let mut header = vec![0; 64];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let without_loader = file("static", &header);
        assert!(cannot_be_seen(&without_loader));
        let script = format!("#!{}\n", without_loader.display());
        assert!(cannot_be_seen(&file("its-script", script.as_bytes())));
        assert!(!cannot_be_seen(&directory.path().join("nothing")));
    }
}
