//! The working directory. The kernel holds it: in a placeholder, which says for which node it stands.
//!
//! What was seen there is kept in one word, and forgotten by every call that changes directory. A vfork child shares
//! memory with its parent and not the directory: it asks each time, and notes nothing. So does everybody, once threads
//! may have directories of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;
use vrift_manifest::places;
use vrift_manifest::tree::Found;
use vrift_manifest::tree::path::{PATH_MAX, Scratch, below};

use super::session::{self, Given};
use super::{find, known, strays};
use crate::sys::{apart, marked};

/// Where the working directory is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the tree: this node.
    Inside(u64),
    /// Outside, above the mount path: a relative path may lead in.
    Above,
    /// Outside, elsewhere.
    Apart,
}

const APART: u64 = 1;
const ABOVE: u64 = 2;
const FIRST_NODE: u64 = 3;

/// What was seen last, in the low 48 bits; how often it was forgotten, in the high ones: who looked before that notes
/// nothing after it.
static SEEN: AtomicU64 = AtomicU64::new(0);
const VALUE: u64 = (1 << 48) - 1;

/// Where the working directory is now.
#[inline]
pub fn present(given: &'static Given) -> Result<Where, Errno> {
    let seen = SEEN.load(Ordering::Acquire);
    if !apart::directories() {
        match seen & VALUE {
            0 => {}
            APART => return Ok(Where::Apart),
            ABOVE => return Ok(Where::Above),
            node => return Ok(Where::Inside(node - FIRST_NODE)),
        }
    }
    look(given, seen)
}

/// Forgets what was seen: the directory has changed.
pub fn forget() {
    known::forget();
    // A vfork child's change is not its parent's; asking once more does no harm.
    let step = |seen: u64| Some((seen & !VALUE).wrapping_add(VALUE + 1));
    let _ = SEEN.fetch_update(Ordering::AcqRel, Ordering::Acquire, step);
}

/// Goes into the directory of `node` by `go`, which says whether it is there then; and notes it, so that nobody has to
/// look. If other threads change directory meanwhile, whoever needs to know looks.
pub fn enter<T>(node: u64, go: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    let before = SEEN.load(Ordering::Acquire);
    let result = go();
    let value = node.saturating_add(FIRST_NODE);
    let known = result.is_ok() && value <= VALUE && !apart::directories();
    let new = (before & !VALUE).wrapping_add(VALUE + 1) | value;
    let noted =
        known && SEEN.compare_exchange(before, new, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    if !noted {
        forget();
    }
    result
}

#[cold]
fn look(given: &'static Given, seen: u64) -> Result<Where, Errno> {
    // By no name: that needs no right to search it.
    let stat = rustix::fs::statat(CWD, c"", AtFlags::EMPTY_PATH)?;
    let found = match places::node_of(&stat) {
        Some(node) => Where::Inside(node),
        None => by_path(given)?,
    };
    let value = match found {
        Where::Apart => APART,
        Where::Above => ABOVE,
        Where::Inside(node) => node.saturating_add(FIRST_NODE),
    };
    if value <= VALUE && !apart::directories() {
        let new = seen & !VALUE | value;
        let _ = SEEN.compare_exchange(seen, new, Ordering::AcqRel, Ordering::Relaxed);
    }
    Ok(found)
}

/// A placeholder without its mark; or a real directory: one that lies at or below the mount path (the process was there before it was preloaded) counts as
/// the directory of the tree that has its path.
fn by_path(given: &'static Given) -> Result<Where, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let Ok(length) = kernel_path(buffer) else { return Ok(Where::Apart) };
    let path = buffer.get(..length).unwrap_or(b"");
    if let Some(node) = strays::node_of_path(given, path) {
        // Where it fails, the directory is nonetheless the one that it is.
        let _ = strays::take_in(given, node);
        return Ok(Where::Inside(node));
    }
    if below(path, &given.mount).is_some() {
        let session = session::session(given)?;
        let mut walk = Scratch::default();
        let root = session.tree().root();
        let found = session.tree().walk(root, path, &given.mount, true, None, &mut walk);
        if let Ok(Found::Node(cursor)) = found {
            return find::At { session, given, cursor }.number().map(Where::Inside);
        }
    }
    let above = path == b"/" || below(&given.mount, path).is_some();
    Ok(if above { Where::Above } else { Where::Apart })
}

/// The working directory's path as the kernel has it; its length.
pub fn kernel_path(buffer: &mut [u8; PATH_MAX]) -> Result<usize, Errno> {
    marked::getcwd(buffer).map(|length| length.saturating_sub(1))
}
