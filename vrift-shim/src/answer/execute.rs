//! Executing programs and scripts of the tree: the caller does it, with the path, the arguments and the environment that
//! a preloaded program would have given to the kernel.

use std::ffi::{CStr, CString, c_char, c_int};
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use vrift_manifest::tree::path::PATH_MAX;

use super::caller::{self, Place};
use super::{Reply, history, seen};
use crate::sys::strings::{self, Strings};
use crate::sys::tracee::Told;
use crate::vfs::exec::cover::{self, Unseen};
use crate::vfs::exec::elf::Kind;
use crate::vfs::exec::launch::{self, Asked, Launch};
use crate::vfs::exec::{self, Program};
use crate::vfs::find::{self, CWD};
use crate::vfs::session;

/// The longest argument, and the most bytes of all: what the kernel takes at most.
const LONGEST: usize = 128 << 10;
const MOST: usize = 6 << 20;

/// execve(2) and execveat(2)
pub fn program(listener: BorrowedFd<'_>, told: &Told) -> Result<Reply, Errno> {
    let at = usize::from(told.number == libc::SYS_execveat);
    let word = |place: usize| told.words.get(place).copied().unwrap_or(0);
    let path = caller::text(told, word(at), PATH_MAX)?;
    let begins = if at == 0 { CWD } else { word(0) as c_int };
    let flags = if at == 0 { 0 } else { word(4) as c_int };
    // Also for what lies outside: its interpreter may begin there.
    let entered = Place::default().enter(told)?;
    let taken = match begins {
        CWD => None,
        other => caller::descriptor(told, other),
    };
    let begins = taken.as_ref().map_or(CWD, caller::number);
    let ours = match path.is_empty() {
        true => taken.as_ref().map_or(Ok(false), caller::is_ours)?,
        false if !entered && begins == CWD && !path.to_bytes().starts_with(b"/") => false,
        false => find::begins_inside(begins, path.to_bytes())?,
    };
    // Before it is another program: what is known of it is not true any more.
    let seen = ours && seen::is_seen(told);
    seen::forget(told.thread);
    history::forget(told.thread);
    if !ours || seen {
        // It may bring its owner's rights.
        let stat = rustix::fs::stat(path.as_c_str());
        if begins != CWD || stat.is_ok_and(|stat| stat.st_mode & 0o4000 != 0) {
            caller::changes();
        }
        if !seen {
            narrow(told, at, (begins, &path, flags))?;
        }
        return Ok(Reply::Kernel);
    }
    let Some(given) = session::given() else { return Ok(Reply::Kernel) };
    let arguments = texts(told, word(at + 1))?;
    let environment = texts(told, word(at + 2))?;
    if !told.is_waiting(listener) {
        return Ok(Reply::Done);
    }
    caller::check(told)?;
    let (arguments, environment) = (pointers(&arguments), pointers(&environment));
    let asked = Asked {
        directory: begins,
        base: CWD,
        path: &path,
        flags,
        arguments: Strings::of(&arguments),
        environment: Strings::of(&environment),
        spawned: false,
    };
    launch::with(given, asked, |launch| again(listener, told, at, &launch))?
}

/// A program outside for the 32 bits of the machine: the filter does not know its calls.
fn narrow(
    told: &Told,
    at: usize,
    (directory, path, flags): (c_int, &CStr, c_int),
) -> Result<(), Errno> {
    let Some(given) = session::given() else { return Ok(()) };
    let none = [std::ptr::null()];
    let environment = Strings::of(&none);
    let asked = |arguments| Asked {
        directory,
        base: CWD,
        path,
        flags,
        arguments,
        environment,
        spawned: false,
    };
    let mut program = Program::new();
    // What is wrong with it the kernel says.
    if exec::resolve(given, &asked(environment), &mut program).is_err()
        || program.kind() != Kind::Narrow
    {
        return Ok(());
    }
    let arguments = texts(told, told.words.get(at + 1).copied().unwrap_or(0))?;
    let arguments = pointers(&arguments);
    let meets = cover::meets(given, &asked(Strings::of(&arguments)), program.path().is_some());
    cover::leave(given, Unseen { program: path, meets })
}

/// The strings of an array in the caller's memory.
fn texts(told: &Told, address: usize) -> Result<Vec<CString>, Errno> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    let mut at = address;
    while at != 0 {
        let mut word = [0; 8];
        if told.read(at, &mut word) != word.len() {
            return Err(Errno::FAULT);
        }
        let text = match usize::from_ne_bytes(word) {
            0 => break,
            text => caller::text(told, text, LONGEST).map_err(too_big)?,
        };
        bytes += text.as_bytes().len() + word.len();
        if bytes > MOST {
            return Err(Errno::TOOBIG);
        }
        all.push(text);
        at += word.len();
    }
    Ok(all)
}

/// A string that is too long is one too many bytes of all.
fn too_big(errno: Errno) -> Errno {
    if errno == Errno::NAMETOOLONG { Errno::TOOBIG } else { errno }
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Has the call made again, with all of this.
fn again(
    listener: BorrowedFd<'_>,
    told: &Told,
    at: usize,
    launch: &Launch<'_>,
) -> Result<Reply, Errno> {
    let Some(path) = launch.path.map(CStr::to_bytes_with_nul) else { return Ok(Reply::Kernel) };
    let lists = [launch.arguments, launch.environment];
    let texts = || lists.iter().flat_map(|list| list.pointers()).map(strings::bytes);
    let arrays: usize = lists.iter().map(|list| 8 * (list.len() + 1)).sum();
    let size = arrays + path.len() + texts().map(|text| text.len() + 1).sum::<usize>();
    told.again(listener, size, |room| {
        let mut block = Vec::with_capacity(size);
        let mut next = room + arrays + path.len();
        let mut starts = [0; 2];
        for (list, start) in lists.iter().zip(&mut starts) {
            *start = room + block.len();
            for string in list.pointers() {
                block.extend_from_slice(&next.to_ne_bytes());
                next += strings::bytes(string).len() + 1;
            }
            block.extend_from_slice(&[0; 8]);
        }
        block.extend_from_slice(path);
        for text in texts() {
            block.extend_from_slice(text);
            block.push(0);
        }
        let mut words = told.words;
        let [arguments, environment] = starts;
        for (place, word) in words.iter_mut().skip(at).zip([room + arrays, arguments, environment])
        {
            *place = word;
        }
        (block, words)
    })?;
    Ok(Reply::Done)
}
