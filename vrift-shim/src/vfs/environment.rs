//! The environment of a process that is started: what the program says, and what the process needs to be preloaded and to
//! know its workspace, whatever the program left out.
//!
//! Built in room that the caller has, without other memory: a vfork child has none of its own.

use std::ffi::{CStr, CString, c_char};

use super::process;
use super::session::Given;
use crate::sys::stack;
use crate::sys::strings::{self, Strings};

const PRELOAD: &[u8] = b"LD_PRELOAD=";
const SESSION: &[u8] = b"VRIFT_SESSION=";
const LIBRARY_PATH: &[u8] = b"LD_LIBRARY_PATH=";
const TRACE: &[u8] = b"LD_TRACE_LOADED_OBJECTS=";
const AUDIT: &[u8] = b"LD_AUDIT=";
/// Before what the program set a variable to, where its loader is told something else; without `=` it did not.
/// `sys/start.rs` puts it back.
pub const KEPT: &[u8] = b"VRIFT_KEPT_";

/// How the file name of this library begins.
const LIBRARY: &[u8] = b"libvrift_shim";

/// Variables that may be added.
const MORE: usize = 8;

/// Whether the loader of the process can load this library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It can, or ignores what it is told.
    Preloaded,
    /// It is another C library's, or another machine's: told of this library, it would refuse to start the program.
    Foreign,
}

/// What a program needs of its environment beside what it was given.
#[derive(Clone, Copy)]
pub struct Needs<'a> {
    /// Whether this library can be loaded into it.
    pub reach: Reach,
    /// Its loader tells of it, and this library is not to be among what it tells.
    pub told_of: bool,
    /// It refuses to run when a library was loaded before its sanitizer's, unless it is told not to look.
    pub sanitized: bool,
    /// Where its loader is to look for libraries, if not where the environment says.
    pub libraries: Option<&'a [u8]>,
    /// What its loader is to be told instead of LD_PRELOAD.
    pub preload: Option<&'a [u8]>,
    /// And of LD_AUDIT.
    pub audit: Option<&'a [u8]>,
}

impl Needs<'_> {
    /// Nothing else.
    pub fn of(reach: Reach) -> Needs<'static> {
        Needs {
            reach,
            told_of: false,
            sanitized: false,
            libraries: None,
            preload: None,
            audit: None,
        }
    }
}

/// What a list of libraries to preload is split at.
fn is_separator(byte: &u8) -> bool {
    matches!(byte, b':' | b' ')
}

/// The libraries of a list.
pub fn entries(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(is_separator).filter(|path| !path.is_empty())
}

/// Whether a path of such a list is that of this library.
pub fn is_ours(path: &[u8]) -> bool {
    path.rsplit(|&byte| byte == b'/').next().is_some_and(|name| name.starts_with(LIBRARY))
}

/// This library in the value of LD_PRELOAD.
pub fn own_library(list: &[u8]) -> Option<&[u8]> {
    list.split(is_separator).find(|path| is_ours(path))
}

/// What is done with an environment, once. Not a type of each caller's own: the code below is long, and there once.
type Work<'a> = &'a mut dyn FnMut(Strings);

/// Calls `work` with the environment `asked`, in which nothing is missing.
pub fn with<R>(
    given: &'static Given,
    asked: Strings,
    needs: Needs<'_>,
    work: impl FnOnce(Strings) -> R,
) -> R {
    stack::once(work, |work| made(given, asked, needs, work))
}

