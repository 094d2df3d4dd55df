//! Finding the library that is preloaded.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::output::names;

/// The library's file name.
const NAME: &str = "libvrift_shim.so";

/// Bytes of an ELF header that say for which machine it is: magic, class, byte order, and the machine at 18.
const HEADER: usize = 20;

/// The library beside the executable, or in `../lib/vrift`. It is looked at first: a loader only warns of a library that
/// it cannot preload, and the program would then work on the real files.
pub fn library() -> Result<PathBuf> {
    let executable = std::env::current_exe()
        .map_err(|error| Error::failed("cannot find this executable").caused_by(error))?;
    let beside = executable.parent().unwrap_or(Path::new("/"));
    let places = [beside.join(NAME), beside.join("../lib/vrift").join(NAME)];
    let Some(found) = places.iter().find(|path| path.is_file()) else {
        return Err(Error::failed(format!(
            "the library '{NAME}' is missing: it is neither in '{}' nor in '../lib/vrift' from there",
            names::path(beside)
        ))
        .hint("install it beside vrift; `cargo build --release` makes both"));
    };
    // Without `..` in it, and as it is found whatever the working directory is.
    let path = found.canonicalize().map_err(|error| Error::at("find", found, error))?;
    let own = header(&executable)?;
    if header(&path)? != own {
        return Err(Error::failed(format!(
            "'{}' is no library for the programs of this machine",
            names::path(&path)
        ))
        .hint("`cargo build --release` makes it again"));
    }
    if path.as_os_str().as_bytes().iter().any(|byte| b": \t\n$".contains(byte)) {
        return Err(Error::failed(format!(
            "'{}' cannot be preloaded: LD_PRELOAD takes no path with ':', '$' or a space in it",
            names::path(&path)
        ))
        .hint("install vrift in a place with a plainer name"));
    }
    Ok(path)
}

/// What an ELF file says about the machine that it is for; nothing if it is shorter than one.
fn header(path: &Path) -> Result<[u8; 8]> {
    let mut bytes = [0; HEADER];
    match File::open(path).and_then(|mut file| file.read_exact(&mut bytes)) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bytes = [0; HEADER],
        other => other.map_err(|error| Error::at("read", path, error))?,
    }
    let mut told = [0; 8];
    let parts = bytes.iter().take(6).chain(bytes.iter().skip(18));
    told.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
    Ok(told)
}
