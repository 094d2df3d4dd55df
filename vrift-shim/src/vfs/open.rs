//! Opening: the kernel is given a real file, which is the blob, the draft or the placeholder of a node.

use std::ffi::c_int;
use std::os::fd::{IntoRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::places;
use vrift_manifest::session::SessionError;
use vrift_manifest::tree::ContentState;
use vrift_manifest::tree::path::Scratch;

use super::find::{self, At, Name, Place, Work};
use super::session;
use super::{Answer, descriptor, magic, nameless_file, pipes, who};
#[cfg(target_arch = "x86_64")]
use crate::sys::client;
use crate::sys::fd;

/// Symlinks to nowhere that are followed before something is made: what a walk follows at most.
const LINKS_MAX: usize = 40;

/// How often in a row a name may be given to something else while it is opened.
pub const REPLACED: usize = 100;

/// open(2) of a path. The descriptor is the program's from here on.
pub fn open<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    flags: c_int,
    mode: u32,
    work: &'w mut Work,
) -> Result<Answer<'w, c_int>, Errno> {
    let mut flags = OFlags::from_bits_retain(flags as u32);
    if flags.contains(OFlags::PATH) {
        // Nothing else counts then.
        flags &= OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    }
    if flags.contains(OFlags::TMPFILE) {
        return nameless_file::open(directory, path, flags, mode, work);
    }
    let writes = flags & OFlags::RWMODE != OFlags::RDONLY || flags.contains(OFlags::TRUNC);
    let asks_for_directory = flags.contains(OFlags::DIRECTORY);
    if let Some(path) = path
        && !flags.contains(OFlags::NOFOLLOW)
        && let Some(nameless) = magic::nameless(path, writes && !asks_for_directory)?
    {
        if asks_for_directory {
            let makes = flags.contains(OFlags::CREATE);
            return Err(if makes { Errno::INVAL } else { Errno::NOTDIR });
        }
        if !flags.contains(OFlags::PATH) {
            permitted(&nameless.at, nameless.at.attributes()?.mode, flags)?;
        }
        return nameless_file::again(&nameless, flags, writes);
    }
    let directory_made = OFlags::CREATE | OFlags::DIRECTORY;
    if flags.contains(directory_made) && !flags.contains(OFlags::PATH) {
        return refused(directory, path, work);
    }
    let creates = flags.contains(OFlags::CREATE) && !flags.contains(OFlags::PATH);
    let exclusive = creates && flags.contains(OFlags::EXCL);
    let follow = !flags.contains(OFlags::NOFOLLOW) && !exclusive;
    if exclusive && path.is_some_and(find::ends_in_dots) {
        return there_already(directory, path, work);
    }
    if creates && path.is_some_and(|path| path.ends_with(b"/")) {
        return slash_behind(directory, path, work);
    }
    // Again, because what was missing may be there when it is to be made, and the other way round; and what had the name
    // may have lost it to something else.
    for _ in 0..REPLACED {
        match find::node(directory, path, follow, work) {
            Ok(Answer::Ours(_)) if exclusive => return Err(Errno::EXIST),
            Ok(Answer::Ours(at)) => {
                let opened = match node(at, flags) {
                    Err(Errno::STALE) => continue,
                    opened => opened?,
                };
                if flags & OFlags::RWMODE == OFlags::RDONLY || !lost_its_name(&at) {
                    return Ok(Answer::Ours(opened));
                }
                // What is written would be nobody's, and the file may be elsewhere by now: as if this came later.
                fd::close_own(opened);
            }
            Ok(Answer::Elsewhere(_)) => break,
            Ok(Answer::Kernel) => return Ok(Answer::Kernel),
            // A name that is too long has its own order of checks where it is to be made.
            Err(Errno::NOENT | Errno::NAMETOOLONG) if creates => {
                if let Some(made) = create(directory, path, flags, mode)? {
                    return Ok(Answer::Ours(made));
                }
            }
            // A symlink whose text ends with a slash is refused before it is looked where it leads.
            Err(errno @ (Errno::NOTDIR | Errno::LOOP))
                if creates && follow && !path.is_some_and(find::ends_in_dots) =>
            {
                let made = create(directory, path, flags, mode)?;
                return made.map(Answer::Ours).ok_or(errno);
            }
            Err(errno) => return Err(errno),
        }
    }
    // Borrowed anew: an answer that is returned keeps its working space for good.
    match find::node(directory, path, follow, work)? {
        Answer::Ours(at) => node(at, flags).map(Answer::Ours).map_err(nameless),
        Answer::Elsewhere(path) => Ok(Answer::Elsewhere(path)),
        Answer::Kernel => Ok(Answer::Kernel),
    }
}

