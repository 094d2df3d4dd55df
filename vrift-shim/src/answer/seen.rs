//! Programs below a covered one that a library is in all the same: what they ask the kernel was decided by the hooks, and is
//! the kernel's, down to the placeholders.
//!
//! Which they are is told by what is mapped: a process that this library is in. Its calls may come from anywhere (valgrind
//! makes them for its program, also those that this library makes while it has the workspace's lock). Only programs of Go
//! ask by themselves nevertheless: of them what comes from this library's code, and from the C library's, was seen.
//!
//! Into a program without a loader this library comes only if the program is one itself, as valgrind is, which opens it first.

use std::collections::BTreeSet;
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{CWD, Mode, OFlags};

use super::task::Task;
use super::{caller, task};
use crate::sys::fd::Brief;
use crate::sys::tracee::Told;
use crate::vfs::exec::elf::{self, Kind};
use crate::vfs::session;

/// Where calls come from in a program that asks nothing by itself.
const EVERYWHERE: Range<u64> = 0..u64::MAX;

/// Whether that is known already.
pub fn is_known(told: &Told) -> bool {
    let comes_from = |range: &Range<u64>| range.contains(&told.place);
    task::with(told.thread, |task| task.seen.iter().any(comes_from)).unwrap_or(false)
}

/// The same for whoever asks before anything else. To look costs as much as ten answers, and a loader asks before the library is
/// there: so who has asked a few times is looked at, and once more later.
pub fn is_found(told: &Told) -> bool {
    const LOOKED_AT: [u32; 2] = [16, 200];
    let comes_from = |range: &Range<u64>| range.contains(&told.place);
    // If that is another's by now, what is right takes longer, no more.
    let is_other = |task: &Task| task.settled && !task.seen.iter().any(comes_from);
    if task::guess(told.thread, is_other).unwrap_or(false) {
        return false;
    }
    let look_now = task::with(told.thread, |task| {
        if task.seen.iter().any(comes_from) {
            return None;
        }
        task.asked = task.asked.saturating_add(1);
        Some(!task.settled && LOOKED_AT.contains(&task.asked))
    });
    match look_now {
        Some(None) => true,
        Some(Some(true)) => is_seen(told),
        _ => false,
    }
}

/// Whether a call comes from where the hooks have seen it.
pub fn is_seen(told: &Told) -> bool {
    let comes_from = |range: &Range<u64>| range.contains(&told.place);
    let known = task::with(told.thread, |task| {
        (task.settled || task.seen.iter().any(comes_from)).then(|| task.seen.iter().any(comes_from))
    });
    if let Some(Some(known)) = known {
        return known;
    }
    let look = look(told.thread).unwrap_or_default();
    let seen = look.seen.iter().any(comes_from);
    let group = caller::group(told.thread);
    task::with(told.thread, |task| {
        let loads = look.unless_it_loads && group.is_none_or(|group| loaders().contains(&group));
        task.settled = look.settled && !loads;
        task.unless_it_loads = look.unless_it_loads;
        task.seen = look.seen;
    });
    seen
}

/// Processes that have opened this library by themselves. One that is there for nothing costs looks.
static LOADERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn loaders() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    LOADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This path is about to be opened.
pub fn opens(told: &Told, path: &[u8]) {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let is_given = || session::given().is_some_and(|given| given.library == *path);
    if !name.starts_with(LIBRARY) && !is_given() {
        return;
    }
    if let Some(group) = caller::group(told.thread) {
        loaders().insert(group);
    }
    task::each(|task| task.settled &= !task.unless_it_loads);
}

/// How the file name of this library begins.
const LIBRARY: &[u8] = b"libvrift_shim";

/// A thread becomes another program.
pub fn forget(thread: u32) {
    task::forget(thread);
    if let Some(group) = caller::group(thread) {
        task::forget(group);
    }
}

/// What a look at a program gives.
#[derive(Default)]
struct Look {
    /// Where the code of the libraries lies; nothing: this one is not there.
    seen: Vec<Range<u64>>,
    /// Nothing else will come: a program that has a loader may bring this library later.
    settled: bool,
    /// The same, but for a program that opens this library.
    unless_it_loads: bool,
}

fn look(thread: u32) -> Option<Look> {
    let maps = caller::read(&format!("/proc/{thread}/maps"))?;
    let (mut here, mut whole, mut ranges) = (false, false, Vec::new());
    for line in maps.split(|&byte| byte == b'\n') {
        let name = line.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let own = name.starts_with(LIBRARY);
        let libc = name.starts_with(b"libc.so")
            || name.starts_with(b"libc-2.")
            || name.starts_with(b"libpthread");
        here |= own;
        whole |= libc;
        if own || libc {
            ranges.extend(range(line));
        }
    }
    let program = Program::of(thread);
    let unless_it_loads = !here && program == Program::HasNoLoader;
    Some(match (here, program) {
        (true, Program::AsksByItself) => Look { seen: ranges, settled: whole, unless_it_loads },
        (true, _) => Look { seen: Vec::from([EVERYWHERE]), settled: true, unless_it_loads },
        (false, program) => {
            let settled = matches!(program, Program::LoadsNothing | Program::HasNoLoader);
            Look { seen: Vec::new(), settled, unless_it_loads }
        }
    })
}

/// What kind of program a thread runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    /// It asks the kernel by itself, also with a library in it.
    AsksByItself,
    /// No library ever comes into it.
    LoadsNothing,
    /// None comes into it by a loader.
    HasNoLoader,
    /// Any other.
    Other,
}

impl Program {
    fn of(thread: u32) -> Program {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(CWD, format!("/proc/{thread}/exe"), flags, Mode::empty());
        let Ok(file) = file.map(Brief::new) else { return Program::Other };
        let mut head = [0; elf::HEAD];
        let length = rustix::io::pread(file.as_fd(), &mut head[..], 0).unwrap_or(0);
        let head = head.get(..length).unwrap_or_default();
        match elf::kind(file.as_fd(), head, b"") {
            Kind::Direct => Program::AsksByItself,
            _ if elf::loads_nothing(file.as_fd(), head) => Program::LoadsNothing,
            Kind::Static => Program::HasNoLoader,
            _ => Program::Other,
        }
    }
}

/// The addresses at the beginning of a line.
fn range(line: &[u8]) -> Option<Range<u64>> {
    let text = std::str::from_utf8(line.split(|&byte| byte == b' ').next()?).ok()?;
    let (start, end) = text.split_once('-')?;
    Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
}
