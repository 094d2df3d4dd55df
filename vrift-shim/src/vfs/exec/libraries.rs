//! Libraries of the tree that a program needs. Its loader looks for them before anything is preloaded, so they have to lie
//! where the kernel finds them, and the loader has to be told to look there: by LD_LIBRARY_PATH, in the order in which it
//! would look itself. When the program runs it sees the variable as it was set (`sys/start.rs`).

use std::ffi::c_int;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::dynamic::{Dynamic, NEEDED, RPATH, RUNPATH};
use super::shelf::{Book, Leads, Shelf, Version};
use super::{Head, elf, finish};
use crate::sys::fd::Brief;
use crate::vfs::find::{self, At, CWD, Work};
use crate::vfs::session::{self, Given};
use crate::vfs::{Answer, paths};

/// Libraries that are followed from one to the next.
const MOST: usize = 1000;
/// The longest name of a library, and the longest list of directories, with the NUL.
const NAME: usize = 256;
const LIST: usize = PATH_MAX;

/// A program that is about to be executed.
pub struct Asked<'a> {
    /// Its file.
    pub file: BorrowedFd<'a>,
    /// What it says of libraries.
    pub dynamic: &'a Dynamic,
    /// Its path in the tree, if it has one there.
    pub path: Option<&'a [u8]>,
    /// The directory that it will run in.
    pub base: c_int,
    /// LD_LIBRARY_PATH, as it was set for it.
    pub variable: Option<&'a [u8]>,
}

/// What LD_LIBRARY_PATH has to be for the program; `None`: what it is.
pub fn path_for(given: &'static Given, asked: &Asked<'_>) -> Option<Vec<u8>> {
    let variable = asked.variable.unwrap_or(b"");
    if !asked.dynamic.says_where_to_look() && variable.is_empty() {
        return None;
    }
    let origin = asked.path.map(directory_of);
    let mut search = Search::new(given);
    search.variable = search.places(asked.base, variable, b";:", origin);
    search.objects.push(search.object(asked.file, asked.dynamic, origin, None));
    if !search.leads_inside() {
        return None;
    }
    search.follow();
    search.take_whole_directories();
    let shelf = Shelf::of(given, &search.books).ok()?;
    Some(search.list(&shelf, variable))
}

/// A library of the tree, `at`, whose path there is `path`, with the libraries of the tree that it needs by where it says
/// that they are: the paths of all for the loader, its own first. `None`: it needs none.
pub fn with_needed(given: &'static Given, at: At, path: &[u8]) -> Option<Vec<Vec<u8>>> {
    let directory = directory_of(path);
    let mut search = Search::new(given);
    let taken = search.taken(directory, path.get(directory.len() + 1..)?, at)?;
    let Library { file, dynamic } = taken.library?;
    search.objects.push(search.object(file.as_fd(), &dynamic, Some(directory), None));
    if !search.leads_inside() {
        return None;
    }
    search.books.push(taken.book);
    search.follow();
    if search.books.len() < 2 {
        return None;
    }
    let shelf = Shelf::of(given, &search.books).ok()?;
    Some(search.books.iter().map(|book| shelf.path_of(given, book)).collect())
}

/// A directory that is looked in.
enum Place {
    /// Of the tree: its path, without symlinks.
    Tree(Vec<u8>),
    /// Another, by a path that the kernel finds.
    Outside(Vec<u8>),
}

/// The program, or a library of the tree.
struct Object {
    /// The names of the libraries that it needs.
    needed: Vec<Vec<u8>>,
    rpath: Vec<Place>,
    /// It has one, so that nothing else's RPATH is looked at.
    has_runpath: bool,
    runpath: Vec<Place>,
    /// Who needs it.
    loader: Option<usize>,
}

struct Search {
    given: &'static Given,
    /// The directories of LD_LIBRARY_PATH.
    variable: Vec<Place>,
    objects: Vec<Object>,
    /// What was found in the tree.
    books: Vec<Book>,
}

impl Search {
    fn new(given: &'static Given) -> Search {
        Search { given, variable: Vec::new(), objects: Vec::new(), books: Vec::new() }
    }

