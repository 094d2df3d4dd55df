//! What the kernel is given for a program: path, arguments, environment.

use std::ffi::{CStr, c_char, c_int};

use rustix::io::Errno;
use vrift_manifest::tree::path::PATH_MAX;

use super::cover::Unseen;
use super::elf::Kind;
use super::{Program, cover, preload, resolve};
use crate::sys::stack;
use crate::sys::strings::Strings;
use crate::vfs::descriptor;
use crate::vfs::environment::{self, Needs, Reach};
use crate::vfs::session::Given;

/// A program as the program asks for it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The directory that a relative path begins at.
    pub directory: c_int,
    /// The directory that the process will be in.
    pub base: c_int,
    /// The path.
    pub path: &'a CStr,
    /// As execveat takes them.
    pub flags: c_int,
    /// The arguments.
    pub arguments: Strings,
    /// The environment.
    pub environment: Strings,
    /// It is libc that executes it, in a child.
    pub spawned: bool,
}

/// A program as the kernel gets it.
pub struct Launch<'a> {
    /// The path; `None`: as it was asked for, from the directory that it was asked for.
    pub path: Option<&'a CStr>,
    /// The arguments.
    pub arguments: Strings,
    /// The environment.
    pub environment: Strings,
    /// The program, if no library can be in it and whoever executes it is to be covered: [`cover::begin`].
    pub uncovered: Option<Unseen<'a>>,
    /// The loader only says what it would load, and knows it by names of the store.
    pub traced: bool,
}

impl Launch<'_> {
    /// To be called by who is about to execute it; an error if it is not to be executed.
    #[inline]
    pub fn cover(&self, given: &'static Given) -> Result<(), Errno> {
        self.uncovered.map_or(Ok(()), |unseen| cover::begin(given, unseen))
    }
}

/// What is done with a launch, once. Not a type of each caller's own: the code below is long, and there once.
type Go<'a> = &'a mut dyn FnMut(Launch<'_>);

/// Calls `go` with what is to be executed.
pub fn with<R>(
    given: &'static Given,
    asked: Asked<'_>,
    go: impl FnOnce(Launch<'_>) -> R,
) -> Result<R, Errno> {
    let (mut go, mut result) = (Some(go), None);
    made(given, asked, &mut |launch| result = go.take().map(|go| go(launch)))?;
    result.ok_or(Errno::NOEXEC)
}

fn made(given: &'static Given, asked: Asked<'_>, go: Go<'_>) -> Result<(), Errno> {
    descriptor::leave_marks();
    let mut program = Program::new();
    resolve(given, &asked, &mut program)?;
    if !program.lines().is_empty() && !stays_reachable(&asked) {
        return Err(Errno::NOENT);
    }
    let libraries = program.take_libraries();
    let name = || program.lines().last().map_or(asked.path, |line| line.interpreter());
    let unseen =
        || Unseen { program: name(), meets: cover::meets(given, &asked, program.path().is_some()) };
    let uncovered = match program.kind() {
        Kind::Static | Kind::Direct | Kind::Foreign if asked.spawned => {
            return by_helper(given, &asked, unseen, go);
        }
        Kind::Static | Kind::Direct | Kind::Foreign => Some(unseen()),
        // The numbers of its calls are others, or it may not be looked into.
        Kind::Privileged | Kind::Narrow => {
            cover::leave(given, unseen())?;
            None
        }
        // The kernel may know who executes it.
        Kind::Strange => {
            cover::leave(given, Unseen { meets: false, ..unseen() })?;
            None
        }
        Kind::Ours | Kind::Unknown => None,
    };
    // What is only told of is to be told without this library.
    let told_of = program.is_traced(&asked);
    let traced =
        told_of && (libraries.is_some() || program.told().is_some() || program.path().is_some());
    let needs = Needs { told_of, ..program.needs() };
    let lists = environment::lists(asked.environment).map(|list| match program.kind() {
        Kind::Ours => preload::translated(given, asked.base, list),
        _ => Ok(None),
    });
    let [preload, audit] = lists;
    let (preload, audit) = (preload?, audit?);
    with_arguments(&program, &asked, |arguments| {
        on_stack(libraries, |libraries| {
            on_stack(preload, |preload| {
                on_stack(audit, |audit| {
                    let needs = Needs { libraries, preload, audit, ..needs };
                    environment::with(given, asked.environment, needs, |environment| {
                        go(Launch {
                            path: program.path(),
                            arguments,
                            environment,
                            uncovered,
                            traced,
                        });
                    });
                });
            });
        });
    });
    Ok(())
}

/// Calls `work` with what memory held: a process that has executed another program gives none back, and that of a vfork
/// child is its parent's.
fn on_stack<R>(text: Option<Vec<u8>>, work: impl FnOnce(Option<&[u8]>) -> R) -> R {
    let Some(text) = text else { return work(None) };
    stack::with(text.len(), |room: &mut [u8]| {
        for (place, byte) in room.iter_mut().zip(text) {
            *place = byte;
        }
        work(Some(room))
    })
}

/// Has libc's child execute the command first, which then executes the program: so that it can be covered.
#[cold]
fn by_helper<'a>(
    given: &'static Given,
    asked: &Asked<'_>,
    unseen: impl FnOnce() -> Unseen<'a>,
    go: Go<'_>,
) -> Result<(), Errno> {
    let mut room = [0; PATH_MAX];
    let Some(helper) = cover::helper(given, &mut room) else {
        cover::leave(given, unseen())?;
        let needs = Needs::of(Reach::Foreign);
        environment::with(given, asked.environment, needs, |environment| {
            let arguments = asked.arguments;
            go(Launch { path: None, arguments, environment, uncovered: None, traced: false });
        });
        return Ok(());
    };
    let before = [c"vrift", c"exec-inside", c"--program", asked.path, c"--"].map(CStr::as_ptr);
    let needs = Needs::of(Reach::Preloaded);
    stack::with(asked.arguments.len() + before.len() + 1, |room: &mut [*const c_char]| {
        let words = before.into_iter().chain(asked.arguments.pointers());
        for (place, string) in room.iter_mut().zip(words) {
            *place = string;
        }
        let arguments = Strings::of(room);
        environment::with(given, asked.environment, needs, |environment| {
            go(Launch {
                path: Some(helper),
                arguments,
                environment,
                uncovered: None,
                traced: false,
            });
        });
    });
    Ok(())
}

fn is_absolute(path: &CStr) -> bool {
    path.to_bytes().starts_with(b"/")
}

/// Whether an interpreter will be able to open the script: not by a descriptor that is closed by then.
fn stays_reachable(asked: &Asked<'_>) -> bool {
    if asked.directory == asked.base || is_absolute(asked.path) {
        return true;
    }
    let flags = descriptor::borrow(asked.directory).and_then(rustix::io::fcntl_getfd);
    flags.is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC))
}

