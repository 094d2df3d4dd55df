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
        let mut refused = None;
        let done =
            self.change_if(who, &Change::SetTimes { node, atime, mtime }, &mut |tree, _| {
                let draft = match tree.node(node)? {
                    Some(at) => tree.draft(at),
                    None => None,
                };
                let (Some(mtime), Some(draft)) = (mtime, draft) else { return Ok(true) };
                // Under the lock: it is the draft still, and no blob, whose time is the store's. And before the record: a
                // sealer that looked at the draft before this sees that the node has changed since, and looks again.
                match self.set_draft_mtime(node, draft, mtime.kept()) {
                    // It went with the last name.
                    Ok(()) | Err(Errno::NOENT) => Ok(true),
                    Err(errno) => {
                        refused = Some(errno);
                        Ok(false)
                    }
                }
            })?;
        match refused {
            Some(errno) => Err(errno.into()),
            None => Ok(done),
        }
    }
}
