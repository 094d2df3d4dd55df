//! A program in which no library can be is about to be executed, or to be spawned: its calls are to be answered by
//! `vrift run` (`crate::answer`).

use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use vrift_manifest::census;

use super::launch::Asked;
use crate::sys::strings;
use crate::vfs::cwd::{self, Where};
use crate::vfs::find;
use crate::vfs::session::Given;

/// A program that cannot be seen if it is not covered.
#[derive(Clone, Copy)]
pub struct Unseen<'a> {
    /// Its path.
    pub program: &'a CStr,
    /// It is to meet with the tree: [`meets`].
    pub meets: bool,
}

/// Covers this process, for it is about to become the program; or else as [`leave`].
#[cold]
#[inline(never)]
pub fn begin(given: &'static Given, unseen: Unseen<'_>) -> Result<(), Errno> {
    if is_covered(given) { Ok(()) } else { leave(given, unseen) }
}

/// What becomes of a program that cannot be seen. One that is to meet with the tree would find the real directory in its
/// place, so it is not executed: ELIBACC, the error of a library that is needed and cannot be had. Others are, and the run
/// names them.
#[cold]
pub fn leave(given: &'static Given, unseen: Unseen<'_>) -> Result<(), Errno> {
    let handover = &given.handover;
    let (runtime, id) = (handover.runtime.as_os_str().as_bytes(), handover.id.as_bytes());
    let program = unseen.program.to_bytes();
    if unseen.meets {
        census::note_refused(runtime, id, handover.run, program);
        return Err(Errno::LIBACC);
    }
    census::note_unseen(runtime, id, handover.run, program);
    Ok(())
}

/// Whether a program is to meet with the tree: it lies there or is a script's of it (`named_by_tree`), begins in it or above
/// it, or is told a path of it.
#[cold]
pub fn meets(given: &'static Given, asked: &Asked<'_>, named_by_tree: bool) -> bool {
    let begins_there = || match asked.base {
        find::CWD => cwd::present(given) != Ok(Where::Apart),
        // A directory that cannot be looked at may be any.
        other => find::begins_inside(other, b".") != Ok(false),
    };
    let mut arguments = asked.arguments.pointers().map(strings::bytes);
    named_by_tree || begins_there() || arguments.any(|argument| leads_there(argument, &given.mount))
}

/// Whether an argument has the path somewhere in it (`-I/path/below`, `--at=/path`), and not that of something beside.
fn leads_there(argument: &[u8], mount: &[u8]) -> bool {
    let ends = |at: usize| {
        let next = argument.get(at + mount.len());
        next.is_none_or(|byte| !byte.is_ascii_alphanumeric() && !b"._-+~".contains(byte))
    };
    let mut parts = argument.windows(mount.len().max(1)).enumerate();
    parts.any(|(at, part)| part == mount && ends(at))
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

#[cfg(test)]
mod tests {
    use super::leads_there;

    #[test]
    fn an_argument_that_names_the_tree_is_told_from_one_that_names_its_neighbour() {
        for yes in
            ["/work/tree", "/work/tree/a", "-I/work/tree/a", "x=/work/tree:y", "file:///work/tree"]
        {
            assert!(leads_there(yes.as_bytes(), b"/work/tree"), "{yes}");
        }
        for no in ["", "/work", "/work/trees", "/work/tree.old/a", "/work/tree-2", "work/tree"] {
            assert!(!leads_there(no.as_bytes(), b"/work/tree"), "{no}");
        }
    }
}
