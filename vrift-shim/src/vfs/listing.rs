//! Directory streams and raw listings.
//!
//! A stream fetches entries in parts, in the form that the program is to see them in, so that reading one is handing
//! out an address. It stays with the mapping that it began with: what others change meanwhile, even if they replace the
//! workspace as a whole, what is there throughout is listed once.

use std::ffi::c_int;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, OFlags, SeekFrom};
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::places;
use vrift_manifest::session::Session;
use vrift_manifest::session::above::number;

use super::descriptor::{self, Held, borrow};
use super::find::{self, At, Work};
use super::session::{self, Given};
use super::{Answer, above, hidden, who};

/// Bytes that a stream fetches at a time, as the C library does.
const PART: usize = 32 << 10;

/// Bytes of a record before the name: inode, offset, length, type.
pub const HEAD: usize = 19;

/// Cookies 0 and 1 stand before `.` and `..`; those of the tree's listing follow.
const DOTS: u64 = 2;

/// Behind the last entry, as the kernel's file systems have it: what comes later is not listed any more.
const END: u64 = i64::MAX as u64;

/// A directory being read.
pub struct Stream {
    given: &'static Given,
    node: u64,
    descriptor: c_int,
    /// Of a real directory, in which the way to the tree begins: where the next part begins.
    real: Option<u64>,
    /// The mapping that this listing began with, and how new an entry may be.
    began: Option<(&'static Session, u32)>,
    /// Where the entry that is read next begins, as telldir says it.
    told: i64,
    part: Vec<u8>,
    at: usize,
}

/// opendir(3)
pub fn open<'w>(
    directory: c_int,
    path: Option<&[u8]>,
    work: &'w mut Work,
) -> Result<Answer<'w, Stream>, Errno> {
    let at = match find::node(directory, path, true, work)? {
        Answer::Ours(at) => at,
        Answer::Elsewhere(path) => {
            let real = hidden::open(find::CWD, path.to_bytes()).map(Stream::real);
            return Ok(real.map_or(Answer::Elsewhere(path), Answer::Ours));
        }
        Answer::Kernel => {
            let real = path.and_then(|path| hidden::open(directory, path)).map(Stream::real);
            return Ok(real.map_or(Answer::Kernel, Answer::Ours));
        }
    };
    let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
    if Kind::of_mode(attributes.mode) != Some(Kind::Directory) {
        return Err(Errno::NOTDIR);
    }
    who::credentials().need(&attributes, 4)?;
    let (given, node) = (at.given, at.number()?);
    let (runtime, id) = (given.handover.runtime.as_os_str().as_bytes(), &given.handover.id);
    let descriptor = places::open(
        runtime,
        id.as_bytes(),
        node,
        OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::DIRECTORY,
    )?;
    Ok(Answer::Ours(Stream::new(given, node, descriptor.into_raw_fd())))
}

/// fdopendir(3); `None`: the descriptor is none of ours.
pub fn of_descriptor(descriptor: c_int) -> Result<Option<Stream>, Errno> {
    let Some((given, node)) = listed(descriptor)? else {
        return Ok(hidden::is(descriptor).map(|given| Stream::over(given, descriptor)));
    };
    Ok(Some(Stream::new(given, node, descriptor)))
}

/// The directory of the tree that a descriptor stands for.
fn listed(descriptor: c_int) -> Result<Option<(&'static Given, u64)>, Errno> {
    let Some(given) = session::given() else { return Ok(None) };
    let Held::Directory(node) = descriptor::look(given, descriptor)?.0 else { return Ok(None) };
    // A node without content is opened with O_PATH as a placeholder, too.
    let kind = match find::by_number(given, node) {
        Ok(at) => at.session.tree().kind(at.cursor).map_err(|_| Errno::IO)?,
        Err(_) => Kind::Directory,
    };
    if kind == Kind::Directory { Ok(Some((given, node))) } else { Err(Errno::NOTDIR) }
}

