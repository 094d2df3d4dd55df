//! Sealing: what is in a draft becomes a blob, when nobody can write it any more.
//!
//! 1. A **read lease** on the draft. The kernel refuses it while there is a descriptor or a mapping to write with, anywhere.
//! 2. **Hash** what is there.
//! 3. In one turn under the lock: see that the node still has this draft and has not changed, take the draft's mode away
//!    (01555), see that the **lease still holds**, **link** the draft to the blob's name, **record** it.
//! 4. **Stamp** the blob, **unlink** the draft's name, and close it, which ends the lease.
//!
//! A kill anywhere loses nothing: up to the record the node has its draft, from there on the blob is there. Readers who have
//! the draft open have the blob open from then on: it is the same file.
//!
//! Why nobody ends with a descriptor to write a blob with: modes are changed under the lock only. Who opened the draft for
//! writing and then finds mode 01600 has opened it before step 3 of any sealer, who then finds his lease broken; who finds
//! another mode closes it again. Who opens it while a lease lasts does not wait but is refused, and tries again. A sealer
//! that finds its lease broken gives the draft its mode back, and leaves it to the writer.
//!
//! **A draft on which somebody holds a lock stays one**: who opened the file later would get another draft, another inode, and
//! lock that. Whoever can write it is seen by the lease; of others the control page says whether there may be any. A locker
//! notes himself there, locks, and then looks whether it is a draft still; a sealer takes the mode away, and then looks whether
//! there is a lock. So one of them sees the other, or both do: the sealer gives up, and the locker tries again.
//!
//! A draft that was a copy of the node's content, and has its time and length still, was not written: nothing is hashed.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, Stat, fchmod, fstat, fstatfs};
use rustix::io::Errno;
use vrift_cas::{Digest, Sealer, Standing};

use super::change::{Failure, until_settled};
use super::digest::{digest_of, is_mostly_holes};
use super::draft::{Decimal, is_copy, mtime_of, open_to_seal, shown_mtime, size_of};
use super::{Session, SessionError, Who, rights};
use crate::index::NodeState;
use crate::journal::Operation;
use crate::journal::append::Need;
use crate::shm::{lease, locked};
use crate::time::Timestamp;
use crate::tree::{Cursor, words_digest};
use crate::workspace::Author;
use crate::workspace::turn::Turn;

/// What became of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// The node is clean now.
    Sealed {
        /// Whether the store did not have the content before.
        new: bool,
        /// Its bytes.
        size: u64,
    },
    /// Somebody can still write it.
    Busy,
    /// There was nothing to seal.
    Clean,
    /// It is written again and again, or there is little in it and long to hash: it waits for a snapshot, a fork, or the
    /// end of the run. Or somebody holds a lock on it, or no lease can be had: it can be sealed by copying only.
    Later,
}

/// A file that is written again within this time after its last seal is not sealed at once a second time: else adding a
/// line to a file a thousand times would copy and hash it as often.
const AGAIN: i64 = 60_000_000_000;

/// The longest that the records of a seal get, with their frames.
const SEAL_RECORD: usize = 240;

/// overlayfs, on which a lease is granted although there are mappings.
const OVERLAYFS: u64 = 0x794c_7630;

/// How one try ended.
enum Try {
    Done(Seal),
    /// The node has changed meanwhile.
    Again,
    /// There is a blob of that name already.
    Exists,
    /// There is no directory for it.
    NoDirectory,
}

/// How the draft becomes the blob.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By a second name.
    Link,
    /// There is a good one: the draft goes.
    Drop,
    /// In place of one that is not good.
    Replace,
}

/// What is known of a draft that is being sealed.
struct Sealing<'a> {
    node: u64,
    at: Cursor,
    state: NodeState,
    file: BorrowedFd<'a>,
    stat: Stat,
    digest: Digest,
    mtime: Timestamp,
}

impl Session {
    /// Makes what was written a blob, if nobody can write it any more: after a close. It does not wait for others.
    pub fn seal(&self, who: &Who<'_>, node: u64) -> Result<Seal, SessionError> {
        self.seal_draft(who, node, false)
    }

    /// As [`Session::seal`]; `at_once`: also what is written again and again.
    pub fn seal_draft(
        &self,
        who: &Who<'_>,
        node: u64,
        at_once: bool,
    ) -> Result<Seal, SessionError> {
        let Some(at) = self.tree.node(node)? else { return Ok(Seal::Clean) };
        let mut author = None;
        until_settled(|| {
            let state = self.tree.state(self.tree.again(at))?;
            if state.draft == 0 || state.attributes.nlink == 0 {
                return Ok(Some(Seal::Clean));
            }
            author = author.take().or_else(|| who.before());
            let opened = self.with_draft(node, state.draft, open_to_seal);
            let file = match opened {
                Err(Errno::NOENT) if self.tree.draft(self.tree.again(at)) == Some(state.draft) => {
                    return match self.without_draft(at) {
                        SessionError::Errno(Errno::STALE) => Ok(Some(Seal::Clean)),
                        error => Err(error),
                    };
                }
                Err(Errno::NOENT) => return Ok(None),
                other => other?,
            };
            let sealed = self.seal_open(who, author.as_ref(), node, at, state, &file, at_once);
            if !matches!(sealed, Ok(Some(Seal::Sealed { .. }))) {
                // Closing would do, but a child that was just forked off has the file open, too.
                lease::give_up(file.as_fd());
            }
            // Not by dropping it, which libc is asked for, and whoever has taken its place: he would look at the file.
            crate::shm::close(file);
            sealed
        })
    }

