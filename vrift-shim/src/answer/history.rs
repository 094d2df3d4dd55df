//! Who makes a change: the records of processes that this one answers for.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use vrift_manifest::handover::{Handover, SESSION_VARIABLE};

use super::{caller, task};

/// A program that a process is.
#[derive(Clone, Copy)]
pub struct Known {
    /// When the process began: its number may be another's by now.
    began: u64,
    record: &'static AtomicU64,
    parent: u64,
}

static KNOWN: LazyLock<Mutex<HashMap<u32, Known>>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, HashMap<u32, Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process of a thread.
pub fn process(thread: u32) -> u32 {
    caller::group(thread).unwrap_or(thread)
}

/// Where the number of its record is kept.
pub fn record(thread: u32) -> &'static AtomicU64 {
    of_thread(thread).record
}

/// The record of the process that started it; 0: none is known.
pub fn parent(thread: u32) -> u64 {
    of_thread(thread).parent
}

/// It becomes another program, which is another step of history.
pub fn forget(thread: u32) {
    known().remove(&process(thread));
}

fn of_thread(thread: u32) -> Known {
    if let Some(Some(known)) = task::with(thread, |task| task.record) {
        return known;
    }
    let known = of(process(thread));
    task::with(thread, |task| task.record = Some(known));
    known
}

fn of(process: u32) -> Known {
    let stat = stat(process);
    let began = stat.map_or(0, |(_, began)| began);
    if let Some(known) = known().get(&process).filter(|known| known.began == began) {
        return *known;
    }
    // A fork has its parent's environment, so whose child it is is looked for among those that are known first.
    let above = stat.and_then(|(above, _)| known().get(&above).copied());
    let above = above.map(|above| above.record.load(std::sync::atomic::Ordering::Acquire));
    let parent = above.filter(|&record| record != 0).unwrap_or_else(|| told(process));
    let record = Box::leak(Box::new(AtomicU64::new(0)));
    let new = Known { began, record, parent };
    known().insert(process, new);
    new
}

/// What its environment says.
fn told(process: u32) -> u64 {
    let environment = caller::read(&format!("/proc/{process}/environ")).unwrap_or_default();
    let variables = environment.split(|&byte| byte == 0);
    let mut values = variables.filter_map(|variable| {
        variable.strip_prefix(SESSION_VARIABLE.as_bytes())?.strip_prefix(b"=")
    });
    values.next().and_then(Handover::parse).map_or(0, |handover| handover.parent)
}

/// Its parent, and when it began.
fn stat(process: u32) -> Option<(u32, u64)> {
    let text = caller::read(&format!("/proc/{process}/stat"))?;
    let behind = text.iter().rposition(|&byte| byte == b')')?;
    let text = String::from_utf8_lossy(text.get(behind + 1..)?).into_owned();
    let mut fields = text.split_ascii_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    Some((parent, fields.nth(17)?.parse().ok()?))
}