fn made(given: &'static Given, asked: Strings, needs: Needs<'_>, work: Work<'_>) {
    let reach = if needs.told_of { Reach::Foreign } else { needs.reach };
    // What ld.so goes by is the last of several.
    let preload = last(asked, PRELOAD);
    let session = last(asked, SESSION);
    let list = preload.map(strings::bytes).and_then(|text| text.strip_prefix(PRELOAD));
    let list = list.unwrap_or(b"");
    let present = own_library(list).is_some();
    let change = match reach {
        Reach::Preloaded => !present && !given.library.is_empty(),
        Reach::Foreign => present,
    };
    let is_ours = session.is_none_or(|string| is_of(given, strings::bytes(string)));
    // Another workspace, or another run: whoever made that environment knows why.
    let parent = if is_ours { Some(process::starts_another(given)) } else { None };
    let change = change || needs.preload.is_some();
    with_list(given, change.then_some(list), reach, |list| {
        with_session(given, parent, |variable| {
            with_options(asked, needs.sanitized, |before, options| {
                with_other(asked, LIBRARY_PATH, needs.libraries, |set, [libraries, kept]| {
                    with_other(asked, AUDIT, needs.audit, |audit, [auditing, kept_audit]| {
                        with_preload(given, list, needs.preload, |list, kept_list| {
                            let (list_set, session_set) =
                                (list.and(preload), variable.and(session));
                            let left_out = [list_set, session_set, before, set, audit];
                            let plain = [list, variable, options, libraries, auditing];
                            let kept = [kept, kept_audit, kept_list];
                            compose(asked, left_out, (plain, kept), work);
                        });
                    });
                });
            });
        });
    });
}

/// LD_PRELOAD and LD_AUDIT, as a loader takes them.
pub fn lists(variables: Strings) -> [Option<&'static [u8]>; 2] {
    [PRELOAD, AUDIT].map(|name| last(variables, name).map(strings::bytes)?.strip_prefix(name))
}

/// Calls `work` with the variable of libraries to preload that was made, or with one for the loader and it, kept.
fn with_preload<R>(
    given: &'static Given,
    list: Option<&CStr>,
    told: Option<&[u8]>,
    work: impl FnOnce(Option<&CStr>, Option<&CStr>) -> R,
) -> R {
    let (Some(list), Some(_)) = (list, told) else { return work(list, None) };
    with_list(given, told, Reach::Preloaded, |told| {
        with_text(&[KEPT, list.to_bytes()], |kept| work(told, kept))
    })
}

/// Whether a variable says what was handed over to this process; the parent may be another.
fn is_of(given: &Given, variable: &[u8]) -> bool {
    let text = given.text.as_slice();
    let shorter = text.strip_suffix(b":").unwrap_or(text);
    let shortest = shorter.strip_suffix(b":0").unwrap_or(shorter);
    variable.starts_with(text) || variable == shorter || variable == shortest
}

/// Calls `work` with the variable that says the workspace and the parent, if one is given.
fn with_session<R>(
    given: &'static Given,
    parent: Option<u64>,
    work: impl FnOnce(Option<&CStr>) -> R,
) -> R {
    let Some(parent) = parent else { return work(None) };
    with_text(&[&given.text, &process::digits(parent)], work)
}

/// Whether an environment does not lead to this library and this workspace.
pub fn lacks(given: &'static Given, environment: Strings) -> bool {
    let preload = last(environment, PRELOAD).map(strings::bytes);
    let list = preload.and_then(|text| text.strip_prefix(PRELOAD)).unwrap_or(b"");
    let unloaded = !given.library.is_empty() && own_library(list).is_none();
    unloaded || last(environment, SESSION).is_none()
}

/// An environment in which nothing is missing, for good.
pub fn lasting(given: &'static Given, asked: Strings) -> Strings {
    with(given, asked, Needs::of(Reach::Preloaded), |environment| {
        let own = |string: *const c_char| !asked.pointers().any(|other| other == string);
        let strings = environment.pointers().map(|string| match own(string) {
            true => {
                CString::new(strings::bytes(string)).unwrap_or_default().into_raw().cast_const()
            }
            false => string,
        });
        let pointers: Vec<_> = strings.chain([std::ptr::null()]).collect();
        Strings::of(Vec::leak(pointers))
    })
}

fn last(variables: Strings, name: &[u8]) -> Option<*const c_char> {
    variables.pointers().filter(|&string| strings::bytes(string).starts_with(name)).last()
}

const OPTIONS: &[u8] = b"ASAN_OPTIONS=";
const UNORDERED: &[u8] = b"verify_asan_link_order=0";