    fn object(
        &self,
        file: BorrowedFd<'_>,
        dynamic: &Dynamic,
        origin: Option<&[u8]>,
        loader: Option<usize>,
    ) -> Object {
        let mut room = [0; NAME];
        let mut needed = Vec::new();
        for place in dynamic.values(NEEDED) {
            // A name with a slash is a path, which the loader opens itself.
            match dynamic.string(file, place, &mut room) {
                Some(name) if !name.contains(&b'/') => needed.push(name.to_vec()),
                _ => {}
            }
        }
        let places = |kind| {
            let mut room = vec![0; LIST];
            let list = dynamic.values(kind).next();
            let list = list.and_then(|place| dynamic.string(file, place, &mut room));
            list.map(|list| self.places(CWD, list, b":", origin)).unwrap_or_default()
        };
        let has_runpath = dynamic.values(RUNPATH).next().is_some();
        let rpath = if has_runpath { Vec::new() } else { places(RPATH) };
        Object { needed, rpath, has_runpath, runpath: places(RUNPATH), loader }
    }

    /// The directories of a list.
    fn places(
        &self,
        base: c_int,
        list: &[u8],
        separators: &[u8],
        origin: Option<&[u8]>,
    ) -> Vec<Place> {
        if list.is_empty() {
            return Vec::new();
        }
        let entries = list.split(|byte| separators.contains(byte));
        entries.filter_map(|entry| self.place(base, &expanded(entry, origin)?)).collect()
    }

    fn place(&self, base: c_int, path: &[u8]) -> Option<Place> {
        let path = if path.is_empty() { b"." } else { path };
        let mut work = Work::default();
        let at = match find::node(base, Some(path), true, &mut work) {
            Ok(Answer::Ours(at)) => at,
            Ok(Answer::Elsewhere(other)) => return Some(Place::Outside(other.to_bytes().to_vec())),
            Ok(Answer::Kernel) => return Some(Place::Outside(path.to_vec())),
            Err(_) => return None,
        };
        let mut room = Scratch::default();
        let room = room.bytes();
        let length = paths::of_node(self.given, at.number().ok()?, room).ok()?;
        Some(Place::Tree(room.get(..length)?.to_vec()))
    }

    /// Whether any of it is the tree's.
    fn leads_inside(&self) -> bool {
        let own = self.objects.iter().flat_map(|object| object.rpath.iter().chain(&object.runpath));
        self.variable.iter().chain(own).any(|place| matches!(place, Place::Tree(_)))
    }

    /// Looks for what is needed, and what that needs.
    fn follow(&mut self) {
        let mut known: Vec<Vec<u8>> = Vec::new();
        let mut number = 0;
        while let Some(object) = self.objects.get(number) {
            for name in object.needed.clone() {
                if known.len() < MOST && !known.contains(&name) {
                    self.look_for(&name, number);
                    known.push(name);
                }
            }
            number += 1;
        }
    }

    /// Looks for one library where the loader would, until it is found; what is outside the loader finds by itself.
    fn look_for(&mut self, name: &[u8], loader: usize) {
        let Some(asking) = self.objects.get(loader) else { return };
        let mut places: Vec<&Place> = Vec::new();
        let mut above = if asking.has_runpath { None } else { Some(asking) };
        while let Some(object) = above {
            places.extend(&object.rpath);
            above = object.loader.and_then(|number| self.objects.get(number));
        }
        places.extend(self.variable.iter().chain(&asking.runpath));
        for place in places {
            match place {
                Place::Outside(directory) => {
                    let path = [directory, b"/".as_slice(), name].concat();
                    if rustix::fs::statat(rustix::fs::CWD, &*path, AtFlags::empty()).is_ok() {
                        return;
                    }
                }
                Place::Tree(directory) => {
                    let Some(found) = self.take(directory, name) else { continue };
                    let Some(library) = found.library else { return self.books.push(found.book) };
                    let origin = directory.clone();
                    let object = self.object(
                        library.file.as_fd(),
                        &library.dynamic,
                        Some(&origin),
                        Some(loader),
                    );
                    self.books.push(found.book);
                    return self.objects.push(object);
                }
            }
        }
    }

    /// What a directory of the tree has of a name, if a loader would take it.
    fn take(&self, directory: &[u8], name: &[u8]) -> Option<Taken> {
        let path = [directory, b"/", name].concat();
        let mut work = Work::default();
        match find::node(CWD, Some(&path), true, &mut work).ok()? {
            Answer::Ours(at) => self.taken(directory, name, at),
            Answer::Elsewhere(other) => {
                let leads = Leads::Outside(other.to_bytes().to_vec());
                let book = Book { directory: directory.to_vec(), name: name.to_vec(), leads };
                Some(Taken { book, library: None })
            }
            Answer::Kernel => None,
        }
    }

