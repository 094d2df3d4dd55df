//! What a PLACE leads to: a workspace, its tree at that moment, and a node in it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::path::{Scratch, below};
use vrift_manifest::tree::{Cursor, Found, Tree, WalkError};
use vrift_manifest::workspace::{Home, Moment, Workspace, WorkspaceError};

use crate::error::{Error, Result};
use crate::home;
use crate::node::Node;
use crate::output::names;
use crate::place::{Place, Version};

/// A tree that was found.
pub struct Located {
    /// The workspace.
    pub workspace: Workspace,
    /// The number of the state that is looked at.
    pub seq: u64,
    /// Where processes see the tree.
    pub mount: PathBuf,
    /// The tree, if it is not the present one.
    past: Option<Tree>,
    /// The place as it was written.
    place: Place,
}

impl Located {
    /// Finds the workspace and the state that `place` names.
    pub fn of(home: &Home, place: &Place) -> Result<Located> {
        let name = home::workspace_name(home, place.workspace.as_ref())?;
        Located::in_workspace(home::open(home, name.as_str())?, place)
    }

    /// Finds the state that `place` names in a workspace that is open already.
    pub fn in_workspace(workspace: Workspace, place: &Place) -> Result<Located> {
        let moment = moment(&place.version);
        let seq = match workspace.resolve(&moment) {
            Err(error @ WorkspaceError::NoSuchSnapshot { .. }) => {
                return Err(Error::from(error).hint(snapshot_names(&workspace)?));
            }
            other => other?,
        };
        let past = match moment {
            Moment::Now => None,
            _ => Some(workspace.view(seq)?),
        };
        let mount = workspace.config()?.mount;
        Ok(Located { workspace, seq, mount, past, place: place.clone() })
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        self.past.as_ref().unwrap_or_else(|| self.workspace.tree())
    }

    /// Whether the tree is the present one, rather than one of the past.
    pub fn is_present(&self) -> bool {
        self.past.is_none()
    }

    /// The path that the place names, as it was written; empty for the root.
    pub fn path(&self) -> &[u8] {
        self.place.path.as_deref().map_or(b"", OsStrExt::as_bytes)
    }

    /// A node with its attributes: of a file that is being written at this moment, what was written by now.
    pub fn node(&self, at: Cursor) -> Result<Node> {
        let mut node = Node::of(self.tree(), at)?;
        self.show(&mut node)?;
        Ok(node)
    }

    /// The entries of a directory, sorted by name, as [`Located::node`] has them.
    pub fn children(&self, directory: &Node) -> Result<Vec<(Vec<u8>, Node)>> {
        let mut children = directory.children(self.tree())?;
        for (_, node) in &mut children {
            self.show(node)?;
        }
        Ok(children)
    }

    fn show(&self, node: &mut Node) -> Result<()> {
        if self.is_present() && node.kind == Kind::File && self.tree().draft(node.at).is_some() {
            node.attributes = self.workspace.shown(node.at)?;
        }
        Ok(())
    }

    /// The node that the place's path leads to. `follow`: whether a symlink in the last place is followed.
    pub fn cursor(&self, follow: bool) -> Result<Cursor> {
        self.walk(self.path(), follow).map_err(|why| self.unreachable(&why))
    }

    /// The node that `path` leads to, from the root on.
    pub fn walk(&self, path: &[u8], follow: bool) -> Result<Cursor, Unreachable> {
        walk(self.tree(), &self.mount, path, follow)
    }

    /// The error of a path that leads nowhere.
    pub fn unreachable(&self, why: &Unreachable) -> Error {
        let place = self.named();
        match why {
            Unreachable::Walk(WalkError::Damaged(damaged)) => Error::from(*damaged),
            Unreachable::Walk(why) => Error::failed(format!("{place}: {why}")),
            Unreachable::Outside(path) => {
                let shown = names::path(path);
                let error = Error::failed(format!("{place}: leads out of the tree, to '{shown}'"));
                match self.path().starts_with(b"/") {
                    true => error.hint(format!(
                        "the tree is at '{}'; a path without '/' at its beginning starts at its root",
                        names::path(&self.mount)
                    )),
                    false => error,
                }
            }
        }
    }

    /// The place with its workspace's name.
    pub fn named(&self) -> String {
        let place = &self.place;
        match place.workspace {
            Some(_) => place.to_string(),
            None => format!("{}{place}", self.workspace.name()),
        }
    }
}

impl Located {
    /// The place of what is at `below` from this place's own node on, as it is written.
    pub fn named_below(&self, below: &[u8]) -> String {
        let place = self.named();
        let below = below.strip_prefix(b"/").unwrap_or(below);
        let separator = match (below.is_empty(), place.contains(':')) {
            (true, _) => "",
            (false, false) => ":",
            (false, true) if place.ends_with([':', '/']) => "",
            (false, true) => "/",
        };
        format!("{place}{separator}{}", names::shown(below))
    }
}

/// A path that leads to no node of the tree.
#[derive(Debug)]
pub enum Unreachable {
    /// As the kernel would say it.
    Walk(WalkError),
    /// It leads out of the tree, to this path.
    Outside(PathBuf),
}

/// The node that `path` leads to, from the root on or, if it is absolute, from the mount path on.
pub fn walk(tree: &Tree, mount: &Path, path: &[u8], follow: bool) -> Result<Cursor, Unreachable> {
    if path.is_empty() {
        return Ok(tree.root());
    }
    let mut scratch = Scratch::default();
    let mount = mount.as_os_str().as_bytes();
    match tree.walk(tree.root(), path, mount, follow, None, &mut scratch) {
        Ok(Found::Node(at)) => Ok(at),
        Ok(Found::Outside(length)) => {
            let left = scratch.bytes().get(..length).unwrap_or_default();
            Err(Unreachable::Outside(PathBuf::from(OsStr::from_bytes(left))))
        }
        Err(why) => Err(Unreachable::Walk(why)),
    }
}

/// A path relative to the root of the tree, without needless slashes and dots.
pub fn relative(mount: &Path, path: &[u8]) -> Vec<u8> {
    let inside = below(path, mount.as_os_str().as_bytes()).unwrap_or(path);
    let parts = inside.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && part != b".");
    parts.collect::<Vec<_>>().join(&b'/')
}

/// The moment that a version names.
pub fn moment(version: &Version) -> Moment {
    match version {
        Version::Now => Moment::Now,
        Version::Seq(seq) => Moment::Seq(*seq),
        Version::Snapshot(name) => Moment::Snapshot(name.as_str().to_owned()),
    }
}

fn snapshot_names(workspace: &Workspace) -> Result<String> {
    let snapshots = workspace.snapshots()?;
    let names: Vec<&str> = snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect();
    Ok(match names.is_empty() {
        true => "it has none; `vrift snapshot` takes one".to_owned(),
        false => format!("its snapshots: {}", names.join(", ")),
    })
}
