//! Set-user-id and set-group-id of a file that is being written: they go with the first byte that somebody writes who has
//! no right to keep them, and only the kernel sees that. So the draft of a file that has them has set-user-id itself, which
//! the kernel takes from it as it would from the file. Nobody gains anything by it: no draft can be executed.

use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, chmodat, fchmod, fstat, ftruncate, stat};
use rustix::io::{Errno, retry_on_intr};
use vrift_cas::with_path;

use super::draft::{DRAFT_MODE, Decimal, mode_of};
use super::{Session, SessionError, Who};
use crate::attributes::Kind;
use crate::journal::Operation;
use crate::tree::{Change, Tree};
use crate::workspace::Done;

/// What the draft of a file has that has such bits.
const GUARD: u32 = 0o4000;

/// What a draft has that is the file's content also after a power cut: see `synced`. It means nothing to anybody else.
pub(crate) const SYNCED: u32 = 0o040;

/// The bits of a mode that go when the file is written.
fn at_stake(mode: u32) -> u32 {
    if Kind::of_mode(mode) != Some(Kind::File) {
        return 0;
    }
    // Where the group may not execute, the bit means something else.
    let group = if mode & 0o010 != 0 { 0o2000 } else { 0 };
    mode & (0o4000 | group)
}

/// The mode of the draft of a node with this mode.
pub(crate) fn draft_mode(node: u32) -> u32 {
    DRAFT_MODE | if at_stake(node) != 0 { GUARD } else { 0 }
}

/// Whether a file of this mode is a draft that can be written, and neither a blob nor on its way to be one.
pub(crate) fn is_draft_mode(mode: u32) -> bool {
    mode & 0o7777 & !(GUARD | SYNCED) == DRAFT_MODE
}

/// What is left of a node's mode, with the draft as it is.
pub(super) fn left(node: u32, draft: &Stat) -> u32 {
    if mode_of(draft) & !SYNCED == DRAFT_MODE { node & !at_stake(node) } else { node }
}

/// Gives a new draft, which has its content, what it needs for a node of this mode. It is cut if the caller opened it so.
pub(super) fn guard(draft: impl AsFd, node: u32, flags: OFlags) -> Result<(), Errno> {
    if at_stake(node) == 0 {
        return Ok(());
    }
    fchmod(&draft, Mode::from_raw_mode(draft_mode(node)))?;
    if flags.contains(OFlags::TRUNC) {
        retry_on_intr(|| ftruncate(&draft, 0))?;
    }
    Ok(())
}

impl Session {
    /// chmod: what the bits of a file that is being written are from now on is the draft's to say.
    pub(super) fn set_mode(
        &self,
        who: &Who<'_>,
        change: &Change<'_>,
    ) -> Result<Done, SessionError> {
        let mut refused = None;
        let done = self.change_if(who, change, &mut |tree, operation| {
            if let Operation::SetMode { node, mode } = *operation
                && mode & 0o6000 != 0
            {
                refused = self.guard_draft(tree, node, mode)?.err();
            }
            Ok(refused.is_none())
        })?;
        match refused {
            Some(errno) => Err(errno.into()),
            None => Ok(done),
        }
    }

    /// Before chmod by a descriptor of a file that has lost its name, with its draft: nobody makes that a blob any more.
    pub fn guard_held(&self, held: impl AsFd, mode: u32) -> Result<(), SessionError> {
        let found = fstat(&held).map_err(SessionError::from)?;
        if found.st_nlink == 0 && is_draft_mode(found.st_mode) {
            let wanted = draft_mode(Kind::File as u32 | mode & 0o7777) | found.st_mode & SYNCED;
            let wanted = Mode::from_raw_mode(wanted);
            let changed = match fchmod(&held, wanted) {
                // It only stands for the path.
                Err(Errno::BADF) => {
                    let number = Decimal::of(held.as_fd().as_raw_fd().unsigned_abs().into());
                    with_path(&[b"/proc/self/fd/", number.bytes()], |name| {
                        chmodat(CWD, name, wanted, AtFlags::empty())
                    })
                }
                changed => changed,
            };
            changed.map_err(SessionError::from)?;
        }
        Ok(())
    }

    /// Under the lock, and before the record: a sealer that looked at the draft before this sees that the node has changed.
    fn guard_draft(
        &self,
        tree: &Tree,
        node: u64,
        mode: u32,
    ) -> Result<Result<(), Errno>, crate::image::Damaged> {
        let Some(at) = tree.node(node)? else { return Ok(Ok(())) };
        let Some(draft) = tree.draft(at) else { return Ok(Ok(())) };
        let kind = tree.mode(at)? & !0o7777;
        let wanted = draft_mode(kind | mode & 0o7777);
        let guarded = self.with_draft(node, draft, |path| {
            let found = stat(path)?;
            // Whoever is making it a blob has seen that nobody writes it.
            if found.st_nlink != 1 || !is_draft_mode(found.st_mode) {
                return Ok(());
            }
            let wanted = wanted | found.st_mode & SYNCED;
            chmodat(CWD, path, Mode::from_raw_mode(wanted), AtFlags::empty())
        });
        // It went with the last name.
        Ok(guarded.or_else(|errno| if errno == Errno::NOENT { Ok(()) } else { Err(errno) }))
    }
}
