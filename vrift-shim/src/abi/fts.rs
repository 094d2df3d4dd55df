//! fts(3): the C library walks by functions of its own and would see nothing of the tree, so that a walk that can come to
//! it is done here, over the names that are hooked. It never changes directory, which FTS_NOCHDIR allows it to be asked for.

use std::ffi::{c_char, c_int, c_ushort, c_void};
use std::ptr;

use rustix::io::Errno;

use super::access;
use super::args::{CPath, Failure, In, fail, name_of};
use super::directory;
use super::fts_entry::{AGAIN, Entry, FOLLOW, NOTHING, SKIP, info};
use crate::sys::pool::{Handle, Pool};
use crate::sys::{errno, lend};
use crate::vfs::{cwd, reach};

const COMFOLLOW: c_int = 1;
const LOGICAL: c_int = 2;
const NOCHDIR: c_int = 4;
const NOSTAT: c_int = 8;
const PHYSICAL: c_int = 0x10;
const SEEDOT: c_int = 0x20;
const XDEV: c_int = 0x40;
const OPTIONS: c_int = 0xff;
const NAMEONLY: c_int = 0x100;

type Compare = Option<lend::Compare>;

/// Entries of one directory, and which of them is at hand.
struct Level {
    entries: Vec<*mut Entry>,
    at: usize,
}

impl Drop for Level {
    fn drop(&mut self) {
        for entry in self.entries.drain(..) {
            // SAFETY: each came from `Box::into_raw` in `Entry::make`, and is in one level only.
            drop(unsafe { Box::from_raw(entry) });
        }
    }
}

/// A walk.
pub struct Walk {
    compare: Compare,
    options: c_int,
    levels: Vec<Level>,
    /// What was given last; null: nothing yet, or no more.
    current: *mut Entry,
    started: bool,
    /// What is in the current directory, if it was asked for before the walk goes there; whether with names alone.
    children: Option<(Level, bool)>,
    /// The device of the walk's beginning.
    device: u64,
}

// SAFETY: the entries are the walk's own, and one thread at a time works with it.
unsafe impl Send for Walk {}

static WALKS: Pool<Walk> = Pool::new();

impl Failure for Hierarchy {
    const FAILED: Hierarchy = Hierarchy(ptr::null_mut());
}

/// `FTS *`, ours or the C library's.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Hierarchy(*mut c_void);

impl Hierarchy {
    fn pool(self) -> Handle {
        Handle(self.0)
    }
}

impl Walk {
    /// What is in the directory, in order; errno says why nothing was read.
    fn read_all(&self, at: *mut Entry, names_only: bool) -> Result<Level, Errno> {
        // SAFETY: an entry of this walk.
        let above = unsafe { &*at };
        let stream = directory::opendir(above.reached());
        if stream.0.is_null() {
            return Err(errno::last());
        }
        let mut level = Level { entries: Vec::new(), at: 0 };
        // A walk that may change directory looks at nothing in one that it cannot go to.
        let goes_there = !names_only && self.options & NOCHDIR == 0;
        if goes_there && errno::kept(|| access::eaccess(above.reached(), libc::X_OK)) != 0 {
            errno::kept(|| directory::closedir(stream));
            return Ok(level);
        }
        let by_type = self.options & NOSTAT != 0 && self.options & PHYSICAL != 0;
        loop {
            let record = directory::readdir64(stream);
            let Some(name) = name_of(record) else { break };
            let name = name.to_bytes();
            if self.options & SEEDOT == 0 && matches!(name, b"." | b"..") {
                continue;
            }
            let mut text = above.text.split_last().map_or(&b""[..], |(_, text)| text).to_vec();
            if !text.ends_with(b"/") {
                text.push(b'/');
            }
            text.extend_from_slice(name);
            let new = Entry::make(at, above.level.saturating_add(1), text, name);
            let kind = directory_type(record);
            let is_other = kind != libc::DT_DIR && kind != libc::DT_UNKNOWN;
            if !(names_only || by_type && is_other) {
                // SAFETY: just made.
                unsafe { (*new).look(self.options & LOGICAL != 0) };
            }
            level.entries.push(new);
        }
        errno::kept(|| directory::closedir(stream));
        self.put_in_order(&mut level);
        Ok(level)
    }

