//! Libraries of the tree that a program needs. Its loader looks for them before anything is preloaded, so they have to lie
//! where the kernel finds them, and the loader has to be told to look there: by LD_LIBRARY_PATH, in the order in which it
//! would look itself. When the program runs it sees the variable as it was set (`sys/start.rs`).

use std::ffi::c_int;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::tree::path::PATH_MAX;

use super::dynamic::{Dynamic, Edit, NEEDED, RPATH, RUNPATH};
use super::places::{self, Place, directory_of, is_there};
use super::shelf::{Book, Leads, Shelf, Version};
use super::{Head, elf, finish};
use crate::sys::fd::Brief;
use crate::vfs::find::{self, At, CWD, Work};
use crate::vfs::session::{self, Given};
use crate::vfs::{Answer, who};

/// Libraries that are followed from one to the next.
const MOST: usize = 1000;
/// The longest name of a library, and the longest list of directories, with the NUL.
const NAME: usize = 256;
const LIST: usize = PATH_MAX;
/// A file that can be opened, and gives EIO to who reads it.
const UNREADABLE: &[u8] = b"/proc/self/mem";
/// How often it is looked for what is written meanwhile.
const ATTEMPTS: usize = 4;

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

/// What a program's loader needs to find all.
pub struct Found {
    /// What LD_LIBRARY_PATH has to be.
    pub list: Vec<u8>,
    /// The program's path, if it has to be a copy that does not say where the kernel finds something else.
    pub program: Option<Vec<u8>>,
}

/// How a program that is about to be executed finds its libraries; `None`: by itself. An error: the loader would find others
/// in the real directory. EIO: one that it needs is damaged, and the loader would look for another one of the name.
pub fn path_for(given: &'static Given, asked: &Asked<'_>) -> Result<Option<Found>, Errno> {
    unless_written(|| look_for_all(given, asked))
}

/// Looks again where something was written meanwhile. What is written all the time is nothing that can be loaded.
fn unless_written<T>(look: impl Fn() -> Result<Option<T>, Errno>) -> Result<Option<T>, Errno> {
    for _ in 0..ATTEMPTS {
        match look() {
            Err(Errno::AGAIN) => {}
            looked => return looked,
        }
    }
    Ok(None)
}

fn look_for_all(given: &'static Given, asked: &Asked<'_>) -> Result<Option<Found>, Errno> {
    let variable = asked.variable.unwrap_or(b"");
    // A program outside is not looked through for paths.
    if asked.path.is_none() && !asked.dynamic.says_where_to_look() && variable.is_empty() {
        return Ok(None);
    }
    let origin = asked.path.map(directory_of);
    let mut search = Search::new(given, asked.base);
    search.variable = places::of_list(given, asked.base, variable, b";:", origin);
    search.objects.push(search.object(asked.file, asked.dynamic, origin, None));
    if !search.leads_inside() {
        return Ok(None);
    }
    search.follow()?;
    search.take_whole_directories();
    let list = search.books.len();
    let program = match asked.path {
        Some(path) => search.copy_of_program(path)?,
        None => None,
    };
    let shelf = Shelf::of(given, &search.books)?;
    let program = program.and_then(|number| Some(shelf.path_of(given, search.books.get(number)?)));
    Ok(Some(Found { list: search.list(&shelf, variable, list), program }))
}

/// A library of the tree, `at`, whose path there is `path`, with the libraries of the tree that it needs by where it says
/// that they are: the paths of all for the loader, its own first. `None`: it needs none. An error: as [`path_for`] has it.
pub fn with_needed(
    given: &'static Given,
    at: At,
    path: &[u8],
) -> Result<Option<Vec<Vec<u8>>>, Errno> {
    unless_written(|| look_for_needed(given, at, path))
}

