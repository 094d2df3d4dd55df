//! truncate by path; by descriptor it is the kernel's.

use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::Change;

use super::find::{self, At, Work};
use super::open::REPLACED;
use super::{Answer, change, session, times, who};

/// Cuts or extends a file.
pub fn path<'w>(
    path: Option<&[u8]>,
    length: i64,
    work: &'w mut Work,
) -> Result<Answer<'w, ()>, Errno> {
    let length = u64::try_from(length).map_err(|_| Errno::INVAL)?;
    for _ in 0..REPLACED {
        match find::node(find::CWD, path, true, work)? {
            Answer::Ours(at) => match cut(&at, length) {
                // Something else has the name by now.
                Err(Errno::STALE) => {}
                done => return done.map(Answer::Ours),
            },
            _ => break,
        }
    }
    // Borrowed anew: an answer that is returned keeps its working space for good.
    find::node(find::CWD, path, true, work)?.then(|at| cut(&at, length))
}

fn cut(at: &At, length: u64) -> Result<(), Errno> {
    let old = at.attributes()?;
    match Kind::of_mode(old.mode) {
        Some(Kind::File) => {}
        Some(Kind::Directory) => return Err(Errno::ISDIR),
        _ => return Err(Errno::INVAL),
    }
    let who = who::credentials();
    who.need(&old, 2)?;
    let node = at.number()?;
    if old.size != length || at.session.tree().draft(at.cursor).is_some() {
        return session::with(at.given, |session| session.truncate(&who::who(), node, length));
    }
    // Nothing to cut, and written all the same, as on a real directory.
    times::touch(at)?;
    // What runs as somebody else does not with content that is not theirs.
    let group = if old.mode & 0o010 != 0 { 0o2000 } else { 0 };
    let taken = old.mode & (0o4000 | group);
    if taken == 0 || who.is_privileged() {
        return Ok(());
    }
    let mode = old.mode & 0o7777 & !taken;
    change::apply(at.given, &Change::SetMode { node, mode }).map(|_| ())
}