    fn put_in_order(&self, level: &mut Level) {
        if let Some(compare) = self.compare {
            lend::sort(&mut level.entries, compare);
        }
        let mut next = ptr::null_mut();
        for &entry in level.entries.iter().rev() {
            // SAFETY: an entry of this walk.
            unsafe { (*entry).link = next };
            next = entry;
        }
    }

    fn read(&mut self) -> *mut Entry {
        if !self.started {
            self.started = true;
            return self.take(None);
        }
        if self.current.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the entry that was given last, which is in the last level.
        let at = unsafe { &mut *self.current };
        let asked = std::mem::replace(&mut at.instruction, NOTHING);
        if asked == AGAIN {
            at.look(self.options & LOGICAL != 0);
            return self.current;
        }
        if asked == FOLLOW && matches!(at.info, info::SL | info::SLNONE) {
            at.look(true);
            return self.current;
        }
        let children = self.children.take();
        if at.info != info::D {
            return self.take(Some(at.parent));
        }
        if asked == SKIP || self.options & XDEV != 0 && at.device != self.device {
            at.info = info::DP;
            return self.current;
        }
        let children = match children {
            Some((children, false)) => Ok(children),
            _ => self.read_all(self.current, false),
        };
        match children {
            Err(errno) => {
                (at.info, at.errno) = (info::DNR, errno.raw_os_error());
                self.current
            }
            Ok(level) if level.entries.is_empty() => {
                at.info = info::DP;
                self.current
            }
            Ok(level) => {
                let above = self.current;
                self.levels.push(level);
                self.take_from(above, 0)
            }
        }
    }

    /// The next one in the directory of what was given last, or that directory once more.
    fn take(&mut self, parent: Option<*mut Entry>) -> *mut Entry {
        let next = self.levels.last().map_or(0, |level| level.at + usize::from(parent.is_some()));
        self.take_from(parent.unwrap_or(ptr::null_mut()), next)
    }

    fn take_from(&mut self, parent: *mut Entry, mut next: usize) -> *mut Entry {
        let top = self.levels.len() == 1;
        while let Some(level) = self.levels.last_mut() {
            let Some(&entry) = level.entries.get(next) else { break };
            level.at = next;
            // SAFETY: an entry of this walk.
            let at = unsafe { &mut *entry };
            if top {
                at.begin();
                self.device = at.device;
            } else if at.instruction == SKIP {
                next += 1;
                continue;
            } else if at.instruction == FOLLOW {
                at.look(true);
                at.instruction = NOTHING;
            }
            self.current = entry;
            return entry;
        }
        self.levels.pop();
        self.current = parent;
        if parent.is_null() {
            errno::put(0);
            return parent;
        }
        // SAFETY: the directory's entry is in the level that is the last one now.
        let above = unsafe { &mut *parent };
        above.info = if above.errno != 0 { info::ERR } else { info::DP };
        parent
    }

    fn children(&mut self, names_only: bool) -> *mut Entry {
        errno::put(0);
        let first = |level: &Level| level.entries.first().copied().unwrap_or(ptr::null_mut());
        if !self.started {
            return self.levels.first().map_or(ptr::null_mut(), first);
        }
        // SAFETY: the entry that was given last.
        if self.current.is_null() || unsafe { (*self.current).info } != info::D {
            return ptr::null_mut();
        }
        match self.read_all(self.current, names_only) {
            Ok(level) => {
                let all = first(&level);
                self.children = Some((level, names_only));
                all
            }
            Err(errno) => {
                errno::set(errno);
                ptr::null_mut()
            }
        }
    }
}

/// The type that a directory's record says.
fn directory_type(record: *const libc::dirent64) -> u8 {
    // SAFETY: a record that a stream has just given, of which only one byte is touched.
    unsafe { (&raw const (*record).d_type).read() }
}

/// Where the walks are to begin; `None`: none of them can come to the tree.
fn beginnings(list: In<*const c_char>) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for place in 0.. {
        let path = In::at(list.as_ptr().wrapping_add(place)).get().ok()??;
        if path.is_null() {
            break;
        }
        all.push(CPath::at(path).text()?.to_vec());
    }
    all.iter().any(|path| reach::reaches(path, false)).then_some(all)
}

