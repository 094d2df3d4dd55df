//! Compaction: the journal is folded into an image, so that opening the workspace replays nothing.

use std::collections::HashMap;

use vrift_cas::Digest;

use super::attach::private_region;
use super::build::load_into;
use super::config::Config;
use super::create::random_segment;
use super::drafts::live_drafts;
use super::error::WorkspaceError;
use super::images;
use super::load::End;
use super::mutate::{Author, Locked};
use super::open::Workspace;
use super::rebase::{Replacement, rebase};
use super::verify::check_image;
use crate::attributes::{Attributes, Content, Kind};
use crate::image::{Builder, Handle, NodeSpec};
use crate::journal::{Reason, SegmentId};
use crate::tree::xattrs::XattrList;
use crate::tree::{Cursor, Tree};

impl Workspace {
    /// Folds the journal into a new image. The tree, its node numbers and all history stay. The number of the step.
    pub fn compact(&mut self) -> Result<u64, WorkspaceError> {
        let author = self.author.clone();
        let seq = self.fold_journal(None, author.as_ref())?;
        self.refresh()?;
        Ok(seq.unwrap_or_else(|| self.head()))
    }

    /// As [`Workspace::compact`], where `segment` cannot take any more, unless somebody else did it already.
    pub(crate) fn make_room(&mut self, segment: SegmentId) -> Result<(), WorkspaceError> {
        // Nobody's step: the record of the one who ran into the bound may be what does not fit.
        self.fold_journal(Some(segment), None)?;
        self.refresh().map(drop)
    }

    fn fold_journal(
        &mut self,
        only: Option<SegmentId>,
        author: Option<&Author>,
    ) -> Result<Option<u64>, WorkspaceError> {
        let store = self.home.store.clone();
        // Until image and segment are named by the workspace, gc is not to take them.
        let _activity = store.begin()?;
        // Most of what is to be written, before others have to wait.
        store.sync()?;
        let segment = random_segment(&self.home)?;
        let seq = self.locked(|locked| {
            if only.is_some_and(|only| locked.segment.id != only) {
                return Ok(None);
            }
            let tree = read_anew(locked)?;
            check_image(&locked.place.store, &tree)?;
            let next = tree.next_node().max(locked.tree().next_node());
            let builder = fold(&tree, &mut |number| number)?;
            let store = &locked.place.store;
            let image = images::write(store, builder, next)?.image_id;
            store.sync()?;
            let replacement = Replacement::plain(image, Reason::Compact);
            rebase(locked, &replacement, segment, author, &live_drafts(&tree)).map(Some)
        })?;
        self.process = 0;
        Ok(seq)
    }

    /// Forgets the states that no snapshot names and that are older than the present era. How many eras went.
    pub fn forget(&mut self) -> Result<usize, WorkspaceError> {
        self.locked(|locked| {
            let mut config = Config::load(&locked.place.path)?;
            let oldest_named = config.snapshot.iter().map(|snapshot| snapshot.seq).min();
            let keep = config.last_era().base.min(oldest_named.unwrap_or(u64::MAX));
            let first = config.era.iter().rposition(|era| era.base <= keep).unwrap_or(0);
            config.era.drain(..first);
            config.save(&locked.place.store, &locked.place.path)?;
            Ok(first)
        })
    }
}

/// The present tree by what image and journal say. Everybody who uses the workspace can write the live index: what is wrong there would
/// be in the image for good.
fn read_anew(locked: &Locked<'_>) -> Result<Tree, WorkspaceError> {
    let (place, image) = (locked.place, locked.tree().image.clone());
    let config = Config::load(&place.path)?;
    let end = End::Committed(locked.segment.committed);
    let after = locked.control.drafts_after();
    let era = config.last_era();
    Ok(load_into(place, era, image, private_region()?, end, 0, after)?.0)
}

/// A builder that holds the whole of a tree. `numbered` gives each node the number that it has there.
pub fn fold(tree: &Tree, numbered: &mut dyn FnMut(u64) -> u64) -> Result<Builder, WorkspaceError> {
    let parts = Parts::of(tree, tree.root())?;
    let xattrs: Vec<_> = parts.xattrs.iter().map(|(n, v)| (&n[..], &v[..])).collect();
    let mut builder = Builder::new(parts.spec(parts.node, &xattrs))?;
    let root = tree.root();
    let mut links: HashMap<u64, Handle> = HashMap::new();
    let mut pending = vec![(root, builder.root())];
    while let Some((directory, handle)) = pending.pop() {
        for child in tree.children(directory)? {
            let (name, cursor) = child?;
            let parts = Parts::of(tree, cursor)?;
            if let Some(&first) = links.get(&parts.node) {
                builder.add_link(handle, &name, first)?;
                continue;
            }
            let xattrs: Vec<_> = parts.xattrs.iter().map(|(n, v)| (&n[..], &v[..])).collect();
            let spec = parts.spec(numbered(parts.node), &xattrs);
            let added = builder.add(handle, &name, spec)?;
            match parts.kind {
                Kind::Directory => pending.push((cursor, added)),
                _ if parts.attributes.nlink > 1 => drop(links.insert(parts.node, added)),
                _ => {}
            }
        }
    }
    Ok(builder)
}

/// A node taken out of a tree.
struct Parts {
    node: u64,
    kind: Kind,
    attributes: Attributes,
    digest: Option<Digest>,
    target: Option<Vec<u8>>,
    xattrs: XattrList,
}

impl Parts {
    fn of(tree: &Tree, at: Cursor) -> Result<Parts, WorkspaceError> {
        Ok(Parts {
            node: tree.number(at)?,
            kind: tree.kind(at)?,
            attributes: tree.attributes(at)?,
            digest: tree.digest(at)?,
            target: tree.target(at)?,
            xattrs: tree.xattrs(at)?,
        })
    }

    fn spec<'a>(&'a self, node: u64, xattrs: &'a [(&'a [u8], &'a [u8])]) -> NodeSpec<'a> {
        let content = match (&self.digest, &self.target) {
            (Some(digest), _) => Content::Blob(*digest),
            (None, Some(target)) => Content::Target(target),
            (None, None) => Content::None,
        };
        NodeSpec { node, attributes: self.attributes, content, xattrs }
    }
}
