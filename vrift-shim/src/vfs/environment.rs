//! The environment of a process that is started: what the program says, and what the process needs to be preloaded and to
//! know its workspace, whatever the program left out.
//!
//! Built in room that the caller has, without other memory: a vfork child has none of its own.

use std::ffi::{CStr, c_char};

use super::process::{self, PARENT_VARIABLE, VARIABLE_MAX};
use super::session::Given;
use crate::sys::stack;
use crate::sys::strings::{self, Strings};

const PRELOAD: &[u8] = b"LD_PRELOAD=";
const SESSION: &[u8] = b"VRIFT_SESSION=";

/// How the file name of this library begins.
const LIBRARY: &[u8] = b"libvrift_shim";

/// Variables that may be added, and the null pointer.
const MORE: usize = 4;

/// Whether the loader of the process can load this library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It can, or ignores what it is told.
    Preloaded,
    /// It is another C library's, or another machine's: told of this library, it would refuse to start the program.
    Foreign,
}

/// What a list of libraries to preload is split at.
fn is_separator(byte: &u8) -> bool {
    matches!(byte, b':' | b' ')
}

fn is_ours(path: &[u8]) -> bool {
    path.rsplit(|&byte| byte == b'/').next().is_some_and(|name| name.starts_with(LIBRARY))
}

/// This library in the value of LD_PRELOAD.
pub fn own_library(list: &[u8]) -> Option<&[u8]> {
    list.split(is_separator).find(|path| is_ours(path))
}

/// Calls `work` with the environment `asked`, in which nothing is missing.
pub fn with<R>(
    given: &'static Given,
    asked: Strings,
    reach: Reach,
    work: impl FnOnce(Strings) -> R,
) -> R {
    // What ld.so goes by is the last of several.
    let preload = last(asked, PRELOAD);
    let session = last(asked, SESSION);
    let list = preload.map(|string| strings::bytes(string)).unwrap_or(b"");
    let list = list.strip_prefix(PRELOAD).unwrap_or(b"");
    let present = own_library(list).is_some();
    let change = match reach {
        Reach::Preloaded => !present && !given.library.is_empty(),
        Reach::Foreign => present,
    };
    let text = session.map(strings::bytes);
    if text.is_some_and(|text| text != given.text.as_bytes()) {
        // Of another workspace, by whoever made this environment.
        return if change {
            with_list(given, list, reach, |list| compose(asked, preload, Some(list), None, None, work))
        } else {
            work(asked)
        };
    }
    let mut room = [0; VARIABLE_MAX];
    let parent = process::variable(given, process::starts_another(given), &mut room);
    let session = text.is_none().then_some(given.text.as_c_str());
    if change {
        with_list(given, list, reach, |list| {
            compose(asked, preload, Some(list), session, Some(parent), work)
        })
    } else {
        compose(asked, preload, None, session, Some(parent), work)
    }
}

fn last(variables: Strings, name: &[u8]) -> Option<*const c_char> {
    variables.pointers().filter(|&string| strings::bytes(string).starts_with(name)).last()
}

/// Calls `work` with `LD_PRELOAD=` and the list, to which this library is added or from which it is taken.
fn with_list<R>(
    given: &'static Given,
    list: &[u8],
    reach: Reach,
    work: impl FnOnce(&CStr) -> R,
) -> R {
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
        work(CStr::from_bytes_until_nul(room).unwrap_or(c""))
    })
}

/// Calls `work` with the variables of `asked`, of which `preload` is replaced, and more.
fn compose<R>(
    asked: Strings,
    preload: Option<*const c_char>,
    list: Option<&CStr>,
    session: Option<&CStr>,
    parent: Option<&[u8]>,
    work: impl FnOnce(Strings) -> R,
) -> R {
    stack::with(asked.len() + MORE, |room: &mut [*const c_char]| {
        let mut places = room.iter_mut();
        let mut push = |string: *const c_char| {
            if let Some(place) = places.next() {
                *place = string;
            }
        };
        for string in asked.pointers() {
            if list.is_some() && Some(string) == preload {
                continue;
            }
            if parent.is_some() && strings::bytes(string).starts_with(PARENT_VARIABLE) {
                continue;
            }
            push(string);
        }
        if let Some(list) = list.filter(|list| list.to_bytes().len() > PRELOAD.len()) {
            push(list.as_ptr());
        }
        if let Some(session) = session {
            push(session.as_ptr());
        }
        if let Some(parent) = parent {
            push(parent.as_ptr().cast());
        }
        work(Strings::of(room))
    })
}
