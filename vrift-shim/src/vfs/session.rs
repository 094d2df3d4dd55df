//! The workspace that this process works in: handed over by the environment, mapped at the first path inside it.

use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use vrift_manifest::census;
use vrift_manifest::handover::{Handover, SESSION_VARIABLE};
use vrift_manifest::session::{Session, SessionError};

use super::handed::{Kept, MOST};
use super::known::Moment;
use super::{above, attributes, environment, library, process};
use crate::sys::ample;
use crate::sys::client;
use crate::sys::gate;
use crate::sys::slot::Slot;
use crate::sys::start::{Environment, Variable};

/// What was handed over, in the form that is needed often.
pub struct Given {
    /// As it was handed over.
    pub handover: Handover,
    /// The mount path.
    pub mount: Vec<u8>,
    /// The first directory of the mount path that is not on the disk; the mount path, where only it is missing, or nothing.
    pub border: Vec<u8>,
    /// This stands for the directories between the two.
    pub is_above: bool,
    /// Major and minor number of the device that files of the tree are on.
    pub device: (u32, u32),
    /// The variable, `NAME=VALUE`, up to where the number of the parent's record belongs.
    pub text: Vec<u8>,
    /// The path of this library, as the loader was told it; empty: it was not told by the environment.
    pub library: Vec<u8>,
}

static GIVEN: Slot<Given> = Slot::empty();
static SESSION: Slot<Session> = Slot::empty();

const PRELOAD: &[u8] = b"LD_PRELOAD=";

/// The variable, and the value of LD_PRELOAD, as they were at the start.
static KEPT: Kept = Kept::nothing();

/// Looks into the environment. Without the variable nothing is ours. Inlined, so that all that runs at a start lies together:
/// it is read from the disk, or mapped, by pages.
#[inline(always)]
pub fn begin(variables: Environment) {
    let (mut preloaded, mut handed, mut kept) = (None, None, None);
    for variable in variables {
        if variable.begins_with(PRELOAD) {
            preloaded = Some(variable);
        } else if variable.begins_with(SESSION_VARIABLE.as_bytes())
            && variable.bytes().get(SESSION_VARIABLE.len()) == Some(&b'=')
        {
            handed = Some(variable);
        } else if variable.begins_with(environment::KEPT) {
            kept = Some(variable);
        }
    }
    while let Some(one) = kept {
        variables.put_back(one, environment::KEPT.len());
        library::was_told();
        kept = { variables }.find(|variable| variable.begins_with(environment::KEPT));
    }
    let Some(variable) = handed.map(Variable::bytes) else { return };
    let preloaded = preloaded.and_then(|it| it.bytes().get(PRELOAD.len()..)).unwrap_or_default();
    if KEPT.keep(variable, preloaded).is_none() {
        take_apart(variable, preloaded);
    }
}

/// What is handed over to a process that answers for others: once, whatever its own environment says.
#[cfg(target_arch = "x86_64")]
pub fn hand_over(variable: &[u8], library: &[u8]) -> Option<&'static Given> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        take_apart(variable, library);
    });
    GIVEN.get()
}

#[cold]
#[inline(never)]
fn late() -> Option<&'static Given> {
    let mut room = [0; MOST];
    let (handed, preloaded) = KEPT.bytes(&mut room);
    let given = take_apart(handed, preloaded);
    if given.is_none() {
        KEPT.forget();
    }
    given
}

/// Takes the variable, `NAME=VALUE`, apart.
fn take_apart(variable: &[u8], preloaded: &[u8]) -> Option<&'static Given> {
    let text = variable.get(SESSION_VARIABLE.len() + 1..)?;
    let handover = Handover::parse(text)?;
    vrift_manifest::session::run_inside(|work| gate::inside(work));
    process::started_by(handover.parent);
    let mount = handover.mount.as_os_str().as_bytes().to_vec();
    let border = mount.get(..above::border(&mount)).unwrap_or(&mount).to_vec();
    let library = environment::own_library(preloaded).unwrap_or_default().to_vec();
    let device = attributes::device(&handover.id);
    Some(GIVEN.put(Given {
        handover,
        mount,
        border,
        is_above: false,
        device,
        text: without_parent(variable),
        library,
    }))
}

/// The fields of a handover before the one that says the parent.
const FIELDS: usize = 7;

/// The variable up to where the number of the parent's record belongs.
fn without_parent(variable: &[u8]) -> Vec<u8> {
    let mut fields = variable.split(|&byte| byte == b':');
    let mut text = Vec::with_capacity(variable.len() + 32);
    for _ in 0..FIELDS {
        text.extend_from_slice(fields.next().unwrap_or(b"0"));
        text.push(b':');
    }
    text
}

/// What was handed over; none: this process works in no workspace.
#[inline]
pub fn given() -> Option<&'static Given> {
    match GIVEN.get() {
        None if KEPT.is_there() => late(),
        given => given,
    }
}

/// The workspace, as it is now.
#[inline]
pub fn session(given: &'static Given) -> Result<&'static Session, Errno> {
    match SESSION.get() {
        _ if given.is_above => above::session(),
        Some(session) if session.is_in_force() => Ok(session),
        _ => attach(given),
    }
}

/// The first to ask for a path may be a handler of signals on a stack of 8 KiB, of which the kernel has taken half.
#[cold]
fn attach(given: &'static Given) -> Result<&'static Session, Errno> {
    ample::with(|| 0, |_| attach_here(given))
}

fn attach_here(given: &'static Given) -> Result<&'static Session, Errno> {
    gate::inside(|| match Session::attach(&given.handover) {
        // The one before stays mapped: other threads may be reading it.
        Ok(session) => {
            if SESSION.get().is_none() && !client::is_answering() {
                note_seen(given);
                // Changes ask for the time.
                let _ = Moment::now();
            }
            Ok(SESSION.put(session))
        }
        Err(SessionError::Errno(errno)) => Err(errno),
        Err(SessionError::Retired) => Err(Errno::IO),
    })
}

/// The run that this process belongs to counts it.
fn note_seen(given: &'static Given) {
    let Handover { runtime, id, run, .. } = &given.handover;
    census::note_seen(runtime.as_os_str().as_bytes(), id.as_bytes(), *run);
}

/// How often a workspace may be replaced under one call.
const TRIES: usize = 16;

/// Does something with the workspace; again, if it was replaced meanwhile.
pub fn with<T>(
    given: &'static Given,
    mut work: impl FnMut(&'static Session) -> Result<T, SessionError>,
) -> Result<T, Errno> {
    if given.is_above {
        return Err(Errno::PERM);
    }
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
