//! posix_spawn and posix_spawnp: libc's, for what the kernel is to execute, with the actions that concern the tree done.

use std::ffi::{CStr, c_int, c_void};
use std::os::fd::AsRawFd;

use rustix::fs::MemfdFlags;
use rustix::io::Errno;

use super::args::CPath;
use super::spawn_actions::{self, Actions, Recorded};
use crate::sys::ample::{self, Caller};
use crate::sys::strings::Strings;
use crate::sys::{errno, gate};
use crate::vfs::exec::launch::{self, Asked};
use crate::vfs::exec::search;
use crate::vfs::session::{self, Given};
use crate::vfs::spawn::{Plan, by_process};

/// The prototype of both.
type Spawn = extern "C" fn(*mut c_int, CPath, Actions, *const c_void, Strings, Strings) -> c_int;

/// What is passed on as it is.
#[derive(Clone, Copy)]
struct Passed {
    process: *mut c_int,
    attributes: *const c_void,
    arguments: Strings,
    environment: Strings,
    /// Whoever asked, in whose place it is to be done.
    caller: Caller,
}

/// What is asked for: a program, by its path or to be searched for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    given: &'static Given,
    /// Or what is wrong with it.
    name: Result<&'a CStr, Errno>,
    search: bool,
}

fn spawn(wanted: Wanted<'_>, actions: Actions, passed: Passed) -> c_int {
    let recorded = spawn_actions::recorded(actions);
    let plan = match recorded {
        Recorded::All(list) => Plan::of(wanted.given, list),
        Recorded::Nothing => Ok(Plan::empty()),
    };
    let started = plan.and_then(|plan| match (&plan.actions, recorded) {
        (None, Recorded::Nothing) => with_actions(wanted, actions, &plan, passed).0,
        (None, Recorded::All(_)) => all(wanted, actions, &plan, passed),
        (Some(list), _) => {
            spawn_actions::with(list, |actions| all(wanted, actions, &plan, passed))?
        }
    });
    started.map_or_else(Errno::raw_os_error, |()| 0)
}

/// With actions: the child does them before it finds that there is no such program.
fn all(wanted: Wanted<'_>, actions: Actions, plan: &Plan, passed: Passed) -> Result<(), Errno> {
    match with_actions(wanted, actions, plan, passed) {
        (Err(errno), false) => actions_alone(actions, passed).and(Err(errno)),
        (started, _) => started,
    }
}

/// Whether it was started, and whether a child was.
fn with_actions(
    wanted: Wanted<'_>,
    actions: Actions,
    plan: &Plan,
    passed: Passed,
) -> (Result<(), Errno>, bool) {
    let mut tried = false;
    let mut attempt = |path: &CStr| {
        let Passed { process, attributes, arguments, environment, caller } = passed;
        let directory = plan.directory;
        let asked = Asked {
            directory,
            base: directory,
            path,
            flags: 0,
            arguments,
            environment,
            spawned: true,
        };
        let result = launch::with(wanted.given, asked, |launch| {
            tried = true;
            let path = launch.path.map_or(CPath::of(path), CPath::of);
            let (arguments, environment) = (launch.arguments, launch.environment);
            caller.back(|| next()(process, path, actions, attributes, arguments, environment))
        })?;
        if result == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(result)) }
    };
    let started = wanted.name.and_then(|name| match wanted.search {
        true => search::each(name, &mut attempt),
        false => attempt(name),
    });
    (started, tried)
}

/// Has a child do the actions and end: what it is given to execute is no program, which is an error that no action has.
#[cold]
fn actions_alone(actions: Actions, passed: Passed) -> Result<(), Errno> {
    let Passed { process, attributes, arguments, environment, caller } = passed;
    let file = rustix::fs::memfd_create(c"vrift", MemfdFlags::CLOEXEC)?;
    // Letters, or the kernel would look for a module that knows such programs.
    rustix::io::write(&file, b"none")?;
    let path = by_process(file.as_raw_fd())?;
    let path = CPath::of(&path);
    match caller.back(|| next()(process, path, actions, attributes, arguments, environment)) {
        0 | libc::ENOEXEC => Ok(()),
        failed => Err(Errno::from_raw_os_error(failed)),
    }
}

/// posix_spawn's next definition, for both: the search is done here.
fn next() -> Spawn {
    static NEXT: crate::sys::next::Next = crate::sys::next::Next::new();
    // SAFETY: the next definition of a name of libc has the name's signature; the wrappers are transparent.
    unsafe { core::mem::transmute::<*mut c_void, Spawn>(NEXT.get(c"posix_spawn")) }
}

/// What is spawned in this workspace; `None`: libc's, as it was asked.
fn ours<'a>(path: CPath, search: bool, words: [Strings; 2]) -> Option<Wanted<'a>> {
    let given = session::given().filter(|_| !gate::is_inside())?;
    let nowhere = words.iter().any(|array| array.is_nowhere());
    let wrong = if path.bytes().is_some() { Errno::NAMETOOLONG } else { Errno::FAULT };
    (!nowhere).then_some(Wanted { given, name: path.c_str().ok_or(wrong), search })
}

/// On a stack that is large enough.
fn begin(
    wanted: Wanted<'_>,
    actions: Actions,
    (process, attributes): (*mut c_int, *const c_void),
    words: [Strings; 2],
) -> c_int {
    let [arguments, environment] = words;
    errno::kept(|| {
        ample::with(
            || arguments.len() + environment.len(),
            |caller| {
                let passed = Passed { process, attributes, arguments, environment, caller };
                spawn(wanted, actions, passed)
            },
        )
    })
}

hook! {
    /// posix_spawn(3)
    real => fn posix_spawn(
        process: *mut c_int,
        path: CPath,
        actions: Actions,
        attributes: *const c_void,
        arguments: Strings,
        environment: Strings,
    ) -> c_int {
        let words = [arguments, environment];
        match ours(path, false, words) {
            Some(wanted) => begin(wanted, actions, (process, attributes), words),
            None => real(process, path, actions, attributes, arguments, environment),
        }
    }
}

hook! {
    /// posix_spawnp(3)
    real => fn posix_spawnp(
        process: *mut c_int,
        file: CPath,
        actions: Actions,
        attributes: *const c_void,
        arguments: Strings,
        environment: Strings,
    ) -> c_int {
        let words = [arguments, environment];
        match ours(file, true, words) {
            Some(wanted) => begin(wanted, actions, (process, attributes), words),
            None => real(process, file, actions, attributes, arguments, environment),
        }
    }
}
