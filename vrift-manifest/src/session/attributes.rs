//! What `stat` shows.

use rustix::fs::Stat;
use rustix::io::Errno;

use super::change::until_settled;
use super::draft::{mtime_of, shown_mtime, size_of};
use super::{Session, SessionError, rights};
use crate::attributes::Attributes;
use crate::time::Timestamp;
use crate::tree::Cursor;

/// What `stat` shows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// All but the number.
    pub attributes: Attributes,
    /// Room on the disk in units of 512 bytes.
    pub blocks: u64,
}

impl Session {
    /// What `stat` shows. Of a file that is being written: what its draft is now.
    #[inline]
    pub fn attributes(&self, at: Cursor) -> Result<Shown, SessionError> {
        match self.tree.attributes_and_draft(at)? {
            (attributes, None) => Ok(self.shown(at, attributes)),
            _ => self.dirty_attributes(at),
        }
    }

    /// As [`Session::attributes`], of a node by its number.
    #[cold]
    pub fn shown_of_node(&self, node: u64) -> Result<Shown, SessionError> {
        self.attributes(self.tree.node(node)?.ok_or(Errno::NOENT)?)
    }

    #[cold]
    fn dirty_attributes(&self, at: Cursor) -> Result<Shown, SessionError> {
        let node = self.tree.number(at)?;
        until_settled(|| {
            let (attributes, draft) = self.tree.attributes_and_draft(at)?;
            let Some(draft) = draft else {
                return Ok(Some(self.shown(at, attributes)));
            };
            match self.with_draft(node, draft, |path| rustix::fs::stat(path)) {
                Ok(stat) => {
                    // A sealer stamps the file anew, but not before the node is clean.
                    let same = self.tree.draft(at) == Some(draft);
                    Ok(same.then(|| self.shown_of(attributes, &stat)))
                }
                // It was sealed, or went with the last name, perhaps since the node was looked at.
                Err(Errno::NOENT) => match self.tree.attributes_and_draft(at)? {
                    (_, now) if now != Some(draft) => Ok(None),
                    // Without a name, only a descriptor leads to it: see `attributes_of_open`.
                    (attributes, _) if attributes.nlink == 0 => {
                        Ok(Some(self.shown(at, attributes)))
                    }
                    _ => match self.without_draft(at) {
                        // It has lost its name since.
                        SessionError::Errno(Errno::STALE) => Ok(None),
                        error => Err(error),
                    },
                },
                Err(errno) => Err(errno.into()),
            }
        })
    }

    /// As [`Session::attributes`], of a node of which a draft is open, whose `fstat` says `stat`. No call is made. A draft
    /// that was sealed meanwhile is a blob, and says nothing that the tree does not say; what has no name any more may have
    /// one that the tree does not know.
    #[inline]
    pub fn attributes_of_open(&self, at: Cursor, stat: &Stat) -> Result<Shown, SessionError> {
        let (attributes, draft) = self.tree.attributes_and_draft(at)?;
        let held = draft.is_some() || attributes.nlink == 0;
        let dirty = held && rights::is_draft_mode(stat.st_mode);
        Ok(match dirty {
            true => self.shown_of(attributes, stat),
            // Of what was stored before the file was changed, no more can be read than it has.
            false => self.shown(at, Attributes { size: size_of(stat), ..attributes }),
        })
    }

    /// What is shown of a node whose content is in the store.
    #[inline]
    fn shown(&self, at: Cursor, attributes: Attributes) -> Shown {
        Shown { attributes, blocks: self.blocks(at, &attributes) }
    }

    /// The node's attributes with what its draft says of the content.
    #[inline(never)]
    fn shown_of(&self, mut attributes: Attributes, draft: &Stat) -> Shown {
        show_draft(&mut attributes, draft);
        self.note_shown(attributes.mtime);
        Shown { attributes, blocks: u64::try_from(draft.st_blocks).unwrap_or(0) }
    }

    /// No stamp that is given from now on is older than one that was shown: the clock that the kernel stamps files with
    /// may be ahead of ours.
    pub(super) fn note_shown(&self, mtime: Timestamp) {
        if mtime.is_soon_after(self.tree.index.floor().max(Timestamp::coarse_now()))
            && let Some(writer) = self.writer.get()
        {
            writer.tree.index.raise_floor(mtime);
        }
    }
}

/// Puts what a draft is now into its node's attributes.
pub(crate) fn show_draft(attributes: &mut Attributes, draft: &Stat) {
    let mtime = shown_mtime(attributes.mtime, mtime_of(draft));
    if mtime != attributes.mtime {
        attributes.ctime = attributes.ctime.max(mtime);
    }
    attributes.mode = rights::left(attributes.mode, draft);
    attributes.mtime = mtime;
    attributes.size = size_of(draft);
}