    fn taken(&self, directory: &[u8], name: &[u8], at: At) -> Option<Taken> {
        if !matches!(at.session.tree().kind(at.cursor), Ok(Kind::File)) {
            return None;
        }
        let file = open(self.given, at).ok()?;
        let mut head = Head::default();
        head.read(&file);
        if !elf::is_loadable(head.get()) {
            return None;
        }
        let leads =
            Leads::Inside { node: at.number().ok()?, file: Version::of(file.as_fd()).ok()? };
        let book = Book { directory: directory.to_vec(), name: name.to_vec(), leads };
        let dynamic = Dynamic::read(file.as_fd(), head.get());
        Some(Taken { book, library: dynamic.map(|dynamic| Library { file, dynamic }) })
    }

    /// What lies in the directories of LD_LIBRARY_PATH can be looked for by any library, and later.
    fn take_whole_directories(&mut self) {
        let mut more = Vec::new();
        for place in &self.variable {
            let Place::Tree(directory) = place else { continue };
            let mut work = Work::default();
            let Ok(Answer::Ours(at)) = find::node(CWD, Some(directory), true, &mut work) else {
                continue;
            };
            let Ok(children) = at.session.tree().children(at.cursor) else { continue };
            for (name, _) in children.flatten() {
                let is_new = !self
                    .books
                    .iter()
                    .any(|book| book.directory == *directory && book.name == *name);
                if is_new && name.windows(3).any(|part| part == b".so") {
                    more.extend(self.take(directory, &name).map(|taken| taken.book));
                }
            }
        }
        self.books.extend(more);
    }

    /// The list for the loader: what was set, with other names for what is the tree's, then where else something was
    /// found.
    fn list(&self, shelf: &Shelf, variable: &[u8]) -> Vec<u8> {
        let mut list = Vec::new();
        let mut push = |directory: &[u8]| {
            if !list.is_empty() {
                list.push(b':');
            }
            list.extend_from_slice(directory);
        };
        let mut named: Vec<&[u8]> = Vec::new();
        if !variable.is_empty() {
            for place in &self.variable {
                match place {
                    Place::Outside(directory) => push(directory),
                    Place::Tree(directory) => {
                        push(&shelf.directory(self.given, directory));
                        named.push(directory);
                    }
                }
            }
        }
        for book in &self.books {
            if !named.contains(&book.directory.as_slice()) {
                push(&shelf.directory(self.given, &book.directory));
                named.push(&book.directory);
            }
        }
        list
    }
}

struct Taken {
    book: Book,
    /// Where it leads to a library of the tree.
    library: Option<Library>,
}

struct Library {
    file: Brief,
    dynamic: Dynamic,
}

/// Opens a library of the tree as content, or as it is while it is being written.
pub fn open(given: &'static Given, at: At) -> Result<Brief, Errno> {
    let node = at.number()?;
    if at.session.tree().draft(at.cursor).is_some() {
        let _ = finish(given, node);
    }
    let file = session::with(given, |session| session.open_for_reading(node, OFlags::CLOEXEC))?;
    Ok(Brief::new(file))
}

fn directory_of(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    path.get(..slash.max(1)).unwrap_or(path)
}

/// A directory of a list, in which `$ORIGIN` stands for the directory of the object; `None`: it cannot be told here.
fn expanded(entry: &[u8], origin: Option<&[u8]>) -> Option<Vec<u8>> {
    if !entry.contains(&b'$') {
        return Some(entry.to_vec());
    }
    let mut text = Vec::new();
    let mut rest = entry;
    while let Some((&first, behind)) = rest.split_first() {
        let token = [(&b"$ORIGIN"[..], origin), (b"${ORIGIN}", origin)];
        let token = token.iter().find(|(token, _)| rest.starts_with(token));
        match token {
            Some((token, value)) => {
                text.extend_from_slice((*value)?);
                rest = rest.get(token.len()..)?;
            }
            // $LIB and $PLATFORM are the loader's to know.
            None if first == b'$' => return None,
            None => {
                text.push(first);
                rest = behind;
            }
        }
    }
    Some(text)
}
