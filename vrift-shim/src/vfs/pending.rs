//! What the session does not do yet.
#![allow(clippy::too_many_arguments, dead_code)]
use rustix::fd::OwnedFd;
use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::session::{Session, SessionError, Who};
use vrift_manifest::time::Timestamp;
use vrift_manifest::workspace::Done;

const NOT_YET: SessionError = SessionError::Errno(Errno::NOSYS);

pub trait Pending {
    fn open_for_writing(&self, _: &Who<'_>, _: u64, _: OFlags) -> Result<OwnedFd, SessionError> {
        Err(NOT_YET)
    }
    fn create_file(
        &self,
        _: &Who<'_>,
        _: u64,
        _: &[u8],
        _: u32,
        _: u32,
        _: u32,
        _: OFlags,
    ) -> Result<(u64, OwnedFd), SessionError> {
        Err(NOT_YET)
    }
    fn truncate(&self, _: &Who<'_>, _: u64, _: u64) -> Result<(), SessionError> {
        Err(NOT_YET)
    }
    fn set_times(
        &self,
        _: &Who<'_>,
        _: u64,
        _: Option<Timestamp>,
        _: Option<Timestamp>,
    ) -> Result<Done, SessionError> {
        Err(NOT_YET)
    }
    fn seal(&self, _: &Who<'_>, _: u64) -> Result<(), SessionError> {
        Err(NOT_YET)
    }
}

impl Pending for Session {}
