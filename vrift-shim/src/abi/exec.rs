//! execve and its relatives that take an array of arguments.

use std::ffi::{CStr, c_char, c_int, c_void};

use rustix::io::Errno;

use super::args::{CPath, fail};
use super::traced;
use crate::sys::ample::{self, Caller};
use crate::sys::next::Next;
use crate::sys::strings::Strings;
use crate::sys::{errno, gate};
use crate::vfs::exec::known;
use crate::vfs::exec::launch::{self, Asked};
use crate::vfs::exec::search;
use crate::vfs::find::CWD;
use crate::vfs::session::{self, Given};

/// execve's prototype.
type Execve = extern "C" fn(CPath, Strings, Strings) -> c_int;

/// execveat's prototype.
type Execveat = extern "C" fn(c_int, CPath, Strings, Strings, c_int) -> c_int;

static EXECVE: Next = Next::new();

/// execve's next definition, for all that end there.
fn next_execve() -> Execve {
    // SAFETY: the next definition of a name of libc has the name's signature; the wrappers are transparent.
    unsafe { core::mem::transmute::<*mut c_void, Execve>(EXECVE.get(c"execve")) }
}

/// Before a fork: what its children would each find out anew.
pub fn share() {
    EXECVE.get(c"execve");
    known::share();
}

/// What is executed in this workspace; `None`: it is the kernel's to answer.
fn ours<'a>(path: CPath, arrays: [Strings; 2]) -> Option<(&'static Given, &'a CStr)> {
    let given = session::given().filter(|_| !gate::is_inside())?;
    if arrays.iter().any(|array| array.is_nowhere()) {
        return None;
    }
    Some((given, path.c_str()?))
}

/// Executes; returns only if that fails.
pub fn execute(path: CPath, arguments: Strings, environment: Strings) -> c_int {
    let asked = [arguments, environment];
    match ours(path, asked) {
        Some((given, path)) => {
            ample::with(|| pointers(asked), |caller| execute_here(given, path, asked, caller))
        }
        None => next_execve()(path, arguments, environment),
    }
}

/// The same, on a stack that is large enough.
fn execute_here(given: &'static Given, path: &CStr, words: [Strings; 2], caller: Caller) -> c_int {
    let (real, [arguments, environment]) = (next_execve(), words);
    let asked =
        Asked { directory: CWD, base: CWD, path, flags: 0, arguments, environment, spawned: false };
    let executed = launch::with(given, asked, |launch| {
        if let Err(errno) = launch.cover(given) {
            return fail(errno);
        }
        let path = launch.path.map_or(CPath::of(path), CPath::of);
        let go = || real(path, launch.arguments, launch.environment);
        caller.back(|| match launch.traced {
            true => traced::hand_on(given, go).unwrap_or_else(fail),
            false => go(),
        })
    });
    executed.unwrap_or_else(fail)
}

/// Searches PATH, and executes.
pub fn search_and_execute(file: CPath, arguments: Strings, environment: Strings) -> c_int {
    let words = [arguments, environment];
    match ours(file, words) {
        Some((given, name)) => ample::with(
            || pointers(words),
            |caller| search(name, words, &|path, words| execute_here(given, path, words, caller)),
        ),
        None => match file.c_str() {
            Some(name) => search(name, words, &|path, [arguments, environment]| {
                next_execve()(CPath::of(path), arguments, environment)
            }),
            None => fail(Errno::FAULT),
        },
    }
}

/// Executes a path with arguments and environment.
type Execute<'a> = &'a dyn Fn(&CStr, [Strings; 2]) -> c_int;

fn search(name: &CStr, words: [Strings; 2], execute: Execute<'_>) -> c_int {
    search::each(name, |path| Err(attempt(path, words, execute))).map_or_else(fail, |()| 0)
}

/// Executes a candidate; what has no form that the kernel knows is a script of the shell.
fn attempt(path: &CStr, words: [Strings; 2], execute: Execute<'_>) -> Errno {
    execute(path, words);
    let failed = errno::last();
    if failed != Errno::NOEXEC {
        return failed;
    }
    let [arguments, environment] = words;
    crate::sys::stack::with(arguments.len() + 3, |room: &mut [*const c_char]| {
        let before = [SHELL.as_ptr(), path.as_ptr()];
        for (place, string) in
            room.iter_mut().zip(before.into_iter().chain(arguments.pointers().skip(1)))
        {
            *place = string;
        }
        execute(SHELL, [Strings::of(room), environment]);
        errno::last()
    })
}

/// How many there are.
fn pointers(arrays: [Strings; 2]) -> usize {
    arrays.into_iter().map(Strings::len).sum()
}

const SHELL: &CStr = c"/bin/sh";

/// execve(2)
// SAFETY (of the attribute): libc's name and signature.
#[unsafe(no_mangle)]
pub extern "C" fn execve(path: CPath, arguments: Strings, environment: Strings) -> c_int {
    execute(path, arguments, environment)
}

/// execv(3)
// SAFETY (of the attribute): libc's name and signature.
#[unsafe(no_mangle)]
pub extern "C" fn execv(path: CPath, arguments: Strings) -> c_int {
    execute(path, arguments, Strings::environment())
}

hook! {
    /// execvp(3)
    real => fn execvp(file: CPath, arguments: Strings) -> c_int {
        match session::given() {
            Some(_) => search_and_execute(file, arguments, Strings::environment()),
            None => real(file, arguments),
        }
    }
}

hook! {
    /// execvpe(3)
    real => fn execvpe(file: CPath, arguments: Strings, environment: Strings) -> c_int {
        match session::given() {
            Some(_) => search_and_execute(file, arguments, environment),
            None => real(file, arguments, environment),
        }
    }
}

/// Executes what a path means from a directory, or a descriptor stands for.
fn execute_at(
    real: impl Fn(CPath, Strings, Strings, c_int) -> c_int,
    directory: c_int,
    path: CPath,
    arguments: Strings,
    environment: Strings,
    flags: c_int,
) -> c_int {
    let words = [arguments, environment];
    let Some((given, name)) = ours(path, words) else {
        return real(path, arguments, environment, flags);
    };
    let asked =
        Asked { directory, base: CWD, path: name, flags, arguments, environment, spawned: false };
    let executed = ample::with(
        || pointers(words),
        |caller| {
            launch::with(given, asked, |launch| {
                if let Err(errno) = launch.cover(given) {
                    return fail(errno);
                }
                let words = (launch.arguments, launch.environment);
                caller.back(|| match launch.path {
                    Some(path) => next_execve()(CPath::of(path), words.0, words.1),
                    None => real(path, words.0, words.1, flags),
                })
            })
        },
    );
    executed.unwrap_or_else(fail)
}

hook! {
    /// execveat(2)
    real => fn execveat(
        directory: c_int,
        path: CPath,
        arguments: Strings,
        environment: Strings,
        flags: c_int,
    ) -> c_int {
        let _: Execveat = real;
        let real = |path, arguments, environment, flags| {
            real(directory, path, arguments, environment, flags)
        };
        execute_at(real, directory, path, arguments, environment, flags)
    }
}

hook! {
    /// fexecve(3)
    real => fn fexecve(file: c_int, arguments: Strings, environment: Strings) -> c_int {
        if file < 0 || arguments.as_ptr().is_null() || environment.as_ptr().is_null() {
            return real(file, arguments, environment);
        }
        let path = CPath::of(c"");
        let real = |_, arguments, environment, _| real(file, arguments, environment);
        execute_at(real, file, path, arguments, environment, libc::AT_EMPTY_PATH)
    }
}
