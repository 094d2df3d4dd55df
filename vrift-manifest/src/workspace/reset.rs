//! Resetting a workspace: its tree becomes one that it, or another workspace, had at some moment.

use super::compact::fold;
use super::create::random_segment;
use super::drafts::live_drafts;
use super::error::WorkspaceError;
use super::images;
use super::open::Workspace;
use super::rebase::{Replacement, rebase};
use super::verify::check_image;
use crate::journal::Reason;
use crate::tree::Tree;

impl Workspace {
    /// Replaces the tree by `tree`, as one step of history; the number of the step. Nodes of `tree` with a number below
    /// `known` are the same nodes here and keep it; the others are new here and get numbers that were never used. The
    /// blobs must be in this store.
    pub fn reset_to(&mut self, tree: &Tree, known: u64) -> Result<u64, WorkspaceError> {
        let store = self.home.store.clone();
        check_image(&store, tree)?;
        // Until image and segment are named by the workspace, gc is not to take them.
        let _activity = store.begin()?;
        store.sync()?;
        let author = self.author.clone();
        let segment = random_segment(&self.home)?;
        let seq = self.locked(|locked| {
            let mut next = locked.tree().next_node();
            let first = next;
            let builder = fold(tree, &mut |number| {
                if number < known.min(first) {
                    return number;
                }
                next += 1;
                next - 1
            })?;
            let store = &locked.place.store;
            let image = images::write(store, builder, next)?.image_id;
            store.sync()?;
            let replacement = Replacement::plain(image, Reason::Reset);
            let drafts = live_drafts(locked.tree());
            rebase(locked, &replacement, segment, author.as_ref(), &drafts)
        })?;
        self.process = 0;
        self.refresh()?;
        Ok(seq)
    }
}