fn opened(
    real: extern "C" fn(In<*const c_char>, c_int, Compare) -> Hierarchy,
    list: In<*const c_char>,
    options: c_int,
    compare: Compare,
) -> Hierarchy {
    let Some(paths) = beginnings(list).filter(|_| options & !OPTIONS == 0) else {
        return real(list, options, compare);
    };
    if paths.iter().any(Vec::is_empty) {
        return fail(Errno::NOENT);
    }
    // Who could not come back does not go anywhere.
    let stays = options & LOGICAL != 0 || access::eaccess(CPath::of(c"."), libc::R_OK) != 0;
    let options = if stays { options | NOCHDIR } else { options };
    let mut level = Level { entries: Vec::new(), at: 0 };
    for path in paths {
        let name = path.clone();
        let entry = Entry::make(ptr::null_mut(), 0, path, &name);
        // SAFETY: just made.
        let at = unsafe { &mut *entry };
        at.look(options & (COMFOLLOW | LOGICAL) != 0);
        // What the walk begins with is a directory by any name, until it is looked at again.
        if at.info == info::DOT {
            at.info = info::D;
        }
        level.entries.push(entry);
    }
    let mut walk = Walk {
        compare,
        options,
        levels: Vec::new(),
        current: ptr::null_mut(),
        started: false,
        children: None,
        device: 0,
    };
    walk.put_in_order(&mut level);
    walk.levels.push(level);
    match WALKS.put(walk) {
        Ok(handle) => Hierarchy(handle.0),
        Err(_) => fail(Errno::NOMEM),
    }
}

spellings!(opened: fn(list: In<*const c_char>, options: c_int, compare: Compare) -> Hierarchy: fts_open, fts64_open);

/// The C library's own walk changes directory by means of its own.
fn elsewhere<T>(result: T) -> T {
    cwd::forget();
    result
}

fn read(real: extern "C" fn(Hierarchy) -> *mut Entry, walk: Hierarchy) -> *mut Entry {
    if !WALKS.has(walk.pool()) {
        return elsewhere(real(walk));
    }
    WALKS.with(walk.pool(), Walk::read).unwrap_or(ptr::null_mut())
}

spellings!(read: fn(walk: Hierarchy) -> *mut Entry: fts_read, fts64_read);

fn children(
    real: extern "C" fn(Hierarchy, c_int) -> *mut Entry,
    walk: Hierarchy,
    asked: c_int,
) -> *mut Entry {
    if !WALKS.has(walk.pool()) {
        return elsewhere(real(walk, asked));
    }
    if asked != 0 && asked != NAMEONLY {
        return fail(Errno::INVAL);
    }
    let names_only = asked == NAMEONLY;
    WALKS.with(walk.pool(), |walk| walk.children(names_only)).unwrap_or(ptr::null_mut())
}

spellings!(children: fn(walk: Hierarchy, asked: c_int) -> *mut Entry: fts_children, fts64_children);

fn set(
    real: extern "C" fn(Hierarchy, *mut Entry, c_int) -> c_int,
    walk: Hierarchy,
    entry: *mut Entry,
    what: c_int,
) -> c_int {
    if !WALKS.has(walk.pool()) {
        return real(walk, entry, what);
    }
    match what {
        0..=4 if !entry.is_null() => {
            // SAFETY: the program passes an entry that it was given by this walk.
            unsafe { (*entry).instruction = what as c_ushort };
            0
        }
        _ => fail(Errno::INVAL),
    }
}

spellings!(set: fn(walk: Hierarchy, entry: *mut Entry, what: c_int) -> c_int: fts_set, fts64_set);

fn closed(real: extern "C" fn(Hierarchy) -> c_int, walk: Hierarchy) -> c_int {
    if !WALKS.has(walk.pool()) {
        return elsewhere(real(walk));
    }
    drop(WALKS.take(walk.pool()));
    0
}

spellings!(closed: fn(walk: Hierarchy) -> c_int: fts_close, fts64_close);
