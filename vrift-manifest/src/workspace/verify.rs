//! Whether the live index says what image and journal say. It has no checksums: it is memory that processes share, and what
//! it holds can be found out again at any time.

use std::path::PathBuf;

use super::attach::private_region;
use super::build;
use super::config::Config;
use super::control::{Control, DROPPED};
use super::error::WorkspaceError;
use super::images;
use super::load::End;
use super::open::Workspace;
use super::place::Directory;
use crate::attributes::Kind;
use crate::image::Damaged;
use crate::index::layout::H_OWNER;
use crate::tree::{Cursor, Tree};

/// Before a workspace is opened: its image is what its name says, and whoever opens it finds an index that was built now.
pub(super) fn before(
    place: &Directory,
    control: &Control,
    config: &Config,
) -> Result<(), WorkspaceError> {
    images::check(&place.store, &config.last_era().image)?;
    // Where nothing can be written, who opens it reads the journal anyway.
    if place.writable() { renew(place, control) } else { Ok(()) }
}

/// Builds the index that is in force anew.
fn renew(place: &Directory, control: &Control) -> Result<(), WorkspaceError> {
    control.with_lock(|_| match control.epoch() {
        DROPPED => Ok(()),
        // Whoever opens it builds it.
        epoch if !control.is_taken_over() || epoch % 2 == 1 => Ok(()),
        _ => build::build(place, control, End::Committed(control.segment().committed)),
    })?
}

impl Workspace {
    /// What the live index says otherwise than image and journal, in words; `None`: nothing.
    pub fn index_damage(&self) -> Result<Option<String>, WorkspaceError> {
        if self.attached.is_private() || self.compared()?.is_none() {
            return Ok(None);
        }
        // Others may have changed the tree in between.
        self.control.with_lock(|_| match self.control.epoch() == self.attached.epoch {
            true => self.compared(),
            false => Ok(None),
        })?
    }

    /// The file of the live index.
    pub fn index_path(&self) -> PathBuf {
        self.place.index_path(&self.control, self.attached.epoch)
    }

    /// Builds the live index anew from image and journal. Whoever works in the workspace goes over to it.
    pub fn renew_index(&mut self) -> Result<(), WorkspaceError> {
        if !self.place.writable() {
            return Err(WorkspaceError::ReadOnly(self.place.name.clone()));
        }
        renew(&self.place, &self.control)?;
        self.refresh().map(drop)
    }

    fn compared(&self) -> Result<Option<String>, WorkspaceError> {
        let config = self.config()?;
        let era = config.last_era();
        let end = End::Committed(self.control.segment().committed);
        let (image, after) = (self.attached.tree.image.clone(), self.control.drafts_after());
        let place = &self.place;
        let (right, _) = build::load_into(place, era, image, private_region()?, end, 0, after)?;
        Ok(difference(&self.attached.tree, &right)?)
    }
}

/// In what a tree is not the one that it should be, which has the same image and is sound.
fn difference(found: &Tree, right: &Tree) -> Result<Option<String>, Damaged> {
    if found.index.header(H_OWNER) != right.index.header(H_OWNER) {
        return Ok(Some("it is another workspace's".to_owned()));
    }
    if found.next_node() < right.next_node() {
        return Ok(Some("a node's number would be given again".to_owned()));
    }
    // As the right one has it, so that it comes to an end.
    let mut pending = vec![(Vec::new(), right.root(), found.root())];
    while let Some((path, ours, theirs)) = pending.pop() {
        let wrong = |path: &[u8]| Ok(Some(format!("'{}' is another", path.escape_ascii())));
        if !is_same(right, ours, found, theirs)? {
            return wrong(&path);
        }
        if right.kind(ours)? != Kind::Directory {
            continue;
        }
        let names = names_in(right, ours)?;
        if names_in(found, theirs).as_ref() != Ok(&names) {
            return wrong(&path);
        }
        for (name, number) in names {
            let below = [&*path, b"/", &name].concat();
            let child = found.child(theirs, &name).ok().flatten();
            let Some(child) = child.filter(|&child| found.number(child) == Ok(number)) else {
                return wrong(&below);
            };
            let Some(ours) = right.child(ours, &name)? else { return wrong(&below) };
            pending.push((below, ours, child));
        }
    }
    // What is open and has no name any more, too.
    for node in right.index.nodes() {
        let number = right.index.number(node);
        let ours = right.node(number)?;
        let theirs = found.node(number).ok().flatten();
        let same = match (ours, theirs) {
            (Some(ours), Some(theirs)) => is_same(right, ours, found, theirs)?,
            (ours, theirs) => ours == theirs,
        };
        if !same {
            return Ok(Some(format!("node {number} is another")));
        }
    }
    Ok(None)
}

/// Names and numbers in a directory, sorted.
fn names_in(tree: &Tree, directory: Cursor) -> Result<Vec<(Vec<u8>, u64)>, Damaged> {
    let mut names = Vec::new();
    for child in tree.children(directory)? {
        let (name, child) = child?;
        names.push((name.to_vec(), tree.number(child)?));
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether two nodes show the same.
fn is_same(right: &Tree, ours: Cursor, found: &Tree, theirs: Cursor) -> Result<bool, Damaged> {
    let shown = |tree: &Tree, at: Cursor| {
        let state = tree.state(at)?;
        // Where a target or attributes lie in the index means nothing.
        let is_link = Kind::of_mode(state.attributes.mode) == Some(Kind::Symlink);
        let content = if is_link { [0; 4] } else { state.content };
        let of_state = (state.seq, state.attributes, content, state.parent, state.draft);
        Ok((tree.number(at)?, of_state, tree.target(at)?, tree.xattr_block(at)?))
    };
    let right: Result<_, Damaged> = shown(right, ours);
    Ok(shown(found, theirs).as_ref() == Ok(&right?))
}
