//! Directories that are being written. Mode and times wait until everything below is there: a directory may be
//! read-only, and every entry that is made in it changes its times.

use std::sync::Arc;

use vrift_manifest::attributes::Attributes;

use crate::ingest::Xattr;
use crate::walk::Directory;

/// A directory that is being written, held by whatever is still to be made below it.
#[derive(Debug)]
pub struct Pending {
    /// The real directory.
    pub directory: Arc<Directory>,
    /// What it is to have in the end; `None` for a directory that is not part of the tree.
    pub wanted: Option<(Attributes, Vec<Xattr>)>,
    above: Option<Arc<Pending>>,
}

impl Pending {
    /// The directory that the export begins at.
    pub fn root(directory: Directory, wanted: Option<(Attributes, Vec<Xattr>)>) -> Arc<Pending> {
        Arc::new(Pending { directory: directory.share(), wanted, above: None })
    }

    /// A directory below another one.
    pub fn below(
        above: &Arc<Pending>,
        directory: Directory,
        wanted: (Attributes, Vec<Xattr>),
    ) -> Arc<Pending> {
        let above = Some(Arc::clone(above));
        Arc::new(Pending { directory: directory.share(), wanted: Some(wanted), above })
    }

    /// Lets go of a directory. Whoever is the last to do so finishes it, and those above it that waited for it only.
    pub fn release(self: Arc<Pending>, mut finish: impl FnMut(&Pending)) {
        let mut next = Some(self);
        while let Some(mut last) = next.and_then(Arc::into_inner) {
            finish(&last);
            next = last.above.take();
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Not by recursion, as a tree may be deeper than the stack.
        let mut above = self.above.take();
        while let Some(mut last) = above.and_then(Arc::into_inner) {
            above = last.above.take();
        }
    }
}