/// What a file that has lost its last name is to whoever came by that name.
pub fn nameless(errno: Errno) -> Errno {
    if errno == Errno::STALE { Errno::NOENT } else { errno }
}

/// O_CREAT with O_DIRECTORY: the kernel looks no further.
fn refused<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, c_int>, Errno> {
    match find::node(directory, path, true, work) {
        Ok(Answer::Ours(_)) | Err(_) => Err(Errno::INVAL),
        Ok(Answer::Elsewhere(path)) => Ok(Answer::Elsewhere(path)),
        Ok(Answer::Kernel) => Ok(Answer::Kernel),
    }
}

/// O_EXCL with a path that ends in dots, which are there if the way there is.
fn there_already<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, c_int>, Errno> {
    match find::node(directory, path, true, work)? {
        Answer::Ours(_) => Err(Errno::EXIST),
        Answer::Elsewhere(path) if path.to_bytes().ends_with(b"/") => {
            rustix::fs::stat(path).and(Err(Errno::EXIST))
        }
        Answer::Elsewhere(path) => Ok(Answer::Elsewhere(path)),
        Answer::Kernel => Ok(Answer::Kernel),
    }
}

/// A directory is asked for by its slash, and a file is what is made: EISDIR, once the way there is walked.
fn slash_behind<'w>(
    directory: c_int,
    path: Option<&'w [u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, c_int>, Errno> {
    match find::place(directory, path, work)? {
        Answer::Ours(place) if place.name == Name::Root => Err(Errno::ISDIR),
        Answer::Ours(place) => place.searched().and(Err(Errno::ISDIR)),
        Answer::Elsewhere(path) => Ok(Answer::Elsewhere(path)),
        Answer::Kernel => Ok(Answer::Kernel),
    }
}

/// Makes the file that is missing; `None`: something is there by now.
fn create(
    directory: c_int,
    path: Option<&[u8]>,
    flags: OFlags,
    mode: u32,
) -> Result<Option<c_int>, Errno> {
    let mut work = Work::default();
    let place = if flags.intersects(OFlags::EXCL | OFlags::NOFOLLOW) {
        find::place(directory, path, &mut work)?
    } else {
        find::place_followed(directory, path, &mut work)?
    };
    let Answer::Ours(place) = place else { return Ok(None) };
    match place.child()? {
        None => create_at(&place, flags, mode),
        Some(_) if flags.contains(OFlags::EXCL) => Err(Errno::EXIST),
        Some(_) if flags.contains(OFlags::NOFOLLOW) => Ok(None),
        Some(link) => behind_link(place.directory(), link, flags, mode),
    }
}