/// getdents64(2); `None`: the descriptor is none of ours. What was read is kept where the kernel keeps it, as the
/// offset of the placeholder's descriptor: so it is shared as the descriptor is.
pub fn raw(descriptor: c_int, room: usize) -> Result<Option<Vec<u8>>, Errno> {
    let Some((given, node)) = listed(descriptor)? else { return Ok(None) };
    let file = borrow(descriptor)?;
    if rustix::fs::fcntl_getfl(file)?.contains(OFlags::PATH) {
        return Err(Errno::BADF);
    }
    let place = rustix::fs::seek(file, SeekFrom::Current(0))?;
    let room = room.min(PART);
    let mut part = Vec::with_capacity(room);
    let (given, session) = of_node(given, node)?;
    let next =
        fetch(At { session, given, cursor: cursor(session, node)? }, place, None, &mut part, room)?;
    rustix::fs::seek(file, SeekFrom::Start(next))?;
    Ok(Some(part))
}

/// Where a raw listing goes on.
pub fn place(descriptor: c_int) -> i64 {
    let place = borrow(descriptor).and_then(|file| rustix::fs::seek(file, SeekFrom::Current(0)));
    place.ok().and_then(|place| i64::try_from(place).ok()).unwrap_or(0)
}

/// Where a directory is to be found: the workspace's tree, or that of the directories above it.
fn of_node(given: &'static Given, node: u64) -> Result<(&'static Given, &'static Session), Errno> {
    match above::by_number(given, node)? {
        Some(found) => Ok(found),
        None => Ok((given, session::session(given)?)),
    }
}

/// The directory; ENOENT: it was removed.
fn cursor(session: &'static Session, node: u64) -> Result<vrift_manifest::tree::Cursor, Errno> {
    let tree = session.tree();
    let at = tree.node(node).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    let removed = tree.attributes(at).map_err(|_| Errno::IO)?.nlink == 0;
    if removed { Err(Errno::NOENT) } else { Ok(at) }
}

impl Stream {
    fn new(given: &'static Given, node: u64, descriptor: c_int) -> Stream {
        let (part, at) = (Vec::new(), 0);
        Stream { given, node, descriptor, real: None, began: None, told: 0, part, at }
    }