    #[allow(clippy::too_many_arguments, reason = "what is known by then")]
    fn seal_open(
        &self,
        who: &Who<'_>,
        author: Option<&Author>,
        node: u64,
        at: Cursor,
        state: NodeState,
        file: &OwnedFd,
        at_once: bool,
    ) -> Result<Option<Seal>, SessionError> {
        // Nobody else's files, and none of a file system where a lease is less than it should be.
        match lease::take(file.as_fd()) {
            Ok(()) => {}
            Err(Errno::AGAIN) => return Ok(Some(Seal::Busy)),
            Err(_) => return Ok(Some(Seal::Later)),
        }
        if self.misses_mappings(file) {
            return Ok(Some(Seal::Later));
        }
        // What is locked now and again is sealed when there is need: its lockers may be waiting for each other. And whether it is
        // locked is asked before its mode is touched: who holds a lock and takes another is not to be led to look closer.
        if self.control.may_be_locked(node) && (!at_once || locked::in_part(file.as_fd())) {
            return Ok(Some(Seal::Later));
        }
        let stat = fstat(file)?;
        let waits = || is_written_again(&state, &stat) || is_mostly_holes(&stat);
        if !at_once && (is_synced(&stat) || waits()) {
            return Ok(Some(Seal::Later));
        }
        let mtime = shown_mtime(state.attributes.mtime, mtime_of(&stat));
        let untouched = is_untouched(&state, &stat);
        let digest = if untouched {
            words_digest(state.content)
        } else {
            match digest_of(file, &stat)? {
                Some(digest) => digest,
                None => return Ok(Some(Seal::Busy)),
            }
        };
        // The blob of no bytes is always there, and of what was only copied the one that it was copied from.
        let way = if untouched || size_of(&stat) == 0 { Way::Drop } else { Way::Link };
        let sealing = Sealing { node, at, state, file: file.as_fd(), stat, digest, mtime };
        let sealed = self.seal_by_turns(who, author, &sealing, way);
        if sealed.is_err() {
            // Whoever wants to write it can. Where that fails too, he does it himself: see `rescue`.
            let _ = self.make_writable(node, state.draft);
        }
        sealed
    }

    fn seal_by_turns(
        &self,
        who: &Who<'_>,
        author: Option<&Author>,
        sealing: &Sealing<'_>,
        mut way: Way,
    ) -> Result<Option<Seal>, SessionError> {
        // A directory to be made, a blob to be looked at, one to be replaced: each at most once.
        for _ in 0..4 {
            match self.turn(|turn| self.seal_turn(turn, who, author, sealing, way))? {
                Try::Done(seal) => {
                    if matches!(seal, Seal::Sealed { .. }) {
                        self.after_seal(sealing, way);
                    }
                    return Ok(Some(seal));
                }
                Try::Again => return Ok(None),
                Try::NoDirectory => self.sealer.make_room_for(&sealing.digest, self.give)?,
                Try::Exists => way = self.way_beside(sealing)?,
            }
        }
        Err(Errno::IO.into())
    }

    /// What to do beside the blob that is there already.
    #[cold]
    fn way_beside(&self, sealing: &Sealing<'_>) -> Result<Way, SessionError> {
        let (size, inode) = (size_of(&sealing.stat), sealing.stat.st_ino);
        let standing = self.sealer.standing(&sealing.digest, size, inode, self.control.boot())?;
        Ok(match standing {
            Standing::Sound => Way::Drop,
            // By somebody who died before the record, or is as far as we are.
            Standing::Same => Way::Drop,
            Standing::Doubtful => Way::Replace,
            Standing::Gone => Way::Link,
        })
    }

    /// Under the lock.
    fn seal_turn(
        &self,
        turn: &mut Turn<'_>,
        who: &Who<'_>,
        author: Option<&Author>,
        sealing: &Sealing<'_>,
        way: Way,
    ) -> Result<Try, Failure> {
        let Sealing { node, file, digest, mtime, .. } = *sealing;
        let draft = sealing.state.draft;
        if turn.tree().state(turn.tree().again(sealing.at))? != sealing.state {
            return Ok(Try::Again);
        }
        let process = turn.register(who, author)?;
        turn.reserve(SEAL_RECORD, Need::Ordinary)?;
        let mode = self.record_rights(turn, process, sealing)?;
        fchmod(file, Mode::from_raw_mode(Sealer::BLOB_MODE))?;
        if !lease::holds(file) {
            self.give_back(sealing, mode)?;
            return Ok(Try::Done(Seal::Busy));
        }
        if self.control.may_be_locked(node) && (locked::in_part(file) || locked::as_a_whole(file)) {
            self.give_back(sealing, mode)?;
            return Ok(Try::Done(Seal::Later));
        }
        let linked = match way {
            Way::Drop => Ok(()),
            Way::Link => self.with_draft(node, draft, |path| self.sealer.link(path, &digest)),
            Way::Replace => self.with_draft(node, draft, |path| {
                let unique = Decimal::of(node);
                self.sealer.replace(path, &digest, unique.bytes())
            }),
        };
        match linked {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(Try::Exists),
            Err(Errno::NOENT) if way == Way::Link => return Ok(Try::NoDirectory),
            Err(errno) => {
                self.give_back(sealing, mode)?;
                return Err(errno.into());
            }
        }
        let size = size_of(&sealing.stat);
        let operation =
            Operation::Sealed { node, draft, digest: *digest.as_bytes(), size, mtime, kept: false };
        turn.append(process, operation, Need::Ordinary)?;
        Ok(Try::Done(Seal::Sealed { new: way != Way::Drop, size }))
    }

