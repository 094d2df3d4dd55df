//! The directory that a workspace came from: what both had in common last.

use super::attach;
use super::config::{Config, Origin};
use super::error::WorkspaceError;
use super::images;
use super::open::Workspace;
use crate::index::Index;
use crate::tree::{Tree, digest_words};
use vrift_cas::Digest;

impl Workspace {
    /// The tree of an image that this workspace's description names: see [`Config::base`].
    pub fn tree_of(&self, digest: &Digest) -> Result<Tree, WorkspaceError> {
        let image = images::open(&self.place.store, digest)?;
        let index = Index::initialise(attach::private_region()?, 0, digest_words(digest), 0)?;
        index.edit().raise_next_node(image.next_node().saturating_sub(1))?;
        Ok(Tree::new(image, index))
    }

    /// Notes what workspace and directory have in common now, durably: `base`, an image of the store. `whole`: the
    /// state at which both are the same in all, if there is one. Nothing is noted if somebody else has noted something
    /// else than `before` in the meantime.
    pub fn note_origin(
        &mut self,
        before: &Origin,
        base: Digest,
        whole: Option<u64>,
    ) -> Result<(), WorkspaceError> {
        // What the image names is to be there after a power cut, if the description is.
        self.place.store.sync()?;
        self.locked(|locked| {
            let mut config = Config::load(&locked.place.path)?;
            if config.origin.as_ref() != Some(before) {
                return Err(WorkspaceError::ChangedMeanwhile(locked.place.name.clone()));
            }
            let seq = whole.unwrap_or(before.seq);
            config.origin = Some(Origin { seq, base: Some(base), ..before.clone() });
            config.save(&locked.place.store, &locked.place.path)
        })
    }
}
