//! Shared libraries of the tree for the loader, which opens what it is told by its own means.

use std::ffi::CString;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::exec::Loading;
use super::find::{self, CWD, Work};
use super::session;
use super::{Answer, exec, lexical};

/// What the loader is to open for a path; `None`: what it was told. Without a slash it is a name that is searched for.
pub fn for_loader(path: &[u8]) -> Option<Loading> {
    if !path.contains(&b'/') {
        return None;
    }
    let given = session::given()?;
    let mut work = Work::default();
    let found = match find::node(CWD, Some(path), true, &mut work) {
        Ok(Answer::Kernel) => return None,
        Ok(Answer::Elsewhere(other)) => return Some(Loading::of(other.to_owned())),
        Ok(Answer::Ours(at)) => Ok(at),
        Err(errno) => Err(errno),
    };
    match found.and_then(|at| exec::library(given, at, path)) {
        Ok(loading) => Some(loading),
        // The loader says what it finds at a path: at one where the same is found.
        Err(errno) => absent(path, errno).map(Loading::of),
    }
}

/// A path at which nothing is: the one that was asked for, if that is so, for the loader's message names it. `None`: as
/// it is.
fn absent(path: &[u8], errno: Errno) -> Option<CString> {
    // From a placeholder nothing is to be seen.
    let relative = path.first() != Some(&b'/') && !lexical::climbs(path);
    if relative || rustix::fs::statat(rustix::fs::CWD, path, AtFlags::empty()).is_err() {
        return None;
    }
    let nowhere: &[u8] = if errno == Errno::NOTDIR { b"/dev/null/" } else { b"/proc/0/" };
    CString::new([nowhere, path].concat()).ok()
}
