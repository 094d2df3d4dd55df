//! The loader executed as a program, with the program that it is to load as an argument: as `ldd` does it.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use rustix::io::Errno;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::dynamic::Dynamic;
use super::launch::Asked;
use super::{Head, Source, farm, is_content, libraries, of_kernel, prepare};
use crate::sys::strings;
use crate::vfs::find::{self, At, Work};
use crate::vfs::session::Given;
use crate::vfs::{Answer, environment, who};

/// What stands in the place of an argument of the loader.
pub struct Told {
    /// Which.
    pub at: usize,
    /// These.
    pub arguments: Vec<CString>,
    /// What LD_LIBRARY_PATH has to be; `None`: what it is.
    pub libraries: Option<Vec<u8>>,
}

/// Options that have a value behind them.
const WITH_VALUE: [&[u8]; 7] = [
    b"--library-path",
    b"--glibc-hwcaps-prepend",
    b"--glibc-hwcaps-mask",
    b"--inhibit-rpath",
    b"--audit",
    b"--preload",
    b"--argv0",
];
/// Those with which nothing runs.
const WITHOUT_RUNNING: [&[u8]; 2] = [b"--list", b"--verify"];

/// What a loader is to be told for what it is asked to load; `None`: the same.
pub fn told(given: &'static Given, asked: &Asked<'_>) -> Option<Told> {
    let mut variable = environment::library_path(asked.environment);
    let (mut by_option, mut named, mut runs) = (false, false, true);
    let mut arguments = asked.arguments.pointers().map(strings::bytes).enumerate().skip(1);
    let (at, program) = loop {
        let (at, argument) = arguments.next()?;
        if !argument.starts_with(b"--") {
            break (at, argument);
        }
        runs &= !WITHOUT_RUNNING.contains(&argument);
        if WITH_VALUE.contains(&argument) {
            let (_, value) = arguments.next()?;
            match argument {
                b"--library-path" => (variable, by_option) = (Some(value), true),
                b"--argv0" => named = true,
                _ => {}
            }
        }
    };
    // A name without a slash is searched for as that of a library.
    if !program.contains(&b'/') {
        return None;
    }
    let mut room = Scratch::default();
    let (path, mut libraries) = found(given, asked, program, variable, room.bytes()).ok()?;
    if path.is_none() && libraries.is_none() {
        return None;
    }
    let mut all = Vec::new();
    if path.is_some() && runs && !named && !environment::traces(asked.environment) {
        all.extend([c"--argv0".to_owned(), CString::new(program).ok()?]);
    }
    if let Some(libraries) = libraries.take_if(|_| by_option) {
        all.extend([c"--library-path".to_owned(), CString::new(libraries).ok()?]);
    }
    all.push(path.or_else(|| CString::new(program).ok())?);
    Some(Told { at, arguments: all, libraries })
}

/// Whether the loader is asked for a list.
pub fn lists(asked: &Asked<'_>) -> bool {
    asked.arguments.pointers().map(strings::bytes).any(|argument| argument == b"--list")
}

/// The name that the kernel knows for a program, if it is another, and where its libraries are to be looked for.
fn found(
    given: &'static Given,
    asked: &Asked<'_>,
    program: &[u8],
    variable: Option<&[u8]>,
    room: &mut [u8; PATH_MAX],
) -> Result<(Option<CString>, Option<Vec<u8>>), Errno> {
    let mut head = Head::default();
    let mut work = Work::default();
    let source = Source::of(asked.base, program);
    let mut tree = None;
    let (path, file) = match find::node(asked.base, Some(program), true, &mut work)? {
        Answer::Kernel => (None, of_kernel(&source, &mut head)?),
        Answer::Elsewhere(other) => {
            let file = of_kernel(&Source::of(find::CWD, other.to_bytes()), &mut head)?;
            (Some(other.to_owned()), file)
        }
        Answer::Ours(at) => {
            let (name, path, file) = of_tree(given, &source, at, room)?;
            head.read(&file);
            tree = Some(path);
            (Some(name), Some(file))
        }
    };
    let dynamic = file.as_ref().and_then(|file| Dynamic::read(file.as_fd(), head.get()));
    let libraries = match file.as_ref().zip(dynamic.as_ref()) {
        Some((file, dynamic)) => {
            let (path, base) = (tree.as_deref(), asked.base);
            let asked = libraries::Asked { file: file.as_fd(), dynamic, path, base, variable };
            libraries::path_for(given, &asked)?
        }
        None => None,
    };
    let Some(found) = libraries else { return Ok((path, None)) };
    let program = found.program.and_then(|program| CString::new(program).ok());
    Ok((program.or(path), Some(found.list)))
}

type OfTree = (CString, Vec<u8>, crate::sys::fd::Brief);

fn of_tree(
    given: &'static Given,
    source: &Source<'_>,
    at: At,
    room: &mut [u8; PATH_MAX],
) -> Result<OfTree, Errno> {
    let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
    who::credentials().need(&attributes, 4)?;
    let file = libraries::open(given, at)?;
    let content = is_content(given, at.number()?, file.as_fd())?;
    if let Some(first) = room.first_mut() {
        *first = 0;
    }
    prepare(given, source, room, &file, content)?;
    let name = CStr::from_bytes_until_nul(room).map_err(|_| Errno::NAMETOOLONG)?.to_owned();
    let inside = farm::in_tree(given, name.to_bytes()).unwrap_or(b"");
    Ok((name.clone(), [given.mount.as_slice(), inside].concat(), file))
}

/// What a loader said, with the paths that programs see.
pub fn as_seen(given: &Given, said: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(said.len());
    for (number, line) in said.split(|&byte| byte == b'\n').enumerate() {
        if number > 0 {
            text.push(b'\n');
        }
        for word in line.split_inclusive(|&byte| matches!(byte, b' ' | b'\t')) {
            match farm::in_tree(given, word) {
                Some(rest) => text.extend([given.mount.as_slice(), rest].concat()),
                None => text.extend_from_slice(word),
            }
        }
    }
    text
}
