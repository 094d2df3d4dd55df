//! What is known of the threads that call. A number is another's after its thread has ended: so what is known goes with the
//! kernel's directory of the thread, in which nothing is found from then on.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::history;
use crate::sys::fd::Brief;

/// How many are remembered: each takes two descriptors at most.
const MOST: usize = 200;

/// A thread that calls.
pub struct Task {
    directory: Brief,
    /// Its process, if it was looked for.
    pub process: Option<Brief>,
    /// The number of that, once somebody has asked.
    pub group: Option<u32>,
    /// What history calls it, the same.
    pub record: Option<history::Known>,
    /// From where in its memory calls come that the hooks have seen; nothing, if that is not known.
    pub seen: Vec<Range<u64>>,
    /// From anywhere else come none that they have seen, as long as it is this program.
    pub settled: bool,
    /// That is so unless it opens this library itself.
    pub unless_it_loads: bool,
    /// How often it was asked from where its calls come, in vain.
    pub asked: u32,
}

/// Of all listeners: who asks one thread now may be answered by another the next time.
static KNOWN: Mutex<BTreeMap<u32, Task>> = Mutex::new(BTreeMap::new());

fn known() -> MutexGuard<'static, BTreeMap<u32, Task>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Task {
    fn new(thread: u32) -> Option<Task> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, format!("/proc/{thread}"), flags, Mode::empty());
        Some(Task {
            directory: Brief::new(directory.ok()?),
            process: None,
            group: None,
            record: None,
            seen: Vec::new(),
            settled: false,
            unless_it_loads: false,
            asked: 0,
        })
    }

    fn is_there(&self) -> bool {
        rustix::fs::statat(self.directory.as_fd(), c"comm", AtFlags::empty()).is_ok()
    }

    /// What the kernel says of it in one of the files that are written at once, if they are not too long.
    pub fn says<'r>(&self, file: &CStr, room: &'r mut [u8; SAID]) -> Option<&'r [u8]> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.directory.as_fd(), file, flags, Mode::empty()).ok()?;
        let length = rustix::io::read(Brief::new(file).as_fd(), &mut room[..]).ok()?;
        room.get(..length)
    }
}

/// Bytes of what is said of a thread.
pub const SAID: usize = 4 << 10;

thread_local! {
    /// Whose number was found to be its own since the call was taken up that is being answered: it waits, and keeps it.
    static CHECKED: Cell<u32> = const { Cell::new(0) };
}

/// Another call was taken up.
pub fn begin() {
    CHECKED.set(0);
}

/// What is known of a thread that has, or had, this number: for what may be wrong.
pub fn guess<T>(thread: u32, work: impl FnOnce(&Task) -> T) -> Option<T> {
    known().get(&thread).map(work)
}

/// Works with what is known of each.
pub fn each(work: impl FnMut(&mut Task)) {
    known().values_mut().for_each(work);
}

/// Works with what is known of a thread; `None`: it has ended.
pub fn with<T>(thread: u32, work: impl FnOnce(&mut Task) -> T) -> Option<T> {
    let mut known = known();
    let is_checked = CHECKED.get() == thread;
    if !known.get(&thread).is_some_and(|task| is_checked || task.is_there()) {
        if known.len() >= MOST {
            known.retain(|_, task| task.is_there());
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(thread, Task::new(thread)?);
    }
    CHECKED.set(thread);
    known.get_mut(&thread).map(work)
}

/// It becomes another program.
pub fn forget(thread: u32) {
    known().remove(&thread);
}
