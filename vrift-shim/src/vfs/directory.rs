//! Changing the working directory, and saying which it is.
//!
//! The kernel is put into the placeholder of the node, so that every child and every other thread is there, too.

use std::ffi::c_int;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::AtFlags;
use rustix::io::Errno;
use vrift_manifest::attributes::{Attributes, Kind};
use vrift_manifest::places;
use vrift_manifest::tree::path::PATH_MAX;

use super::descriptor::{self, Held};
use super::find::{self, At, CWD, Work};
use super::{Answer, cwd, paths, session, strays, who};

/// chdir(2). Where the kernel has to do it, [`cwd::forget`] is to follow.
pub fn change<'w>(path: Option<&[u8]>, work: &'w mut Work) -> Result<Answer<'w, ()>, Errno> {
    match find::node(CWD, path, true, work)? {
        Answer::Ours(at) => enter(at).map(Answer::Ours),
        Answer::Elsewhere(path) => Ok(Answer::Elsewhere(path)),
        Answer::Kernel => Ok(Answer::Kernel),
    }
}

/// Whether a node is a directory that the process may be in.
pub fn may_enter_node(at: At) -> Result<(), Errno> {
    may_enter(&at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?)
}

fn enter(at: At) -> Result<(), Errno> {
    may_enter(&at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?)?;
    let node = at.number()?;
    cwd::enter(node, || {
        let (runtime, id) =
            (at.given.handover.runtime.as_os_str().as_bytes(), &at.given.handover.id);
        let mut buffer = [0; places::PATH_MAX];
        let path = places::path(runtime, id.as_bytes(), node, &mut buffer)?;
        // Nearly always it is there, and is what it should be.
        if rustix::process::chdir(path).is_ok() {
            if is_placeholder_of(node) {
                return Ok(());
            }
            // It is, but has lost its mark.
            let _ = strays::take_in(at.given, node);
        }
        rustix::process::chdir(places::make(runtime, id.as_bytes(), node, &mut buffer)?)
    })
}

/// Whether the working directory says that it stands for `node`.
fn is_placeholder_of(node: u64) -> bool {
    let stat = rustix::fs::statat(rustix::fs::CWD, c".", AtFlags::empty());
    stat.is_ok_and(|stat| places::node_of(&stat) == Some(node))
}

fn may_enter(node: &Attributes) -> Result<(), Errno> {
    if Kind::of_mode(node.mode) != Some(Kind::Directory) {
        return Err(Errno::NOTDIR);
    }
    who::credentials().need(node, 1)
}

/// Whether fchdir(2) to a descriptor may be: the kernel then does it, for a descriptor of ours is that of the placeholder.
pub fn may_enter_descriptor(descriptor: c_int) -> Result<(), Errno> {
    let Some(given) = session::given() else { return Ok(()) };
    let Held::Directory(node) = descriptor::look(given, descriptor)?.0 else { return Ok(()) };
    match find::by_number(given, node) {
        Ok(at) => may_enter(&at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?),
        // It was removed, long ago: the kernel knows.
        Err(Errno::STALE) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// getcwd(2): the length of the path that was put into `buffer`. `None`: the directory is not in the tree, and the
/// kernel is to be asked. ENOENT: it was removed.
pub fn path(buffer: &mut [u8; PATH_MAX]) -> Result<Option<usize>, Errno> {
    let Some(node) = node()? else { return Ok(None) };
    let Some(given) = session::given() else { return Ok(None) };
    match paths::of_node(given, node, buffer) {
        Err(Errno::STALE) => Err(Errno::NOENT),
        other => other.map(Some),
    }
}

/// The same where the path is longer than the kernel says one.
#[cold]
pub fn long_path() -> Result<Option<Vec<u8>>, Errno> {
    let Some(node) = node()? else { return Ok(None) };
    let Some(given) = session::given() else { return Ok(None) };
    match paths::of_any_length(given, node) {
        Err(Errno::STALE) => Err(Errno::NOENT),
        other => other.map(Some),
    }
}

/// The node of the working directory; `None`: it is not in the tree.
pub fn node() -> Result<Option<u64>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    Ok(match cwd::present(given)? {
        cwd::Where::Inside(node) => Some(node),
        cwd::Where::Above | cwd::Where::Apart => None,
    })
}

/// Whether a path, as `PWD` may have it, is an absolute one that leads to the directory `node`.
pub fn leads_to(path: &[u8], node: u64) -> bool {
    let mut work = Work::default();
    path.first() == Some(&b'/')
        && match find::node(CWD, Some(path), true, &mut work) {
            Ok(Answer::Ours(at)) => at.number() == Ok(node),
            _ => false,
        }
}