/// Calls `work` with the variable that is replaced, and the one by which a sanitizer does not look at the order.
fn with_options<R>(
    asked: Strings,
    sanitized: bool,
    work: impl FnOnce(Option<*const c_char>, Option<&CStr>) -> R,
) -> R {
    if !sanitized {
        return work(None, None);
    }
    let before = last(asked, OPTIONS);
    let set = before.map_or(OPTIONS, strings::bytes);
    if set.windows(UNORDERED.len()).any(|part| part == UNORDERED) {
        return work(None, None);
    }
    let colon: &[u8] = if set.len() > OPTIONS.len() { b":" } else { b"" };
    with_text(&[set, colon, UNORDERED], |options| work(before, options))
}

/// Whether a loader is to say what it loads, instead of running it.
pub fn traces(variables: Strings) -> bool {
    let value =
        last(variables, TRACE).map(strings::bytes).and_then(|text| text.strip_prefix(TRACE));
    value.is_some_and(|value| !value.is_empty())
}

/// LD_LIBRARY_PATH, as a loader takes it.
pub fn library_path(variables: Strings) -> Option<&'static [u8]> {
    last(variables, LIBRARY_PATH).map(strings::bytes)?.strip_prefix(LIBRARY_PATH)
}

/// Calls `work` with the variable that is replaced by what a loader is told, and the two that stand for it.
fn with_other<R>(
    asked: Strings,
    name: &[u8],
    told: Option<&[u8]>,
    work: impl FnOnce(Option<*const c_char>, [Option<&CStr>; 2]) -> R,
) -> R {
    let Some(told) = told else { return work(None, [None; 2]) };
    let before = last(asked, name);
    let set = before.map_or(name.strip_suffix(b"=").unwrap_or(b""), strings::bytes);
    with_text(&[name, told], |told| with_text(&[KEPT, set], |kept| work(before, [told, kept])))
}

/// Calls `work` with a string of several parts.
fn with_text<R>(parts: &[&[u8]], work: impl FnOnce(Option<&CStr>) -> R) -> R {
    let size = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
    stack::with(size, |room: &mut [u8]| {
        for (place, byte) in room.iter_mut().zip(parts.iter().copied().flatten()) {
            *place = *byte;
        }
        work(CStr::from_bytes_until_nul(room).ok())
    })
}

/// Calls `work` with `LD_PRELOAD=` and the list, to which this library is added or from which it is taken.
fn with_list<R>(
    given: &'static Given,
    list: Option<&[u8]>,
    reach: Reach,
    work: impl FnOnce(Option<&CStr>) -> R,
) -> R {
    let Some(list) = list else { return work(None) };
    let size = PRELOAD.len() + list.len() + given.library.len() + 2;
    stack::with(size, |room: &mut [u8]| {
        let mut length = 0;
        let mut push = |bytes: &[u8]| {
            if let Some(place) = room.get_mut(length..length + bytes.len()) {
                place.copy_from_slice(bytes);
                length += bytes.len();
            }
        };
        push(PRELOAD);
        let own = (reach == Reach::Preloaded).then_some(given.library.as_slice());
        let kept = list.split(is_separator).filter(|path| !path.is_empty() && !is_ours(path));
        for (count, path) in kept.chain(own).enumerate() {
            if count > 0 {
                push(b":");
            }
            push(path);
        }
        work(CStr::from_bytes_until_nul(room).ok())
    })
}

/// Calls `work` with the variables of `asked` but some, and with more.
fn compose(
    asked: Strings,
    left_out: [Option<*const c_char>; 5],
    more: ([Option<&CStr>; 5], [Option<&CStr>; 3]),
    work: Work<'_>,
) {
    stack::with(asked.len() + MORE + 1, |room: &mut [*const c_char]| {
        let kept = asked.pointers().filter(|&string| !left_out.contains(&Some(string)));
        // A list of nothing is none.
        let more =
            more.0.into_iter().chain(more.1).flatten().filter(|text| text.to_bytes() != PRELOAD);
        for (place, string) in room.iter_mut().zip(kept.chain(more.map(CStr::as_ptr))) {
            *place = string;
        }
        work(Strings::of(room));
    });
}
