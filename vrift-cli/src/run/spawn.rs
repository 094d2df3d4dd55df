//! Starting the command.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};
use rustix::process::Pid;

/// Starts the program in the file `path`, called as `words` say, in the current directory and the process group of this
/// process, with the variables `set` beside those of this process, and with the signals blocked that are in `mask`.
pub fn spawn(
    path: &Path,
    words: &[&OsStr],
    set: &[(&str, OsString)],
    mask: &SigSet,
) -> io::Result<Pid> {
    let words = words.iter().map(|word| text(word.as_bytes().to_vec()));
    let words = words.collect::<io::Result<Vec<CString>>>()?;
    let variables = variables(set)?;
    let mut attributes = PosixSpawnAttr::init()?;
    let flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF;
    attributes.set_flags(flags)?;
    attributes.set_sigmask(mask)?;
    // It is ignored in this process, as in every one of its kind.
    let pipe = Some(Signal::SIGPIPE).filter(|_| !super::parting::is_pipe_ignored());
    attributes.set_sigdefault(&pipe.into_iter().collect())?;
    let mut actions = PosixSpawnFileActions::init()?;
    for number in super::parting::closed() {
        actions.add_close(number)?;
    }
    let child = posix_spawn(path, &actions, &attributes, &words, &variables)?;
    Pid::from_raw(child.as_raw()).ok_or_else(|| Errno::ECHILD.into())
}

/// The environment, as `NAME=VALUE`.
fn variables(set: &[(&str, OsString)]) -> io::Result<Vec<CString>> {
    let mut all: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    all.extend(set.iter().map(|(name, value)| (OsString::from(name), value.clone())));
    let joined = |(name, value): (OsString, OsString)| {
        let mut bytes = name.into_vec();
        bytes.push(b'=');
        bytes.extend(value.into_vec());
        text(bytes)
    };
    all.into_iter().map(joined).collect()
}

fn text(bytes: Vec<u8>) -> io::Result<CString> {
    CString::new(bytes).map_err(io::Error::from)
}
