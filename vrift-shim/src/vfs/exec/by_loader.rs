//! The loader executed as a program, with the program that it is to load as an argument: as `ldd` does it.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use rustix::io::Errno;
use vrift_manifest::tree::path::Scratch;

use super::dynamic::Dynamic;
use super::launch::Asked;
use super::{Head, Source, begin_with, failing, farm, is_content, libraries, of_kernel};
use super::{open_to_load, preload, prepare};
use crate::sys::fd::Brief;
use crate::sys::strings;
use crate::vfs::find::{self, At, Work};
use crate::vfs::session::Given;
use crate::vfs::{Answer, environment};

/// What a loader is told in the place of some of its arguments.
pub struct Told {
    /// In the place of which, and what.
    instead: Vec<(usize, Vec<CString>)>,
    /// What LD_LIBRARY_PATH has to be; `None`: what it is.
    pub libraries: Option<Vec<u8>>,
}

impl Told {
    /// What stands in the place of an argument; nothing: itself.
    pub fn instead_of(&self, at: usize) -> &[CString] {
        let found = self.instead.iter().find(|(place, _)| *place == at);
        found.map_or(&[], |(_, arguments)| arguments)
    }

    /// How many arguments there are more, at most.
    pub fn more(&self) -> usize {
        self.instead.iter().map(|(_, arguments)| arguments.len()).sum()
    }
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
pub fn told(given: &'static Given, asked: &Asked<'_>) -> Result<Option<Told>, Errno> {
    let mut variable = environment::library_path(asked.environment);
    let (mut by_option, mut named, mut runs) = (false, false, true);
    let mut instead = Vec::new();
    let mut arguments = asked.arguments.pointers().map(strings::bytes).enumerate().skip(1);
    let (at, program) = loop {
        let Some((at, argument)) = arguments.next() else { return Ok(None) };
        if !argument.starts_with(b"--") {
            break (at, argument);
        }
        runs &= !WITHOUT_RUNNING.contains(&argument);
        if WITH_VALUE.contains(&argument) {
            let Some((at, value)) = arguments.next() else { return Ok(None) };
            match argument {
                b"--library-path" => (variable, by_option) = (Some(value), true),
                b"--argv0" => named = true,
                b"--audit" | b"--preload" => {
                    let list = preload::translated(given, asked.base, Some(value))?;
                    instead.extend(list.map(|list| (at, vec![list])));
                }
                _ => {}
            }
        }
    };
    // A name without a slash is searched for as that of a library.
    let (path, mut libraries) = match program.contains(&b'/') {
        true => found(given, asked, program, variable)?,
        false => (None, None),
    };
    let mut all = Vec::new();
    if path.is_some() && runs && !named && !environment::traces(asked.environment) {
        all.extend([b"--argv0".to_vec(), program.to_vec()]);
    }
    if let Some(libraries) = libraries.take_if(|_| by_option) {
        all.extend([b"--library-path".to_vec(), libraries]);
    }
    if path.is_some() || !all.is_empty() {
        all.push(path.map_or_else(|| program.to_vec(), CString::into_bytes));
        instead.push((at, all));
    }
    if instead.is_empty() && libraries.is_none() {
        return Ok(None);
    }
    let text = |bytes| CString::new(bytes).map_err(|_| Errno::INVAL);
    let texts = |(at, all): (usize, Vec<Vec<u8>>)| {
        Ok((at, all.into_iter().map(text).collect::<Result<_, _>>()?))
    };
    let instead = instead.into_iter().map(texts).collect::<Result<_, _>>()?;
    Ok(Some(Told { instead, libraries }))
}

/// Whether the loader is asked for a list.
pub fn lists(asked: &Asked<'_>) -> bool {
    asked.arguments.pointers().map(strings::bytes).any(|argument| argument == b"--list")
}

/// The name that the kernel knows for a program, if it is another, and where its libraries are to be looked for. Of a program
/// that cannot be loaded the name is one at which the loader finds so.
fn found(
    given: &'static Given,
    asked: &Asked<'_>,
    program: &[u8],
    variable: Option<&[u8]>,
) -> Result<(Option<CString>, Option<Vec<u8>>), Errno> {
    let mut head = Head::default();
    let mut work = Work::default();
    let source = Source::of(asked.base, program);
    let mut tree = None;
    let (path, file) = match find::node(asked.base, Some(program), true, &mut work) {
        // What is wrong with what is outside the loader says.
        Ok(Answer::Kernel) => (None, of_kernel(&source, &mut head).unwrap_or(None)),
        Ok(Answer::Elsewhere(other)) => {
            let file = of_kernel(&Source::of(find::CWD, other.to_bytes()), &mut head);
            (Some(other.to_owned()), file.unwrap_or(None))
        }
        Ok(Answer::Ours(at)) => match of_tree(given, &source, at) {
            Ok((name, path, file)) => {
                head.read(&file);
                tree = Some(path);
                (Some(name), Some(file))
            }
            Err(errno) => return Ok((failing::instead_of(asked.base, program, errno)?, None)),
        },
        Err(errno) => return Ok((failing::instead_of(asked.base, program, errno)?, None)),
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

/// The name that the kernel knows for a program of the tree, its path in the tree, and its file.
fn of_tree(
    given: &'static Given,
    source: &Source<'_>,
    at: At,
) -> Result<(CString, Vec<u8>, Brief), Errno> {
    let file = open_to_load(given, at)?;
    let content = is_content(given, at.number()?, file.as_fd())?;
    let mut room = Scratch::default();
    let room = room.bytes();
    begin_with(room, b"\0");
    prepare(given, source, room, &file, content)?;
    let name = CStr::from_bytes_until_nul(room).map_err(|_| Errno::NAMETOOLONG)?.to_owned();
    let inside = farm::in_tree(given, name.to_bytes()).unwrap_or(b"");
    let path = [given.mount.as_slice(), inside].concat();
    Ok((name, path, file))
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