fn look_for_needed(
    given: &'static Given,
    at: At,
    path: &[u8],
) -> Result<Option<Vec<Vec<u8>>>, Errno> {
    let directory = directory_of(path);
    let name = path.get(directory.len() + 1..).unwrap_or(b"");
    let mut search = Search::new(given, CWD);
    let Some(Taken { book, library: Some(Library { file, dynamic }) }) =
        search.taken(directory, name, at)?
    else {
        return Ok(None);
    };
    let object = search.object(file.as_fd(), &dynamic, Some(directory), None);
    search.objects.push(Object { book: Some(0), ..object });
    if !search.leads_inside() {
        return Ok(None);
    }
    search.books.push(book);
    search.follow()?;
    if search.books.len() < 2 {
        return Ok(None);
    }
    let shelf = Shelf::of(given, &search.books)?;
    Ok(Some(search.books.iter().map(|book| shelf.path_of(given, book)).collect()))
}

/// A library that is needed.
#[derive(Clone)]
struct Needed {
    /// Its name, or its path.
    name: Vec<u8>,
    /// By which the path is a name, that of the file alone.
    shorter: Option<Edit>,
}

/// The program, or a library of the tree.
struct Object {
    needed: Vec<Needed>,
    rpath: Vec<Place>,
    /// It has one, so that nothing else's RPATH is looked at.
    has_runpath: bool,
    runpath: Vec<Place>,
    /// Who needs it.
    loader: Option<usize>,
    /// Which of the books it is.
    book: Option<usize>,
    /// By which it does not say where to look.
    silent: Vec<Edit>,
    /// What has to be other in it.
    edits: Vec<Edit>,
}

struct Search {
    given: &'static Given,
    base: c_int,
    /// The directories of LD_LIBRARY_PATH.
    variable: Vec<Place>,
    objects: Vec<Object>,
    /// What was found in the tree.
    books: Vec<Book>,
    /// Directories of the tree in which something was found before the variable was looked at.
    first: Vec<Vec<u8>>,
    /// Names that are looked for, and whether they are the tree's.
    names: Vec<(Vec<u8>, bool)>,
    /// Where else is to be looked at last.
    last: Vec<Vec<u8>>,
}