    fn real((given, file): (&'static Given, OwnedFd)) -> Stream {
        Stream::over(given, file.into_raw_fd())
    }

    fn over(given: &'static Given, descriptor: c_int) -> Stream {
        Stream { real: Some(0), ..Stream::new(given, 0, descriptor) }
    }

    /// dirfd(3)
    pub fn descriptor(&self) -> c_int {
        self.descriptor
    }

    /// readdir(3): the next record; `None` behind the last.
    #[inline]
    pub fn read(&mut self) -> Result<Option<&[u8]>, Errno> {
        if self.at >= self.part.len() {
            self.fetch()?;
        }
        let Some(rest) = self.part.get(self.at..) else { return Ok(None) };
        let (Some(offset), Some(length)) = (rest.get(8..16), rest.get(16..18)) else {
            return Ok(None);
        };
        self.told = offset.try_into().map_or(0, i64::from_ne_bytes);
        let length = length.try_into().map_or(0, u16::from_ne_bytes);
        let record = rest.get(..usize::from(length)).filter(|record| record.len() >= HEAD);
        self.at += usize::from(length);
        Ok(record)
    }

    #[cold]
    fn fetch(&mut self) -> Result<(), Errno> {
        self.part.clear();
        self.at = 0;
        if self.part.capacity() == 0 {
            self.part.try_reserve_exact(PART).map_err(|_| Errno::NOMEM)?;
        }
        if let Some(next) = &mut self.real {
            let part = &mut self.part;
            *next =
                hidden::list(self.given, self.descriptor, *next, |name, number, kind, behind| {
                    append(part, PART, name, number, kind, behind)
                })?;
            return Ok(());
        }
        // The place is the descriptor's, and moves with whoever else reads by it. One that is not open, or only stands for
        // a path, has none.
        let file = borrow(self.descriptor)?;
        let place = rustix::fs::seek(file, SeekFrom::Current(0))?;
        // Who begins again by another descriptor that is the same begins this one again.
        if place == 0 {
            self.began = None;
        }
        let (session, newest) = match self.began {
            Some(began) => began,
            None => {
                let (_, session) = of_node(self.given, self.node)?;
                let began = match cursor(session, self.node) {
                    Ok(at) => (session, session.tree().newest(at)),
                    Err(Errno::NOENT) => return Ok(()),
                    Err(errno) => return Err(errno),
                };
                *self.began.insert(began)
            }
        };
        // A removed directory is at its end.
        let cursor = match cursor(session, self.node) {
            Err(Errno::NOENT) => return Ok(()),
            other => other?,
        };
        let at = At { session, given: self.given, cursor };
        let next = fetch(at, place, Some(newest), &mut self.part, PART)?;
        if next != place {
            rustix::fs::seek(file, SeekFrom::Start(next))?;
        }
        Ok(())
    }

    /// rewinddir(3): the listing begins anew, and shows what there is now.
    pub fn rewind(&mut self) {
        self.began = None;
        self.seek(0);
    }

    /// seekdir(3)
    pub fn seek(&mut self, place: i64) {
        self.part.clear();
        self.at = 0;
        self.told = place.max(0);
        let place = u64::try_from(place).unwrap_or(0);
        if let Some(next) = &mut self.real {
            *next = place;
            return;
        }
        let place = SeekFrom::Start(place);
        // Whoever reads next is told of a descriptor that is none.
        let _ = borrow(self.descriptor).and_then(|file| rustix::fs::seek(file, place));
    }

    /// telldir(3)
    pub fn tell(&self) -> i64 {
        self.told
    }
}

/// Appends the records from `from` on to `part`, as long as there is `room`; where the next part begins. EINVAL: there
/// is not even room for one.
fn fetch(
    at: At,
    from: u64,
    newest: Option<u32>,
    part: &mut Vec<u8>,
    room: usize,
) -> Result<u64, Errno> {
    if from == END {
        return Ok(END);
    }
    let tree = at.session.tree();
    let mut next = from;
    let mut full = false;
    let mut push = |name: &[u8], number: u64, kind: Kind, behind: u64| {
        // The types that a record knows are the type bits of a mode.
        let kind = (kind as u32 >> 12) as u8;
        full = !append(part, room, name, number, kind, behind);
        if !full {
            next = behind;
        }
        !full
    };
    let go_on = (from > 0 || push(b".", at.number()?, Kind::Directory, 1))
        && (from > 1 || push(b"..", parent_of(at)?, Kind::Directory, DOTS));
    if go_on {
        let place = from.saturating_sub(DOTS);
        tree.list(at.cursor, place, newest.unwrap_or(u32::MAX), |entry| {
            push(entry.name, entry.number, entry.kind, entry.next.saturating_add(DOTS))
        })
        .map_err(|_| Errno::IO)?;
    }
    match full {
        false => Ok(END),
        true if part.is_empty() => Err(Errno::INVAL),
        true => Ok(next),
    }
}

/// The number of the directory above, as stat says it.
fn parent_of(at: At) -> Result<u64, Errno> {
    let tree = at.session.tree();
    let parent = tree.parent(at.cursor).map_err(|_| Errno::IO)?.ok_or(Errno::NOENT)?;
    if parent != tree.root() || at.cursor != tree.root() {
        return tree.number(parent).map_err(|_| Errno::IO);
    }
    // The directory that the mount point is in is the kernel's, if it is on the disk.
    let end = at.given.mount.iter().rposition(|&byte| byte == b'/').unwrap_or(0).max(1);
    if end >= at.given.border.len() {
        return Ok(number(end));
    }
    let outside = at.given.mount.get(..end).unwrap_or(b"/");
    match rustix::fs::statat(rustix::fs::CWD, outside, AtFlags::empty()) {
        Ok(stat) => Ok(stat.st_ino),
        Err(_) => at.number(),
    }
}

/// Appends one record, if there is room: `d_ino`, `d_off`, `d_reclen`, `d_type`, `d_name`, to a multiple of 8 bytes.
#[inline]
fn append(
    part: &mut Vec<u8>,
    room: usize,
    name: &[u8],
    number: u64,
    kind: u8,
    behind: u64,
) -> bool {
    let length = (HEAD + name.len() + 1).next_multiple_of(8);
    if part.len() + length > room {
        return false;
    }
    let mut head = [0; HEAD];
    let fields = [&number.to_ne_bytes()[..], &behind.to_ne_bytes(), &(length as u16).to_ne_bytes()];
    let mut rest = &mut head[..];
    for field in fields {
        let Some((place, behind)) = rest.split_at_mut_checked(field.len()) else { return false };
        place.copy_from_slice(field);
        rest = behind;
    }
    rest.fill(kind);
    part.extend_from_slice(&head);
    part.extend_from_slice(name);
    const ZEROS: [u8; 8] = [0; 8];
    part.extend_from_slice(ZEROS.get(..length - HEAD - name.len()).unwrap_or(&ZEROS));
    true
}
