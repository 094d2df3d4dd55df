//! Shared libraries of the tree for the loader, which opens what it is told by its own means.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exec::places::{self, Place};
use super::exec::{Loading, failing, farm};
use super::find::{self, CWD, Work};
use super::session;
use super::{Answer, environment, exec, who};
use crate::sys::strings::Strings;

/// The loader was told a name of the farm.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Notes that the loader was told a name of the farm.
pub fn was_told() {
    TOLD.store(true, Ordering::Relaxed);
}

/// Whether the loader can have loaded something out of the tree.
pub fn may_be_loaded() -> bool {
    TOLD.load(Ordering::Relaxed)
}

/// Mount path and path behind it of what the loader knows by a name of the farm.
pub fn in_tree(name: &[u8]) -> Option<(&'static [u8], &[u8])> {
    if !may_be_loaded() {
        return None;
    }
    let given = session::given()?;
    Some((&given.mount, farm::in_tree(given, name)?))
}

/// Where in a text the next path below the store begins.
pub fn next_name(text: &[u8]) -> Option<usize> {
    let store = session::given()?.handover.store.as_os_str().as_bytes();
    text.windows(store.len().max(1)).position(|part| part == store)
}

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
    match found.and_then(|at| exec::library(given, CWD, at, path)) {
        Ok(loading) => {
            was_told();
            Some(loading)
        }
        // The loader says what it finds at a path.
        Err(errno) => match failing::instead_of(CWD, path, errno) {
            Ok(instead) => instead.map(Loading::of),
            Err(_) => CString::new(failing::missing(path)).ok().map(Loading::of),
        },
    }
}

/// Who asks for a library by its name.
pub struct Here {
    /// Where its libraries are, if it has no `runpath`.
    pub rpath: Option<&'static [u8]>,
    /// Where its libraries are.
    pub runpath: Option<&'static [u8]>,
    /// The loader's name of it; of the program it is empty.
    pub name: &'static [u8],
}

impl Here {
    /// The lists of directories, in the order in which a loader looks there.
    fn lists(&self) -> [Option<&'static [u8]>; 3] {
        let rpath = self.rpath.filter(|_| self.runpath.is_none());
        [rpath, environment::library_path(Strings::environment()), self.runpath]
    }
}

/// Whether this process works in a workspace.
pub fn is_somewhere() -> bool {
    session::given().is_some()
}

/// What the loader is to open for a name without a slash; `None`: it finds it by itself, or nobody does.
pub fn by_name(name: &[u8], here: &Here) -> Option<Loading> {
    let given = session::given()?;
    if here.lists().into_iter().flatten().all(<[u8]>::is_empty) {
        return None;
    }
    let path = match (here.name, farm::in_tree(given, here.name)) {
        (b"", _) => who::program(),
        (_, Some(rest)) => [given.mount.as_slice(), rest].concat(),
        (name, None) => name.to_vec(),
    };
    let origin = Some(places::directory_of(&path));
    let lists = here.lists().into_iter().flatten();
    let places = lists.flat_map(|list| places::of_list(given, CWD, list, b":;", origin));
    for place in places {
        match place {
            Place::Outside(directory) if places::is_there(&directory, name) => return None,
            Place::Outside(_) => {}
            Place::Tree(directory) => {
                let path = [&directory, b"/".as_slice(), name].concat();
                let mut work = Work::default();
                if let Ok(Answer::Ours(_) | Answer::Elsewhere(_)) =
                    find::node(CWD, Some(&path), true, &mut work)
                {
                    return for_loader(&path);
                }
            }
        }
    }
    None
}
