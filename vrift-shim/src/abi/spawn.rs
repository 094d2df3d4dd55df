//! posix_spawn and posix_spawnp: libc's, for what the kernel is to execute, with the actions that concern the tree done.

use std::ffi::{CStr, c_int, c_void};

use rustix::io::Errno;

use super::args::CPath;
use super::spawn_actions::{self, Actions, Recorded};
use crate::sys::strings::Strings;
use crate::sys::{errno, gate};
use crate::vfs::exec::launch::{self, Asked};
use crate::vfs::exec::search;
use crate::vfs::session::{self, Given};
use crate::vfs::spawn::Plan;

/// The prototype of both.
type Spawn = extern "C" fn(*mut c_int, CPath, Actions, *const c_void, Strings, Strings) -> c_int;

/// What is passed on as it is.
#[derive(Clone, Copy)]
struct Passed {
    process: *mut c_int,
    attributes: *const c_void,
    arguments: Strings,
    environment: Strings,
}

fn spawn(
    given: &'static Given,
    name: &CStr,
    search: bool,
    actions: Actions,
    passed: Passed,
) -> c_int {
    let recorded = spawn_actions::recorded(actions);
    let plan = match recorded {
        Recorded::All(list) => Plan::of(given, list),
        Recorded::Nothing => Ok(Plan::empty()),
    };
    let started = plan.and_then(|plan| match &plan.actions {
        None => with_actions(given, name, search, actions, &plan, passed),
        Some(list) => spawn_actions::with(list, |actions| {
            with_actions(given, name, search, actions, &plan, passed)
        })?,
    });
    started.map_or_else(Errno::raw_os_error, |()| 0)
}

fn with_actions(
    given: &'static Given,
    name: &CStr,
    search: bool,
    actions: Actions,
    plan: &Plan,
    passed: Passed,
) -> Result<(), Errno> {
    let attempt = |path: &CStr| {
        let Passed { process, attributes, arguments, environment } = passed;
        let directory = plan.directory;
        let asked = Asked { directory, base: directory, path, flags: 0, arguments, environment };
        let result = launch::with(given, asked, |launch| {
            let path = launch.path.map_or(CPath::of(path), CPath::of);
            next()(process, path, actions, attributes, launch.arguments, launch.environment)
        })?;
        if result == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(result)) }
    };
    if search { search::each(name, attempt) } else { attempt(name) }
}

/// posix_spawn's next definition, for both: the search is done here.
fn next() -> Spawn {
    static NEXT: crate::sys::next::Next = crate::sys::next::Next::new(c"posix_spawn");
    // SAFETY: the next definition of a name of libc has the name's signature; the wrappers are transparent.
    unsafe { core::mem::transmute::<*mut c_void, Spawn>(NEXT.get()) }
}

/// What is spawned in this workspace; `None`: libc's, as it was asked.
fn ours<'a>(path: CPath, passed: Passed) -> Option<(&'static Given, &'a CStr)> {
    let given = session::given().filter(|_| !gate::is_inside())?;
    let nowhere = passed.arguments.is_nowhere() || passed.environment.is_nowhere();
    if nowhere { None } else { Some((given, path.c_str()?)) }
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
        let passed = Passed { process, attributes, arguments, environment };
        match ours(path, passed) {
            Some((given, path)) => errno::kept(|| spawn(given, path, false, actions, passed)),
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
        let passed = Passed { process, attributes, arguments, environment };
        match ours(file, passed) {
            Some((given, file)) => errno::kept(|| spawn(given, file, true, actions, passed)),
            None => real(process, file, actions, attributes, arguments, environment),
        }
    }
}