/// The most bytes of `/dev/fd/N/`.
const BY_DESCRIPTOR: usize = 24;

/// Calls `work` with the arguments: before those that were asked for, what the lines of scripts say.
fn with_arguments<R>(program: &Program, asked: &Asked<'_>, work: impl FnOnce(Strings) -> R) -> R {
    if let Some(told) = program.told() {
        return stack::with(asked.arguments.len() + told.more(), |room: &mut [*const c_char]| {
            let all = asked.arguments.pointers().enumerate().flat_map(|(at, argument)| {
                let instead = told.instead_of(at);
                let as_asked = instead.is_empty().then_some(argument);
                instead.iter().map(|argument| argument.as_ptr()).chain(as_asked)
            });
            for (place, string) in room.iter_mut().zip(all) {
                *place = string;
            }
            work(Strings::of(room))
        });
    }
    if program.lines().is_empty() {
        return work(asked.arguments);
    }
    with_script_name(asked, |script| {
        let most = asked.arguments.len() + 2 * program.lines().len() + 2;
        stack::with(most, |room: &mut [*const c_char]| {
            let lines = program.lines().iter().rev();
            let said = lines.flat_map(|line| [Some(line.interpreter()), line.argument()]);
            let before = said.flatten().chain([script]).map(CStr::as_ptr);
            for (place, string) in
                room.iter_mut().zip(before.chain(asked.arguments.pointers().skip(1)))
            {
                *place = string;
            }
            work(Strings::of(room))
        })
    })
}

/// Calls `work` with the name by which an interpreter finds the script.
fn with_script_name<R>(asked: &Asked<'_>, work: impl FnOnce(&CStr) -> R) -> R {
    if asked.directory == asked.base || is_absolute(asked.path) {
        return work(asked.path);
    }
    let path = asked.path.to_bytes();
    stack::with(BY_DESCRIPTOR + path.len() + 1, |room: &mut [u8]| {
        let mut digits = [0; 10];
        let number = crate::sys::decimal::of(asked.directory.unsigned_abs(), &mut digits);
        let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
        let bytes = [b"/dev/fd/", number, slash, path].into_iter().flatten();
        for (place, byte) in room.iter_mut().zip(bytes) {
            *place = *byte;
        }
        work(CStr::from_bytes_until_nul(room).unwrap_or(asked.path))
    })
}