    /// The blob has its stamp only now, because until the record `stat` of the node looked at its time. What is not done
    /// here does no harm: a blob without a stamp is not trusted, and a name without a node is cleared away later.
    fn after_seal(&self, sealing: &Sealing<'_>, way: Way) {
        if way != Way::Drop || sealing.stat.st_nlink > 1 {
            let _ = self.sealer.stamp(sealing.file, self.control.boot());
        }
        // What is on the disk stays there until the record is there, too: the name goes with what is left over.
        if !is_synced(&sealing.stat) {
            let _ = self.remove_draft(sealing.node, sealing.state.draft);
        }
    }

    /// Under the lock: the node's mode, without what it has lost by being written.
    fn record_rights(
        &self,
        turn: &mut Turn<'_>,
        process: u64,
        sealing: &Sealing<'_>,
    ) -> Result<u32, Failure> {
        let Sealing { node, state, .. } = *sealing;
        let mode = rights::left(state.attributes.mode, &sealing.stat);
        if mode != state.attributes.mode {
            turn.append(process, Operation::SetMode { node, mode: mode & 0o7777 }, Need::Ordinary)?;
        }
        Ok(mode)
    }

    /// Under the lock: a draft that is no blob can be written again. `mode`: the node's.
    fn give_back(&self, sealing: &Sealing<'_>, mode: u32) -> Result<(), Errno> {
        if fstat(sealing.file)?.st_nlink == 1 {
            let synced = if is_synced(&sealing.stat) { rights::SYNCED } else { 0 };
            fchmod(sealing.file, Mode::from_raw_mode(rights::draft_mode(mode) | synced))?;
        }
        Ok(())
    }

    /// A draft that was left with another mode than its own, and that nobody is sealing.
    #[cold]
    pub(super) fn make_writable(&self, node: u64, draft: u64) -> Result<(), SessionError> {
        use rustix::fs::{AtFlags, CWD, chmodat, stat};
        self.turn(|turn| {
            let tree = turn.tree();
            let Some(at) = tree.node(node)? else { return Ok(()) };
            if tree.draft(at) != Some(draft) {
                return Ok(());
            }
            let mode = Mode::from_raw_mode(rights::draft_mode(tree.mode(at)?));
            let changed = self.with_draft(node, draft, |path| {
                let found = stat(path)?;
                match found.st_nlink == 1 && !rights::is_draft_mode(found.st_mode) {
                    true => chmodat(CWD, path, mode, AtFlags::empty()),
                    false => Ok(()),
                }
            });
            Ok(changed?)
        })
    }

    /// Whether the kernel grants leases on this file system although there are mappings to write with.
    fn misses_mappings(&self, file: &OwnedFd) -> bool {
        use std::sync::atomic::Ordering;
        match self.overlay.load(Ordering::Relaxed) {
            0 => {
                #[allow(clippy::unnecessary_cast, reason = "the type differs between targets")]
                let misses = fstatfs(file).is_ok_and(|found| found.f_type as u64 == OVERLAYFS);
                self.overlay.store(if misses { 2 } else { 1 }, Ordering::Relaxed);
                misses
            }
            known => known == 2,
        }
    }
}

/// Whether a program has asked for it to be on the disk. It is, as a draft; who does so once does so again.
fn is_synced(draft: &Stat) -> bool {
    Session::is_synced(draft.st_mode)
}

/// Whether the file was sealed a moment ago, and then written again rather than anew.
fn is_written_again(state: &NodeState, draft: &Stat) -> bool {
    let made = i64::try_from(state.draft).unwrap_or(i64::MAX);
    is_copy(draft) && made.saturating_sub(state.attributes.mtime.to_nanos()) < AGAIN
}

/// Whether nothing was written since the draft was made as a copy. If the content was written a moment before that, the
/// same time would not prove it.
fn is_untouched(state: &NodeState, draft: &Stat) -> bool {
    const MOMENT: i64 = 100_000_000;
    let made = i64::try_from(state.draft).unwrap_or(i64::MAX);
    let mtime = mtime_of(draft);
    is_copy(draft)
        && mtime == state.attributes.mtime
        && size_of(draft) == state.attributes.size
        && made.saturating_sub(mtime.to_nanos()) > MOMENT
}
