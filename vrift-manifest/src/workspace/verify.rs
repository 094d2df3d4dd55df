//! Whether the live index says what image and journal say. It has no checksums: it is memory that processes share, and what
//! it holds can be found out again at any time.

use std::path::PathBuf;

use super::attach::{self, Attached, applied, private_region};
use super::build;
use super::config::{Config, Era};
use super::control::{Control, DROPPED};
use super::error::WorkspaceError;
use super::images;
use super::load::End;
use super::open::Workspace;
use super::place::{Directory, Home};
use crate::attributes::Kind;
use crate::image::Damaged;
use crate::index::layout::{H_DRAFTS_AFTER, H_IMAGE, H_OWNER};
use crate::journal::Position;
use crate::shm::Held;
use crate::time::Timestamp;
use crate::tree::{Cursor, Tree, words_digest};
use vrift_cas::{Digest, Store};

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

/// As [`attach::attach`], to an image that is what its name says: `checked` was seen to be.
pub(super) fn attach(
    home: &Home,
    place: &Directory,
    control: &Control,
    checked: Option<&Digest>,
) -> Result<Attached, WorkspaceError> {
    let attached = attach::attach(place, control)?;
    let image = image_of(&attached.tree);
    // Others may have folded the journal into another one meanwhile.
    if home.verify && checked != Some(&image) {
        images::check(&place.store, &image)?;
    }
    Ok(attached)
}

/// The name of the image that a tree is made of.
fn image_of(tree: &Tree) -> Digest {
    words_digest(std::array::from_fn(|at| tree.index.header(H_IMAGE + at)))
}

/// Whether the image that a tree is made of is what its name says. Whoever makes something of a tree that stays asks before: what is
/// wrong there would be in it for good, and look sound.
pub fn check_image(store: &Store, tree: &Tree) -> Result<(), WorkspaceError> {
    let name = image_of(tree);
    match Digest::of(tree.image.as_bytes()) == name {
        true => Ok(()),
        false => Err(WorkspaceError::WrongDigest(images::path(store, &name))),
    }
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
    /// What the live index says otherwise than image and journal, in words; `None`: nothing. Others wait only while it is
    /// copied.
    pub fn index_damage(&mut self) -> Result<Option<String>, WorkspaceError> {
        while !self.attached.is_private() {
            let (place, control, attached) = (&self.place, &self.control, &self.attached);
            match control.with_lock(|held| take(place, control, attached, held))?? {
                Taken::Copy(copy) => return copy.compared(place),
                Taken::NotWhole => {
                    return Ok(Some("its header is not what was written".to_owned()));
                }
                Taken::Replaced if control.epoch() == DROPPED => break,
                Taken::Replaced => drop(self.refresh()?),
            }
        }
        Ok(None)
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
}

/// What was found under the lock.
enum Taken {
    /// Another index is in force by now.
    Replaced,
    /// Nothing of it can be believed.
    NotWhole,
    /// What it holds.
    Copy(Box<Copied>),
}

/// A live index as it was at one moment, and what it has to be compared with.
struct Copied {
    tree: Tree,
    era: Era,
    committed: Position,
    floor: Timestamp,
    next_node: u64,
    drafts_after: u64,
}

/// Under the lock: copies the index, with nothing in it half done.
fn take(
    place: &Directory,
    control: &Control,
    attached: &Attached,
    held: Held,
) -> Result<Taken, WorkspaceError> {
    if held.owner_died || control.epoch() != attached.epoch {
        attach::put_right(place, control, held.owner_died)?;
        return Ok(Taken::Replaced);
    }
    let (tree, committed) = (&attached.tree, control.segment().committed);
    if !tree.index.is_whole() {
        return Ok(Taken::NotWhole);
    }
    if applied(tree) != committed {
        attach::put_right(place, control, true)?;
        return Ok(Taken::Replaced);
    }
    Ok(Taken::Copy(Box::new(Copied {
        tree: Tree::new(tree.image.clone(), tree.index.copied(private_region()?)),
        era: Config::load(&place.path)?.last_era().clone(),
        committed,
        floor: control.floor(),
        next_node: control.next_node(),
        drafts_after: control.drafts_after(),
    })))
}

impl Copied {
    /// In what it is another than image and journal make it.
    fn compared(&self, place: &Directory) -> Result<Option<String>, WorkspaceError> {
        let (image, end) = (self.tree.image.clone(), End::Committed(self.committed));
        let (era, after) = (&self.era, self.drafts_after);
        let (right, _) = build::load_into(place, era, image, private_region()?, end, 0, after)?;
        let (found, index) = (&self.tree.index, &right.index);
        for word in [H_OWNER, H_DRAFTS_AFTER] {
            if found.header(word) != index.header(word) {
                return Ok(Some(
                    "it counts drafts that are none, or does not count those that are".to_owned(),
                ));
            }
        }
        if self.tree.next_node() != right.next_node().max(self.next_node) {
            return Ok(Some("the next number of a node is another".to_owned()));
        }
        let latest = index.floor().max(self.floor).max(Timestamp::coarse_now().in_a_second());
        if !(index.floor()..=latest).contains(&found.floor()) {
            return Ok(Some("its clock is not that of the stamps".to_owned()));
        }
        Ok(difference(&self.tree, &right)?)
    }
}

/// In what a tree is not the one that it should be, which has the same image and is sound.
fn difference(found: &Tree, right: &Tree) -> Result<Option<String>, Damaged> {
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