/// The name is that of a symlink to nowhere: the file is made where it points.
#[cold]
#[inline(never)]
fn behind_link(
    mut from: At,
    mut link: vrift_manifest::tree::Cursor,
    flags: OFlags,
    mode: u32,
) -> Result<Option<c_int>, Errno> {
    for _ in 0..LINKS_MAX {
        let tree = from.session.tree();
        if tree.kind(link).map_err(|_| Errno::IO)? != Kind::Symlink {
            return Ok(None);
        }
        let mut target = Scratch::default();
        let target = target.bytes();
        let length = tree.read_target(link, target).map_err(|_| Errno::IO)?;
        let target = target.get(..length).unwrap_or(b"");
        let absolute = target.first() == Some(&b'/');
        if absolute {
            from = At { cursor: tree.root(), ..from };
        }
        let mut walk = Scratch::default();
        let Answer::Ours(place) = find::place_from(from, target, &mut walk)? else {
            return Ok(None);
        };
        if place.slash {
            return Err(Errno::ISDIR);
        }
        match place.child()? {
            None => return create_at(&place, flags, mode),
            Some(next) => (from, link) = (place.directory(), next),
        }
    }
    Err(Errno::LOOP)
}

fn create_at(place: &Place<'_>, flags: OFlags, mode: u32) -> Result<Option<c_int>, Errno> {
    let Name::Ordinary(name) = place.name else { return Err(Errno::ISDIR) };
    let who = who::credentials();
    let tree = place.session.tree();
    let above = tree.attributes(place.parent).map_err(|_| Errno::IO)?;
    // In a directory that was removed no name is looked for.
    if above.nlink == 0 {
        return Err(Errno::NOENT);
    }
    if name.len() > vrift_manifest::name::NAME_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    who.need(&above, 3)?;
    let parent = tree.number(place.parent).map_err(|_| Errno::IO)?;
    let mode = who::masked(place.given, mode);
    let keep = flags.difference(OFlags::CREATE | OFlags::EXCL | OFlags::TRUNC | OFlags::NOFOLLOW);
    let made = session::with(place.given, |session| {
        session.create_file(&who::who(), parent, name, mode, who.uid, who.gid, keep)
    });
    match made {
        // Even if it is only read: what was made is whole when it is closed.
        Ok((node, file)) => Ok(Some(hand_out(node, file, true))),
        Err(Errno::EXIST) if !flags.contains(OFlags::EXCL) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Whether what was found by a name has none any more.
fn lost_its_name(at: &At) -> bool {
    let now = at.number().and_then(|number| find::by_number(at.given, number));
    now.and_then(|at| at.attributes()).is_ok_and(|attributes| attributes.nlink == 0)
}

/// Opens what is there.
pub fn node(at: At, flags: OFlags) -> Result<c_int, Errno> {
    let seen = at.session.tree().content(at.cursor).map_err(|_| Errno::IO)?;
    let mode = seen.mode;
    let kind = Kind::of_mode(mode).unwrap_or(Kind::File);
    if flags.contains(OFlags::DIRECTORY) && kind != Kind::Directory {
        return Err(Errno::NOTDIR);
    }
    if flags.contains(OFlags::PATH) {
        return path_only(at, kind, flags);
    }
    match kind {
        Kind::Symlink => Err(Errno::LOOP),
        Kind::Directory => directory(at, mode, flags),
        Kind::File => file(at, &seen, flags),
        Kind::Fifo => {
            permitted(&at, mode, flags)?;
            pipes::open(at.given, at.number()?, flags).map(IntoRawFd::into_raw_fd)
        }
        Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
            permitted(&at, mode, flags)?;
            Err(Errno::NXIO)
        }
    }
}

/// The permission bits that an open needs.
#[inline]
pub fn permitted(at: &At, mode: u32, flags: OFlags) -> Result<(), Errno> {
    let mut wanted = match flags & OFlags::RWMODE {
        OFlags::RDONLY => 4,
        OFlags::WRONLY => 2,
        _ => 6,
    };
    if flags.contains(OFlags::TRUNC) {
        wanted |= 2;
    }
    // What is granted to everybody is granted, whosever it is.
    if mode & (0o111 * wanted) == 0o111 * wanted && !flags.contains(OFlags::NOATIME) {
        return Ok(());
    }
    let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
    let who = who::credentials();
    who.need(&attributes, wanted)?;
    if flags.contains(OFlags::NOATIME) { who.need_owner(&attributes) } else { Ok(()) }
}

fn directory(at: At, mode: u32, flags: OFlags) -> Result<c_int, Errno> {
    let writes = flags & OFlags::RWMODE != OFlags::RDONLY;
    if writes || flags.intersects(OFlags::CREATE | OFlags::TRUNC) {
        return Err(Errno::ISDIR);
    }
    permitted(&at, mode, flags)?;
    placeholder(at, flags)
}

/// A descriptor of the placeholder of a node. Its path is not to be on the stack of who opens a file: that may be 8 KiB, of which a
/// signal has taken half.
#[inline(never)]
fn placeholder(at: At, flags: OFlags) -> Result<c_int, Errno> {
    use std::os::unix::ffi::OsStrExt;
    let handover = &at.given.handover;
    let runtime = handover.runtime.as_os_str().as_bytes();
    let shown = OFlags::PATH | OFlags::NONBLOCK | OFlags::NOATIME | OFlags::DIRECTORY;
    let kept = flags & (shown | OFlags::APPEND | OFlags::SYNC | OFlags::CLOEXEC);
    let opened = places::open(runtime, handover.id.as_bytes(), at.number()?, kept)?.into_raw_fd();
    descriptor::opened_place(opened);
    Ok(opened)
}

/// O_PATH needs no permission. What has no content is stood for by a placeholder, which says only which node it is.
#[inline(never)]
fn path_only(at: At, kind: Kind, flags: OFlags) -> Result<c_int, Errno> {
    match kind {
        Kind::File => {
            let number = at.number()?;
            let flags = flags & (OFlags::PATH | OFlags::CLOEXEC);
            let file = session::with(at.given, |session| session.open_for_reading(number, flags))?;
            Ok(hand_out(number, file, false))
        }
        _ => placeholder(at, flags),
    }
}

fn file(at: At, seen: &ContentState, flags: OFlags) -> Result<c_int, Errno> {
    let mode = seen.mode;
    permitted(&at, mode, flags)?;
    let number = at.number()?;
    let given = at.given;
    let kept = flags.difference(OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW);
    let reads = kept & OFlags::RWMODE == OFlags::RDONLY;
    let file = if reads && kept.contains(OFlags::TRUNC) {
        // As by whoever writes: also where there is nothing to cut, the file counts as written now. What was seen before is
        // not what is opened.
        let cut = OFlags::WRONLY | OFlags::TRUNC | OFlags::CLOEXEC;
        drop(session::with(given, |session| session.open_for_writing(&who::who(), number, cut))?);
        let kept = kept.difference(OFlags::TRUNC);
        session::with(given, |session| session.open_for_reading(number, kept))?
    } else if reads {
        // As it was found; by its number, if the workspace was replaced since.
        match at.session.open_seen(at.cursor, seen, kept) {
            Err(SessionError::Retired) => {
                session::with(given, |session| session.open_for_reading(number, kept))?
            }
            opened => opened.map_err(session::errno_of)?,
        }
    } else {
        let open = |kept| {
            session::with(given, |session| session.open_for_writing(&who::who(), number, kept))
        };
        let mut kept = kept;
        if kept.contains(OFlags::RWMODE) {
            // To neither read nor write, with the rights for both. What makes the draft does.
            drop(open(kept.difference(OFlags::RWMODE) | OFlags::RDWR)?);
            kept -= OFlags::TRUNC;
        }
        open(kept)?
    };
    let descriptor = hand_out(number, file, flags & OFlags::RWMODE != OFlags::RDONLY);
    #[cfg(target_arch = "x86_64")]
    if reads && client::is_answering() {
        descriptor::hand_out(given, number);
    }
    descriptor::found_at(descriptor, at.cursor.hint());
    Ok(descriptor)
}

/// The descriptor for the program. `writes`: closing it may be the end of a write.
fn hand_out(node: u64, file: OwnedFd, writes: bool) -> c_int {
    let descriptor = file.into_raw_fd();
    descriptor::opened(descriptor, node, writes);
    descriptor
}
