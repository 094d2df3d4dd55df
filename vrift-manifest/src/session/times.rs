//! Setting times.

use rustix::io::Errno;

use super::{Session, SessionError, Who};
use crate::time::Timestamp;
use crate::tree::Change;
use crate::workspace::Done;

impl Session {
    /// utimes; what is left out stays. Of a node that is being written, the draft gets the mtime too, so that the two never
    /// disagree.
    pub fn set_times(
        &self,
        who: &Who<'_>,
        node: u64,
        atime: Option<Timestamp>,
        mtime: Option<Timestamp>,
    ) -> Result<Done, SessionError> {
        if let Some(mtime) = mtime
            && let Some(at) = self.tree.node(node)?
            && let Some(draft) = self.tree.draft(at)
        {
            // Before the record: a sealer that looked at the draft before this sees that the node has changed since, and
            // looks again.
            match self.set_draft_mtime(node, draft, mtime.kept()) {
                // Sealed meanwhile.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.change(who, &Change::SetTimes { node, atime, mtime })
    }
}
