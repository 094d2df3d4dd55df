//! The workspace that this process works in: handed over by the environment, mapped at the first path inside it.

use rustix::io::Errno;
use vrift_manifest::handover::{Handover, SESSION_VARIABLE};
use vrift_manifest::session::{Session, SessionError};

use crate::sys::gate;
use crate::sys::slot::Slot;
use crate::sys::start::Environment;

/// What was handed over, in the form that is needed often.
pub struct Given {
    /// As it was handed over.
    pub handover: Handover,
    /// The mount path.
    pub mount: Vec<u8>,
    /// The variable's text, for processes that this one starts.
    pub text: Vec<u8>,
}

static GIVEN: Slot<Given> = Slot::empty();
static SESSION: Slot<Session> = Slot::empty();

/// Reads the environment. Without the variable nothing is ours.
pub fn begin(environment: Environment) {
    for variable in environment {
        let Some(rest) = variable.strip_prefix(SESSION_VARIABLE.as_bytes()) else { continue };
        let Some(text) = rest.strip_prefix(b"=") else { continue };
        if let Some(handover) = Handover::parse(text) {
            use std::os::unix::ffi::OsStrExt;
            let mount = handover.mount.as_os_str().as_bytes().to_vec();
            vrift_manifest::session::run_inside(|work| gate::inside(work));
            GIVEN.put(Given { handover, mount, text: text.to_vec() });
        }
        return;
    }
}

/// What was handed over; none: this process works in no workspace.
#[inline]
pub fn given() -> Option<&'static Given> {
    GIVEN.get()
}

/// The workspace, as it is now.
#[inline]
pub fn session(given: &'static Given) -> Result<&'static Session, Errno> {
    match SESSION.get() {
        Some(session) if session.is_in_force() => Ok(session),
        _ => attach(given),
    }
}

#[cold]
fn attach(given: &'static Given) -> Result<&'static Session, Errno> {
    gate::inside(|| match Session::attach(&given.handover) {
        // The one before stays mapped: other threads may be reading it.
        Ok(session) => Ok(SESSION.put(session)),
        Err(SessionError::Errno(errno)) => Err(errno),
        Err(SessionError::Retired) => Err(Errno::IO),
    })
}

/// How often a workspace may be replaced under one call.
const TRIES: usize = 16;

/// Does something with the workspace; again, if it was replaced meanwhile.
pub fn with<T>(
    given: &'static Given,
    mut work: impl FnMut(&'static Session) -> Result<T, SessionError>,
) -> Result<T, Errno> {
    for _ in 0..TRIES {
        match work(session(given)?) {
            Err(SessionError::Retired) => {}
            Err(SessionError::Errno(errno)) => return Err(errno),
            Ok(value) => return Ok(value),
        }
    }
    Err(Errno::IO)
}

/// What a session's error is to a program that asks only once.
pub fn errno_of(error: SessionError) -> Errno {
    match error {
        SessionError::Errno(errno) => errno,
        SessionError::Retired => Errno::IO,
    }
}

/// The record of the process that started this one; 0: none is known.
pub fn parent_record() -> u64 {
    0
}
