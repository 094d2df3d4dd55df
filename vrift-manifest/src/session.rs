#![allow(missing_docs)]
use crate::attributes::Attributes;
use crate::handover::Handover;
use crate::time::Timestamp;
use crate::tree::{Change, Cursor, Tree};
use crate::workspace::{Author, Done};
use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::sync::atomic::AtomicU64;
pub struct Session(Tree);
pub struct Shown {
    pub attributes: Attributes,
    pub blocks: u64,
}
pub enum SessionError {
    Errno(Errno),
    Retired,
}
pub enum Seal {
    Sealed,
    Busy,
    Clean,
    Later,
}
pub struct Who<'a> {
    pub process: &'a AtomicU64,
    pub author: &'a dyn Fn() -> Author,
}
impl Session {
    pub fn attach(_h: &Handover) -> Result<Session, SessionError> {
        Err(SessionError::Retired)
    }
    pub fn is_in_force(&self) -> bool {
        true
    }
    pub fn tree(&self) -> &Tree {
        &self.0
    }
    pub fn attributes(&self, _at: Cursor) -> Result<Shown, SessionError> {
        Err(SessionError::Retired)
    }
    pub fn change(&self, _who: &Who<'_>, _change: &Change<'_>) -> Result<Done, SessionError> {
        Err(SessionError::Retired)
    }
    pub fn open_for_reading(&self, _node: u64, _flags: OFlags) -> Result<OwnedFd, SessionError> {
        Err(SessionError::Retired)
    }
    pub fn open_for_writing(
        &self,
        _who: &Who<'_>,
        _node: u64,
        _flags: OFlags,
    ) -> Result<OwnedFd, SessionError> {
        Err(SessionError::Retired)
    }
    #[allow(clippy::too_many_arguments)]
    pub fn create_file(
        &self,
        _who: &Who<'_>,
        _parent: u64,
        _name: &[u8],
        _mode: u32,
        _uid: u32,
        _gid: u32,
        _flags: OFlags,
    ) -> Result<(u64, OwnedFd), SessionError> {
        Err(SessionError::Retired)
    }
    pub fn truncate(&self, _who: &Who<'_>, _node: u64, _length: u64) -> Result<(), SessionError> {
        Err(SessionError::Retired)
    }
    pub fn set_times(
        &self,
        _who: &Who<'_>,
        _node: u64,
        _a: Option<Timestamp>,
        _m: Option<Timestamp>,
    ) -> Result<Done, SessionError> {
        Err(SessionError::Retired)
    }
    pub fn seal(&self, _who: &Who<'_>, _node: u64) -> Result<Seal, SessionError> {
        Err(SessionError::Retired)
    }
}
