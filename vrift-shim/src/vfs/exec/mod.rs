//! What the kernel is to execute for a path: a program outside the tree as it is, a program of the tree by a name that the
//! kernel knows, a script by its interpreter.

pub mod by_loader;
pub mod cover;
pub mod dynamic;
pub mod elf;
pub mod failing;
pub mod farm;
pub mod known;
pub mod launch;
pub mod libraries;
pub mod places;
mod preload;
pub mod sanitizer;
pub mod script;
pub mod search;
pub mod shelf;

use std::ffi::{CStr, CString, c_int};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;
use vrift_manifest::session::Seal;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::descriptor::{self, Held};
use super::environment::{self, Needs};
use super::find::{self, At, CWD, Work};
use super::session::{self, Given};
use super::{Answer, paths, who};
use crate::sys::fd::Brief;
use by_loader::Told;
use dynamic::Dynamic;
use elf::Kind;
use known::Outside;
use launch::Asked;
use script::Line;

/// Interpreters in a row, as many as the kernel goes through.
const DEEPEST: usize = 5;

/// What to execute.
pub struct Program {
    /// The path for the kernel, if it is not the name that was given.
    path: [u8; PATH_MAX],
    lines: [Line; DEEPEST],
    depth: usize,
    kind: Kind,
    sanitized: bool,
    libraries: Option<Vec<u8>>,
    /// The program is the loader.
    by_loader: bool,
    told: Option<Told>,
}

impl Program {
    /// Nothing yet.
    pub fn new() -> Program {
        let (path, lines) = ([0; PATH_MAX], Default::default());
        let kind = Kind::Unknown;
        let (sanitized, libraries, by_loader, told) = (false, None, false, None);
        Program { path, lines, depth: 0, kind, sanitized, libraries, by_loader, told }
    }

    /// The path that the kernel is to execute; `None`: as it was asked for, from the directory that it was asked for.
    pub fn path(&self) -> Option<&CStr> {
        if self.path.first() != Some(&0) {
            return CStr::from_bytes_until_nul(&self.path).ok();
        }
        self.lines().last().map(Line::interpreter)
    }

    /// The scripts' lines that are not left to the kernel, the outermost script's first.
    pub fn lines(&self) -> &[Line] {
        self.lines.get(..self.depth).unwrap_or(&[])
    }

    /// What it needs of its environment.
    pub fn needs(&self) -> Needs<'_> {
        Needs { sanitized: self.sanitized, ..Needs::of(self.kind.reach()) }
    }

    /// What LD_LIBRARY_PATH has to be for its loader; `None`: what it is.
    pub fn take_libraries(&mut self) -> Option<Vec<u8>> {
        self.libraries.take()
    }

    /// Whether its loader says what it would load, instead of running it.
    pub fn is_traced(&self, asked: &Asked<'_>) -> bool {
        let is_told_of = environment::traces(asked.environment);
        self.kind == Kind::Ours && (is_told_of || self.by_loader && by_loader::lists(asked))
    }

    /// What its loader is told in the place of an argument, if the loader is the program.
    pub fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// What kind of program is executed in the end.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// Whose a program is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The kernel's, by the name that was given.
    Kernel,
    /// The kernel's, by another: a symlink of the tree leads there.
    Elsewhere,
    /// The tree's.
    Tree,
}

/// The beginning of a program.
#[derive(Clone, Copy)]
struct Head {
    bytes: [u8; elf::HEAD],
    length: usize,
    /// The program gains rights by being executed.
    privileged: bool,
    /// Its file is content of the tree, which nobody writes any more.
    content: bool,
}

impl Default for Head {
    fn default() -> Head {
        Head { bytes: [0; elf::HEAD], length: 0, privileged: false, content: false }
    }
}

impl Head {
    fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(b"")
    }

    fn read(&mut self, file: &Brief) {
        self.length = rustix::io::pread(file.as_fd(), &mut self.bytes[..], 0).unwrap_or(0);
    }
}

