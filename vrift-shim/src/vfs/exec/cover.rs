//! A program in which no library can be is about to be executed, or to be spawned: its calls are to be answered by
//! `vrift run` (`crate::answer`).

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;

use vrift_manifest::census;

use crate::vfs::session::Given;

/// Covers this process; or has the run name the program, that could not be seen.
#[cold]
#[inline(never)]
pub fn begin(given: &'static Given, program: &CStr) {
    if !is_covered(given) {
        name(given, program);
    }
}

/// Has the run name a program that could not be seen.
#[cold]
pub fn name(given: &'static Given, program: &CStr) {
    let handover = &given.handover;
    let runtime = handover.runtime.as_os_str().as_bytes();
    census::note_unseen(runtime, handover.id.as_bytes(), handover.run, program.to_bytes());
}

#[cfg(target_arch = "x86_64")]
fn is_covered(given: &'static Given) -> bool {
    use crate::answer::{QUESTION, calls};
    use crate::sys::cover::{Uncovered, cover};
    use vrift_manifest::listener;

    let handover = &given.handover;
    if handover.run == 0 {
        return false;
    }
    let name = listener::name(handover.id.as_bytes(), handover.run);
    let covered = match cover(&name, &calls::TOLD, &calls::REFUSED) {
        Ok(()) => true,
        Err(Uncovered::Refused) => false,
        // By a program above, if it is this run that answers.
        Err(Uncovered::Taken) => {
            let mut question = [0; QUESTION.len() + listener::LENGTH + 1];
            for (place, byte) in question.iter_mut().zip(QUESTION.iter().chain(&name)) {
                *place = *byte;
            }
            let question = CStr::from_bytes_until_nul(&question).unwrap_or(c"");
            let exists = rustix::fs::Access::EXISTS;
            rustix::fs::accessat(rustix::fs::CWD, question, exists, rustix::fs::AtFlags::empty())
                .is_ok()
        }
    };
    if covered {
        let runtime = handover.runtime.as_os_str().as_bytes();
        census::note_seen(runtime, handover.id.as_bytes(), handover.run);
    }
    covered
}

#[cfg(not(target_arch = "x86_64"))]
fn is_covered(_: &'static Given) -> bool {
    false
}

/// The command, where it lies beside the library or where an installed one does. It stands between a program that spawns
/// another and that: libc's child executes at once, and only who executes can be covered.
pub fn helper<'b>(given: &'static Given, room: &'b mut [u8; 4096]) -> Option<&'b CStr> {
    let end = given.library.iter().rposition(|&byte| byte == b'/')?;
    let directory = given.library.get(..end)?;
    for tail in [&b"/vrift\0"[..], b"/../../bin/vrift\0"] {
        let bytes = directory.iter().chain(tail);
        room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        let path = CStr::from_bytes_until_nul(room).ok()?;
        let exec = rustix::fs::Access::EXEC_OK;
        if rustix::fs::accessat(rustix::fs::CWD, path, exec, rustix::fs::AtFlags::empty()).is_ok() {
            return CStr::from_bytes_until_nul(room).ok();
        }
    }
    None
}
