//! Sealing by copying: where the kernel grants no lease, so that nobody knows whether the draft is still written.

use std::fs::File;

use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::io::{Errno, retry_on_intr};
use vrift_cas::Store;

use super::draft::{mtime_of, shown_mtime, size_of};
use super::seal::Seal;
use super::{Session, SessionError, Who, rights};
use crate::journal::Operation;
use crate::journal::append::Need;

impl Session {
    /// Puts a copy of a draft into the store, and records that as the node's content. The draft goes on: it may be written
    /// at this moment, and whoever reads the node reads the draft. Not for a preloaded library: it takes an open store.
    pub fn seal_copy(&self, who: &Who<'_>, node: u64, store: &Store) -> Result<Seal, SessionError> {
        let Some(at) = self.tree.node(node)? else { return Ok(Seal::Clean) };
        let author = who.before();
        let state = self.tree.state(self.tree.again(at))?;
        if state.draft == 0 || state.attributes.nlink == 0 {
            return Ok(Seal::Clean);
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let opened = self.with_draft(node, state.draft, |path| {
            retry_on_intr(|| open(path, flags, Mode::empty()))
        });
        let file = match opened {
            Err(Errno::NOENT) => return Ok(Seal::Clean),
            other => File::from(other?),
        };
        let before = fstat(&file)?;
        let put = store.put_file(&file)?;
        let after = fstat(&file)?;
        if mtime_of(&before) != mtime_of(&after) || size_of(&after) != put.size {
            return Ok(Seal::Busy);
        }
        let mtime = shown_mtime(state.attributes.mtime, mtime_of(&after));
        self.turn(|turn| {
            let now = turn.tree().state(turn.tree().again(at))?;
            if now != state {
                return Ok(Seal::Busy);
            }
            let known = crate::tree::words_digest(state.content) == put.digest;
            if known && state.attributes.mtime == mtime {
                return Ok(Seal::Clean);
            }
            let process = turn.register(who, author.as_ref())?;
            let mode = rights::left(state.attributes.mode, &after);
            if mode != state.attributes.mode {
                let mode = mode & 0o7777;
                turn.append(process, Operation::SetMode { node, mode }, Need::Ordinary)?;
            }
            let operation = Operation::Sealed {
                node,
                draft: state.draft,
                digest: *put.digest.as_bytes(),
                size: put.size,
                mtime,
                kept: true,
            };
            turn.append(process, operation, Need::Ordinary)?;
            Ok(Seal::Sealed { new: put.new, size: put.size })
        })
    }
}
