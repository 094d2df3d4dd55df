//! What is known of the threads that call. A number is another's after its thread has ended: so what is known goes with the
//! kernel's directory of the thread, in which nothing is found from then on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use crate::sys::fd::Brief;

/// How many are remembered: each takes two descriptors at most.
const MOST: usize = 200;

/// A thread that calls.
pub struct Task {
    directory: Brief,
    /// Its process, if it was looked for.
    pub process: Option<Brief>,
    /// From where in its memory calls come that the hooks have seen; nothing, if that is not known.
    pub seen: Vec<Range<u64>>,
    /// From anywhere else come none that they have seen, as long as it is this program.
    pub settled: bool,
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
            seen: Vec::new(),
            settled: false,
            asked: 0,
        })
    }

    fn is_there(&self) -> bool {
        rustix::fs::statat(self.directory.as_fd(), c"comm", AtFlags::empty()).is_ok()
    }
}

/// Works with what is known of a thread; `None`: it has ended.
pub fn with<T>(thread: u32, work: impl FnOnce(&mut Task) -> T) -> Option<T> {
    let mut known = known();
    if !known.get(&thread).is_some_and(Task::is_there) {
        if known.len() >= MOST {
            known.retain(|_, task| task.is_there());
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(thread, Task::new(thread)?);
    }
    known.get_mut(&thread).map(work)
}

/// It becomes another program.
pub fn forget(thread: u32) {
    known().remove(&thread);
}