/// Finds out what to execute.
pub fn resolve(
    given: &'static Given,
    asked: &Asked<'_>,
    program: &mut Program,
) -> Result<(), Errno> {
    let Program { path, lines, depth, kind, sanitized, libraries, by_loader, told } = program;
    let outside = Outside::look(given, asked);
    if outside.is_known(asked)? {
        *kind = Kind::Ours;
        return Ok(());
    }
    // From this interpreter on everything is the kernel's.
    let mut settled = None;
    let mut level = 0;
    let mut head = Head::default();
    loop {
        let (before, behind) = lines.split_at_mut_checked(level).ok_or(Errno::LOOP)?;
        let source = match before.last() {
            Some(line) => Source::of(asked.base, line.interpreter().to_bytes()),
            None => Source {
                flags: asked.flags,
                stat: outside.stat,
                ..Source::of(asked.directory, asked.path.to_bytes())
            },
        };
        begin_with(path, b"\0");
        let (whose, file) = look(given, &source, path, &mut head)?;
        match whose {
            Whose::Kernel => settled = settled.or(Some(level)),
            Whose::Elsewhere | Whose::Tree => settled = None,
        }
        if script::is_script(head.get()) {
            let line = behind.first_mut();
            let wrong = if line.is_some() { Errno::NOEXEC } else { Errno::LOOP };
            if line.is_some_and(|line| line.read(head.get())) {
                level += 1;
                continue;
            }
            // The kernel knows itself what to do with its own.
            if settled.is_none() { return Err(wrong) } else { break }
        }
        let name = source.path.rsplit(|&byte| byte == b'/').next().unwrap_or(b"");
        let Some(file) = file else { break };
        *kind = match head.privileged {
            true => Kind::Privileged,
            false => elf::kind(file.as_fd(), head.get(), name),
        };
        if whose == Whose::Tree {
            prepare(given, &source, path, &file, head.content)?;
        }
        *by_loader = *kind == Kind::Ours && elf::is_loader(name);
        if *by_loader {
            *told = if level == 0 { self::by_loader::told(given, asked)? } else { None };
            *libraries = told.as_mut().and_then(|told| told.libraries.take());
        } else if *kind == Kind::Ours
            && let Some(dynamic) = Dynamic::read(file.as_fd(), head.get())
        {
            *sanitized = sanitizer::is_needed(file.as_fd(), &dynamic);
            if let Some(found) = needed(given, asked, (whose, path), file.as_fd(), &dynamic)? {
                *libraries = Some(found.list);
                if let Some(program) = found.program {
                    begin_with(path, &[&*program, b"\0"].concat());
                }
            }
            if whose == Whose::Kernel && level == 0 && !*sanitized && !dynamic.says_where_to_look()
            {
                outside.note();
            }
        }
        break;
    }
    *depth = settled.unwrap_or(level);
    if settled.is_some() {
        begin_with(path, b"\0");
    }
    Ok(())
}

/// How a program finds its libraries, which is at `path` if it is the tree's.
fn needed(
    given: &'static Given,
    asked: &Asked<'_>,
    (whose, path): (Whose, &[u8; PATH_MAX]),
    file: BorrowedFd<'_>,
    dynamic: &Dynamic,
) -> Result<Option<libraries::Found>, Errno> {
    let path = path.split(|&byte| byte == 0).next().filter(|_| whose == Whose::Tree);
    let path = path.and_then(|path| farm::in_tree(given, path));
    let path = path.map(|path| [given.mount.as_slice(), path].concat());
    let variable = environment::library_path(asked.environment);
    let (path, base) = (path.as_deref(), asked.base);
    libraries::path_for(given, &libraries::Asked { file, dynamic, path, base, variable })
}

/// What is looked for, and from where.
struct Source<'a> {
    directory: c_int,
    path: &'a [u8],
    flags: c_int,
    /// What the kernel says of it, if it was asked already.
    stat: Option<Result<Stat, Errno>>,
}

