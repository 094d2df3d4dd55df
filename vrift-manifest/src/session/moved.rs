//! Taking a name away from what was looked at before, and from nothing else: the end of a move out of the tree, in which
//! the content was copied meanwhile.

use super::{Session, SessionError, Who};
use crate::attributes::Kind;
use crate::image::Damaged;
use crate::journal::Operation;
use crate::tree::{Change, Tree};

/// A node as it was at one moment. Whatever is changed about it afterwards makes another one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    node: u64,
    seq: u64,
    draft: u64,
}

impl Version {
    /// Whether the node was being written, so that its content may change without any record.
    pub fn is_written(&self) -> bool {
        self.draft != 0
    }

    fn of(tree: &Tree, node: u64) -> Result<Option<Version>, Damaged> {
        let Some(at) = tree.node(node)? else { return Ok(None) };
        let state = tree.state(at)?;
        let is_file = Kind::of_mode(state.attributes.mode) == Some(Kind::File);
        let draft = if is_file { state.draft } else { 0 };
        Ok(Some(Version { node, seq: state.seq, draft }))
    }
}

/// What became of a name that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// Something else has the name by now, and keeps it.
    Replaced,
    /// The node has changed, and keeps its name.
    Changed,
}

impl Session {
    /// The node as it is now.
    pub fn version(&self, node: u64) -> Result<Option<Version>, SessionError> {
        Ok(Version::of(self.tree(), node)?)
    }

    /// Takes the name away, if the node has it that `version` is of, and is what it was then.
    pub fn unlink_version(
        &self,
        who: &Who<'_>,
        (parent, name): (u64, &[u8]),
        version: &Version,
    ) -> Result<Removal, SessionError> {
        let mut seen = Removal::Done;
        let unlink = Change::Unlink { parent, name };
        self.change_if(who, &unlink, &mut |tree, operation| {
            seen = match *operation {
                Operation::Unlink { node, .. } if node != version.node => Removal::Replaced,
                _ if Version::of(tree, version.node)? != Some(*version) => Removal::Changed,
                _ => Removal::Done,
            };
            Ok(seen == Removal::Done)
        })?;
        Ok(seen)
    }
}
