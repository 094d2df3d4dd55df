//! Applying records that were read: first it is seen whether they fit the tree.
//!
//! A change that is made was checked before it was written. What is read may be anything that somebody wrote with a
//! right checksum: a directory with two names, or inside itself, on which every walk through the tree would go round for
//! ever. Only what keeps the tree a tree is looked at here, not what the kernel would have said.

use super::apply::ApplyError;
use super::change::ChangeError;
use super::read::{ROOT, Tree};
use crate::attributes::Kind;
use crate::journal::{Operation, Record};

impl Tree {
    /// Applies the record with number `seq`, which comes from a journal, unless it contradicts the tree.
    pub fn replay(&self, seq: u64, record: &Record<'_>) -> Result<(), ApplyError> {
        match self.contradiction(&record.operation) {
            Ok(None) => self.apply(seq, record),
            Ok(Some(what)) => Err(ApplyError::Contradiction { seq, what }),
            Err(ChangeError::Damaged(damaged)) => Err(damaged.into()),
            Err(ChangeError::Errno(_)) => {
                Err(ApplyError::Contradiction { seq, what: "there is no such directory" })
            }
        }
    }

    /// In which way the operation cannot have happened to this tree.
    fn contradiction(
        &self,
        operation: &Operation<'_>,
    ) -> Result<Option<&'static str>, ChangeError> {
        let holds = match *operation {
            Operation::Process { .. }
            | Operation::StoreSynced { .. }
            | Operation::Rebased { .. }
            | Operation::SetMode { .. }
            | Operation::SetOwner { .. }
            | Operation::SetTimes { .. }
            | Operation::SetXattrs { .. } => true,
            Operation::SetContent { node, .. }
            | Operation::DraftOpened { node, .. }
            | Operation::DraftSynced { node, .. }
            | Operation::Sealed { node, .. } => self.is_a(node, |kind| kind == Kind::File)?,
            Operation::Create { parent, name, node, .. } => {
                self.node(node)?.is_none() && self.takes(parent, name, 0)?
            }
            Operation::Link { node, parent, name } => {
                self.is_a(node, |kind| kind != Kind::Directory)? && self.takes(parent, name, 0)?
            }
            Operation::Unlink { parent, name, node } => {
                self.is_a(node, |kind| kind != Kind::Directory)?
                    && self.means(parent, name)? == node
            }
            Operation::RemoveDirectory { parent, name, node } => {
                self.is_empty(node)? && self.means(parent, name)? == node
            }
            Operation::Rename { from_parent, from, to_parent, to, node, replaced } => {
                node != replaced
                    && self.means(from_parent, from)? == node
                    && self.takes(to_parent, to, replaced)?
                    && !self.is_at_or_above(node, to_parent)?
                    && (replaced == 0 || self.gives_way(replaced, node)?)
            }
            Operation::Exchange { one_parent, one, other_parent, other, one_node, other_node } => {
                one_node != other_node
                    && self.means(one_parent, one)? == one_node
                    && self.means(other_parent, other)? == other_node
                    && !self.is_at_or_above(one_node, other_parent)?
                    && !self.is_at_or_above(other_node, one_parent)?
            }
        };
        Ok((!holds).then_some("its nodes and names are not as it says"))
    }

    /// Whether the node exists and is of a kind.
    fn is_a(&self, node: u64, which: impl Fn(Kind) -> bool) -> Result<bool, ChangeError> {
        match self.node(node)? {
            Some(cursor) => Ok(which(self.kind(cursor)?)),
            None => Ok(false),
        }
    }

    /// The node that the name means in a directory; 0 = none.
    fn means(&self, parent: u64, name: &[u8]) -> Result<u64, ChangeError> {
        Ok(match self.named(parent, name)? {
            Some(cursor) => self.number(cursor)?,
            None => 0,
        })
    }

    /// Whether a directory that was not removed can take the name, which means `now` in it.
    fn takes(&self, parent: u64, name: &[u8], now: u64) -> Result<bool, ChangeError> {
        let alive = self.attributes(self.directory(parent)?)?.nlink > 0;
        Ok(alive && self.means(parent, name)? == now)
    }

    fn is_empty(&self, directory: u64) -> Result<bool, ChangeError> {
        Ok(directory != ROOT && self.is_empty_directory(self.directory(directory)?)?)
    }

    /// Whether `node` can come in the place of `replaced`.
    fn gives_way(&self, replaced: u64, node: u64) -> Result<bool, ChangeError> {
        let directory = self.is_a(node, |kind| kind == Kind::Directory)?;
        let over_directory = self.is_a(replaced, |kind| kind == Kind::Directory)?;
        Ok(directory == over_directory && (!over_directory || self.is_empty(replaced)?))
    }
}