impl<'a> Source<'a> {
    fn of(directory: c_int, path: &'a [u8]) -> Source<'a> {
        Source { directory, path, flags: 0, stat: None }
    }

    fn is_descriptor(&self) -> bool {
        self.flags & libc::AT_EMPTY_PATH != 0 && self.path.is_empty()
    }
}

fn begin_with(path: &mut [u8; PATH_MAX], text: &[u8]) {
    if let Some(room) = path.get_mut(..text.len()) {
        room.copy_from_slice(text);
    }
}

/// Looks at the beginning of what a path names, and whose it is. `path` gets the path outside the tree that it leads to.
#[inline(never)]
fn look(
    given: &'static Given,
    source: &Source<'_>,
    path: &mut [u8; PATH_MAX],
    head: &mut Head,
) -> Result<(Whose, Option<Brief>), Errno> {
    (head.length, head.privileged, head.content) = (0, false, false);
    if source.is_descriptor() {
        return match descriptor::look(given, source.directory)?.0 {
            Held::Content { node, .. } | Held::Lost(Some(node)) => {
                of_tree(find::by_number(given, node)?, head)
            }
            Held::Directory(_) => Err(Errno::ACCESS),
            Held::Foreign | Held::Lost(None) => Ok((Whose::Kernel, None)),
        };
    }
    let mut work = Work::default();
    let follow = source.flags & libc::AT_SYMLINK_NOFOLLOW == 0;
    match find::node(source.directory, Some(source.path), follow, &mut work)? {
        Answer::Ours(at) => of_tree(at, head),
        Answer::Elsewhere(other) => {
            let file = of_kernel(&Source::of(CWD, other.to_bytes()), head)?;
            begin_with(path, other.to_bytes_with_nul());
            Ok((Whose::Elsewhere, file))
        }
        Answer::Kernel => Ok((Whose::Kernel, of_kernel(source, head)?)),
    }
}

fn of_tree(at: At, head: &mut Head) -> Result<(Whose, Option<Brief>), Errno> {
    let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
    match attributes.mode & 0o170_000 {
        0o100_000 => {}
        0o120_000 => return Err(Errno::LOOP),
        _ => return Err(Errno::ACCESS),
    }
    who::credentials().need(&attributes, 1)?;
    let node = at.number()?;
    if at.session.tree().draft(at.cursor).is_some() {
        finish(at.given, node)?;
    }
    let flags = OFlags::CLOEXEC;
    let file = session::with(at.given, |session| session.open_for_reading(node, flags))
        .map_err(super::open::nameless)?;
    let file = Brief::new(file);
    head.read(&file);
    head.content = is_content(at.given, node, file.as_fd())?;
    Ok((Whose::Tree, Some(file)))
}

/// Whether an open file of a node is nobody's to write any more. While a draft is being sealed its mode says so too early;
/// but then it is the node's draft still.
fn is_content(given: &'static Given, node: u64, file: BorrowedFd<'_>) -> Result<bool, Errno> {
    let mode_says_so = descriptor::is_blob(&rustix::fs::fstat(file)?);
    let at = find::by_number(given, node)?;
    Ok(mode_says_so && at.session.tree().draft(at.cursor).is_none())
}

/// A program that was just written becomes a blob, which can be executed. While somebody can still write it: ETXTBSY.
#[cold]
fn finish(given: &'static Given, node: u64) -> Result<(), Errno> {
    let sealed = session::with(given, |session| session.seal_draft(&who::who(), node, true))?;
    if sealed == Seal::Busy { Err(Errno::TXTBSY) } else { Ok(()) }
}

/// The kernel says itself what is wrong with a program of its own; only what is to be known of its kind is looked at.
fn of_kernel(source: &Source<'_>, head: &mut Head) -> Result<Option<Brief>, Errno> {
    let path = source.path;
    let directory = match source.directory {
        CWD => rustix::fs::CWD,
        other => descriptor::borrow(other)?,
    };
    let stat = match source.stat {
        Some(asked) => asked?,
        None => rustix::fs::statat(directory, path, AtFlags::empty())?,
    };
    if stat.st_mode & 0o170_000 != 0o100_000 {
        return Err(Errno::ACCESS);
    }
    head.privileged = elf::gains_rights(&stat);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::openat(directory, path, flags, Mode::empty()).ok().map(Brief::new);
    if let Some(file) = &file {
        head.read(file);
        head.privileged |= elf::has_capabilities(file.as_fd());
    }
    Ok(file)
}

/// The same for a path that is in the buffer.
#[cold]
#[inline(never)]
fn canonical_again(path: &mut [u8; PATH_MAX]) -> Result<Option<usize>, Errno> {
    let asked = *path;
    farm::canonical(CWD, asked.split(|&byte| byte == 0).next().unwrap_or(b""), path)
}

fn named(
    given: &'static Given,
    descriptor: c_int,
    path: &mut [u8; PATH_MAX],
) -> Result<usize, Errno> {
    match descriptor::look(given, descriptor)?.0 {
        Held::Content { node, .. } => paths::of_any(given, node, path),
        _ => Err(Errno::NOENT),
    }
}

/// A library of the tree, at a path from `base` on, by a name that the kernel knows, and those of the tree that it needs.
pub fn library(given: &'static Given, base: c_int, at: At, path: &[u8]) -> Result<Loading, Errno> {
    let file = open_to_load(given, at)?;
    let mut room = Scratch::default();
    let room = room.bytes();
    if let Some(length) = farm::canonical(base, path, room)?
        && let Some(all) = libraries::with_needed(given, at, room.get(..length).unwrap_or(b""))?
    {
        let mut all = all.into_iter().filter_map(|path| CString::new(path).ok());
        let path = all.next().ok_or(Errno::NOENT)?;
        return Ok(Loading { path, needed: all.collect() });
    }
    begin_with(room, b"\0");
    let content = is_content(given, at.number()?, file.as_fd())?;
    prepare(given, &Source::of(base, path), room, &file, content)?;
    let path = CStr::from_bytes_until_nul(room).map_err(|_| Errno::NAMETOOLONG)?;
    Ok(Loading::of(farm::padded(given, path)))
}

/// Opens what a loader is to load, if it can be read.
fn open_to_load(given: &'static Given, at: At) -> Result<Brief, Errno> {
    let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
    who::credentials().need(&attributes, 4)?;
    match attributes.mode & 0o170_000 {
        0o100_000 => libraries::open(given, at),
        0o040_000 => Err(Errno::ISDIR),
        _ => Err(Errno::ACCESS),
    }
}

/// What a loader is to load instead of a path.
pub struct Loading {
    /// The path.
    pub path: CString,
    /// What it needs, and would not be found.
    pub needed: Vec<CString>,
}

impl Loading {
    /// A path alone.
    pub fn of(path: CString) -> Loading {
        Loading { path, needed: Vec::new() }
    }
}

/// Gives a program of the tree, open as `file`, a name that the kernel knows: in `path`.
#[inline(never)]
fn prepare(
    given: &'static Given,
    source: &Source<'_>,
    path: &mut [u8; PATH_MAX],
    file: &Brief,
    content: bool,
) -> Result<(), Errno> {
    let length = match source.is_descriptor() {
        // By any of its names; without one, as the kernel knows it.
        true => named(given, source.directory, path).ok(),
        false if path.first() == Some(&0) => farm::canonical(source.directory, source.path, path)?,
        false => canonical_again(path)?,
    };
    let Some(length) = length else {
        // Opened as a file that has lost its names.
        let length = descriptor::path(file.as_fd().as_raw_fd(), path).ok_or(Errno::NOENT)?;
        *path.get_mut(length).ok_or(Errno::NAMETOOLONG)? = 0;
        return Ok(());
    };
    // A draft's names are for its sealers to count.
    if content {
        farm::place(given, path, length, file.as_fd())
    } else {
        farm::copy(given, path, length, file.as_fd())
    }
}