impl Search {
    fn new(given: &'static Given, base: c_int) -> Search {
        let (variable, objects, books) = (Vec::new(), Vec::new(), Vec::new());
        let (first, names, last) = (Vec::new(), Vec::new(), Vec::new());
        Search { given, base, variable, objects, books, first, names, last }
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
            if let Some(name) = dynamic.string(file, place, &mut room) {
                let slash = name.iter().rposition(|&byte| byte == b'/');
                let shorter = slash.and_then(|slash| dynamic.shorter_name(place, slash + 1));
                needed.push(Needed { name: name.to_vec(), shorter });
            }
        }
        let places = |kind| {
            let mut room = vec![0; LIST];
            let list = dynamic.values(kind).next();
            let list = list.and_then(|place| dynamic.string(file, place, &mut room));
            let of_list = |list| places::of_list(self.given, CWD, list, b":", origin);
            list.map(of_list).unwrap_or_default()
        };
        let has_runpath = dynamic.values(RUNPATH).next().is_some();
        let rpath = if has_runpath { Vec::new() } else { places(RPATH) };
        let silent = dynamic.says_nothing_of_places().collect();
        let (runpath, book, edits) = (places(RUNPATH), None, Vec::new());
        Object { needed, rpath, has_runpath, runpath, loader, book, silent, edits }
    }

    /// Whether any of it is the tree's.
    fn leads_inside(&self) -> bool {
        let own = self.objects.iter().flat_map(|object| object.rpath.iter().chain(&object.runpath));
        let needed = self.objects.iter().flat_map(|object| &object.needed);
        self.variable.iter().chain(own).any(|place| matches!(place, Place::Tree(_)))
            || needed.into_iter().any(|needed| needed.shorter.is_some())
    }

    /// Looks for what is needed, and what that needs.
    fn follow(&mut self) -> Result<(), Errno> {
        let mut number = 0;
        while let Some(object) = self.objects.get(number) {
            for needed in object.needed.clone() {
                let is_known = self.names.iter().find(|known| known.0 == needed.name);
                let is_ours = match is_known {
                    Some(known) => known.1,
                    None if self.names.len() >= MOST => continue,
                    None => {
                        let found = match needed.shorter {
                            Some(_) => self.look_at(&needed.name, number)?,
                            None => self.look_for(&needed.name, number)?,
                        };
                        self.names.push((needed.name, found));
                        found
                    }
                };
                if let (true, Some(edit), Some(object)) =
                    (is_ours, needed.shorter, self.objects.get_mut(number))
                {
                    object.edits.push(edit);
                }
            }
            number += 1;
        }
        self.silence();
        Ok(())
    }

    /// A path that is the name of a needed library, from where the program runs: whether it is the tree's.
    fn look_at(&mut self, path: &[u8], loader: usize) -> Result<bool, Errno> {
        let directory = directory_of(path);
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(b"");
        let place = places::of_list(self.given, self.base, directory, b"", None).pop();
        let Some(Place::Tree(directory)) = place else { return Ok(false) };
        let Some(found) = self.take(&directory, name)? else {
            // By its name alone it is not found either.
            return Ok(is_there(&directory, name));
        };
        self.first.push(directory);
        self.add(found, loader);
        Ok(true)
    }

    /// Looks for one library where the loader would, until it is found: whether that is in the tree; what is outside the
    /// loader finds by itself.
    fn look_for(&mut self, name: &[u8], loader: usize) -> Result<bool, Errno> {
        let Some(asking) = self.objects.get(loader) else { return Ok(false) };
        let mut places: Vec<&Place> = Vec::new();
        let mut above = if asking.has_runpath { None } else { Some(asking) };
        while let Some(object) = above {
            places.extend(&object.rpath);
            above = object.loader.and_then(|number| self.objects.get(number));
        }
        let before = places.len();
        places.extend(self.variable.iter().chain(&asking.runpath));
        for (number, place) in places.into_iter().enumerate() {
            match place {
                Place::Outside(directory) => {
                    if is_there(directory, name) {
                        return Ok(false);
                    }
                }
                Place::Tree(directory) => {
                    let Some(found) = self.take(directory, name)? else { continue };
                    if number < before {
                        self.first.push(directory.clone());
                    }
                    self.add(found, loader);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn add(&mut self, found: Taken, loader: usize) {
        if let Some(library) = &found.library {
            let (file, origin) = (library.file.as_fd(), Some(&*found.book.directory));
            let object = self.object(file, &library.dynamic, origin, Some(loader));
            self.objects.push(Object { book: Some(self.books.len()), ..object });
        }
        self.books.push(found.book);
    }

    /// What says itself where to look, and would have the loader find what lies in a real directory behind one of the tree,
    /// says so no more: what is the tree's is found without it.
    fn silence(&mut self) {
        let misled: Vec<bool> = self.objects.iter().map(|object| self.is_misled(object)).collect();
        for (object, is_misled) in self.objects.iter_mut().zip(misled) {
            if is_misled {
                object.edits.append(&mut object.silent);
                for place in object.rpath.iter().chain(&object.runpath) {
                    if let Place::Outside(directory) = place {
                        self.last.push(directory.clone());
                    }
                }
            }
            if let Some(book) = object.book.and_then(|number| self.books.get_mut(number)) {
                book.edits.append(&mut object.edits);
            }
        }
    }

    fn is_misled(&self, object: &Object) -> bool {
        let leads = |place: &Place, only_missing: bool| match place {
            Place::Outside(_) => false,
            Place::Tree(directory) => {
                is_there(directory, b".")
                    && self.names.iter().any(|(name, is_ours)| {
                        !(*is_ours && only_missing) && is_there(directory, name)
                    })
            }
        };
        object.rpath.iter().any(|place| leads(place, false))
            || object.runpath.iter().any(|place| leads(place, true))
    }

    /// The program with what has to be other in it, as one of the books.
    fn copy_of_program(&mut self, path: &[u8]) -> Result<Option<usize>, Errno> {
        let edits = self.objects.first().map(|object| object.edits.clone()).unwrap_or_default();
        if edits.is_empty() {
            return Ok(None);
        }
        let directory = directory_of(path);
        let name = path.get(directory.len() + 1..).unwrap_or(b"");
        let Some(taken) = self.take(directory, name)? else { return Ok(None) };
        self.books.push(Book { edits, ..taken.book });
        Ok(Some(self.books.len() - 1))
    }

    /// What a directory of the tree has of a name, if a loader would take it. An error: it would stop there.
    fn take(&self, directory: &[u8], name: &[u8]) -> Result<Option<Taken>, Errno> {
        let path = [directory, b"/", name].concat();
        let mut work = Work::default();
        match find::node(CWD, Some(&path), true, &mut work) {
            Ok(Answer::Ours(at)) => self.taken(directory, name, at),
            Ok(Answer::Elsewhere(other)) => {
                let leads = Leads::Outside(other.to_bytes().to_vec());
                let book = Book::new(directory, name, leads);
                Ok(Some(Taken { book, library: None }))
            }
            Err(Errno::IO) => Err(Errno::IO),
            Ok(Answer::Kernel) | Err(_) => Ok(None),
        }
    }

    fn taken(&self, directory: &[u8], name: &[u8], at: At) -> Result<Option<Taken>, Errno> {
        let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
        // What may not be read a loader passes by.
        if attributes.mode & 0o170_000 != 0o100_000
            || who::credentials().need(&attributes, 4).is_err()
        {
            return Ok(None);
        }
        let file = match open(self.given, at) {
            Ok(file) => file,
            Err(Errno::IO) => return Err(Errno::IO),
            Err(_) => return Ok(None),
        };
        let mut head = Head::default();
        head.read(&file);
        if !elf::is_loadable(head.get()) {
            return Ok(None);
        }
        let leads = Leads::Inside { node: at.number()?, file: Version::of(file.as_fd())? };
        let book = Book::new(directory, name, leads);
        let dynamic = Dynamic::read(file.as_fd(), head.get());
        Ok(Some(Taken { book, library: dynamic.map(|dynamic| Library { file, dynamic }) }))
    }

    /// What lies in the directories of LD_LIBRARY_PATH can be looked for by any library, and later. What is damaged need not
    /// be: it is there as what cannot be read, so that who does look for it finds that, and no other one of the name.
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
                    let taken = self.take(directory, &name).map(|taken| taken.map(|it| it.book));
                    let unreadable =
                        || Book::new(directory, &name, Leads::Outside(UNREADABLE.to_vec()));
                    more.extend(taken.unwrap_or_else(|_| Some(unreadable())));
                }
            }
        }
        self.books.extend(more);
    }

    /// The list for the loader: where something was found before the variable was looked at; what was set, with other names
    /// for what is the tree's; then where else something was found, by the first `books`.
    fn list(&self, shelf: &Shelf, variable: &[u8], books: usize) -> Vec<u8> {
        let mut list = List { shelf, given: self.given, text: Vec::new(), named: Vec::new() };
        for directory in &self.first {
            list.of_tree(directory);
        }
        if !variable.is_empty() {
            for place in &self.variable {
                match place {
                    Place::Outside(directory) => list.push(directory),
                    Place::Tree(directory) => list.of_tree(directory),
                }
            }
        }
        for book in self.books.iter().take(books) {
            list.of_tree(&book.directory);
        }
        self.last.iter().for_each(|directory| list.push(directory));
        list.text
    }
}

/// The list for a loader.
struct List<'a> {
    shelf: &'a Shelf,
    given: &'a Given,
    text: Vec<u8>,
    named: Vec<&'a [u8]>,
}

impl<'a> List<'a> {
    fn push(&mut self, directory: &[u8]) {
        if !self.text.is_empty() {
            self.text.push(b':');
        }
        self.text.extend_from_slice(directory);
    }

    fn of_tree(&mut self, directory: &'a [u8]) {
        if !self.named.contains(&directory) {
            self.push(&self.shelf.directory(self.given, directory));
            self.named.push(directory);
        }
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
