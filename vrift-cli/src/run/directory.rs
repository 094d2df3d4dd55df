//! Where a command begins.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use vrift_manifest::attributes::Kind;
use vrift_manifest::handover::Handover;
use vrift_manifest::places::{self, PATH_MAX};
use vrift_manifest::tree::Tree;

use crate::error::{Error, Result};
use crate::located;
use crate::node::Node;
use crate::output::names;

/// The directory in which a command begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The placeholder that stands for it.
    pub place: PathBuf,
    /// Its path in the tree, if the command begins elsewhere than where `vrift` was called.
    pub moved_to: Option<PathBuf>,
}

/// The directory of the tree that has the path of the current one; outside of the mount path, the root.
pub fn start(tree: &Tree, handover: &Handover) -> Result<Start> {
    // A current directory that was removed has no path, and is nowhere in the tree.
    let here = std::env::current_dir().ok().filter(|here| here.starts_with(&handover.mount));
    let node = node(tree, handover, here.as_deref().unwrap_or(&handover.mount))?;
    let mut buffer = [0; PATH_MAX];
    let runtime = handover.runtime.as_os_str().as_bytes();
    let place = places::make(runtime, handover.id.as_bytes(), node, &mut buffer)
        .map_err(|errno| Error::at("make a directory in", &handover.runtime, errno))?;
    Ok(Start {
        place: PathBuf::from(OsStr::from_bytes(place.to_bytes())),
        moved_to: here.is_none().then(|| handover.mount.clone()),
    })
}

fn node(tree: &Tree, handover: &Handover, path: &Path) -> Result<u64> {
    let refused = |what: &str| {
        let shown = names::path(path);
        Error::failed(format!(
            "the current directory, '{shown}', {what} of '{}'",
            handover.workspace
        ))
        .hint("change to a directory that the tree has; `vrift ls` shows them")
    };
    let at = located::walk(tree, &handover.mount, path.as_os_str().as_bytes(), true)
        .map_err(|_| refused("is not in the tree"))?;
    let node = Node::of(tree, at)?;
    if node.kind == Kind::Directory {
        Ok(node.number)
    } else {
        Err(refused("is no directory in the tree"))
    }
}
