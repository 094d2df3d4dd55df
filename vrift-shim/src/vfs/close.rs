//! The end of a write: once nobody can write a draft any more it becomes stored content.

use std::ffi::c_int;

use rustix::fs::OFlags;

use super::descriptor::{self, Held, Purpose, borrow};
use super::session::{self, Given};
use super::who;

/// What closing a descriptor ends: asked before, done after.
#[derive(Clone, Copy)]
pub struct Ends(Option<(&'static Given, u64)>);

impl Ends {
    /// Whether there is nothing to be done after it.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        self.0.is_none()
    }
}

/// Looks what closing `descriptor` would end, and forgets what was noted of it: once it is closed, its number may be
/// another thread's.
#[inline]
pub fn before(descriptor: c_int) -> Ends {
    let Some(given) = session::given() else { return Ends(None) };
    let ends = match descriptor::purpose(descriptor) {
        Purpose::Reads => None,
        Purpose::Writes(node) => Some(node),
        Purpose::Unknown => writes(given, descriptor),
    };
    descriptor::forget(descriptor);
    Ends(ends.map(|node| (given, node)))
}

/// The node that `descriptor` can write. What it is called, which is dear to ask, is asked last.
#[inline(never)]
fn writes(given: &'static Given, descriptor: c_int) -> Option<u64> {
    let file = borrow(descriptor).ok()?;
    let stat = rustix::fs::fstat(file).ok().filter(descriptor::is_content)?;
    let flags = rustix::fs::fcntl_getfl(file).ok()?;
    if flags & OFlags::RWMODE == OFlags::RDONLY || flags.contains(OFlags::PATH) {
        return None;
    }
    match descriptor::judge(given, descriptor, &stat) {
        Held::Content { node, draft: true } => Some(node),
        _ => None,
    }
}

/// Seals what has ended. What cannot be sealed now (somebody else still writes it, the disk is full) is a draft as
/// before, and shows the same content: the end of the run seals it, or says why not.
pub fn after(ends: Ends) {
    let Ends(Some((given, node))) = ends else { return };
    // A redirection's first descriptor is closed while its second is there. Asked behind the closing: of two threads that
    // close one each, the later one finds nothing.
    if descriptor::is_written_by_another(node) {
        return;
    }
    let _ =
        crate::sys::errno::kept(|| session::with(given, |session| session.seal(&who::who(), node)));
}
