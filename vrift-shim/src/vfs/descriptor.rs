//! What a descriptor is. The kernel's object says it: a placeholder directory names its node by its modification time, a
//! draft and a blob by the path they were opened by. The sticky bit, seen in an fstat that is made anyway, tells whether
//! to look closer.
//!
//! A blob may be the content of several nodes. Which of them was opened is noted per descriptor; the note is believed
//! only if the inode is the one that was noted, because descriptors change behind our back.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::fs::{SeekFrom, Stat};
use rustix::io::Errno;
use vrift_cas::Digest;
use vrift_manifest::places;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::find::{self, At};
use super::session::{self, Given};
use super::{pipes, strays};
#[cfg(target_arch = "x86_64")]
use crate::answer::contents;
#[cfg(target_arch = "x86_64")]
use crate::sys::client;
use crate::sys::{apart, fd, vfork};

/// What a descriptor stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Nothing of ours.
    Foreign,
    /// A directory of the tree, or what else has no content and is stood for by something beside the placeholders.
    Directory(u64),
    /// The content of a file of the tree: its draft, or a blob.
    Content {
        /// The file.
        node: u64,
        /// It is a draft, which may be written.
        draft: bool,
    },
    /// Content of the store that several files have, one of which is named, or none any more: whose it was when it was
    /// opened is not known. Nothing may be changed by it, least of all the store's file.
    Lost(Option<u64>),
}

/// Descriptors that notes are kept for; beyond them the kernel is asked each time.
const NOTED: usize = 1024;

/// What was opened, and the inode. Zeros: nothing is known.
struct Note {
    /// The node in the low bits, above them how it was opened.
    node: AtomicU64,
    inode: AtomicU64,
    /// Where the tree is to be searched for the node first. It may be wrong, and is checked there.
    hint: AtomicU32,
}

static NOTES: [Note; NOTED] =
    [const { Note { node: AtomicU64::new(0), inode: AtomicU64::new(0), hint: AtomicU32::new(0) } };
        NOTED];

#[inline]
fn note_of(descriptor: c_int) -> Option<&'static Note> {
    if apart::descriptors() {
        return None;
    }
    NOTES.get(usize::try_from(descriptor).ok()?)
}

/// In [`Note::node`]: opened by its path outside the tree. Only believed where a wrong belief does no harm.
const OUTSIDE: u64 = u64::MAX;

/// In [`Note::node`]: opened as the placeholder of a node. Believed as [`OUTSIDE`] is.
const PLACE: u64 = u64::MAX - 1;

/// In [`Note::node`]: opened for reading only, and opened for writing. Believed as [`OUTSIDE`] is.
const READS: u64 = 1 << 63;
const WRITES: u64 = 1 << 62;

/// In [`Note::node`]: it can write what it is on, so what it locks stays what it is. Believed, too.
const LOCKS: u64 = 1 << 61;

/// The node of a note that has one.
fn node_in(note: u64) -> Option<u64> {
    (note != 0 && note < PLACE).then_some(note & !(READS | WRITES | LOCKS))
}

/// Whether it is known that a lock on this descriptor can be left to the kernel.
#[inline]
pub fn locks(descriptor: c_int) -> bool {
    let note = note_of(descriptor).map_or(0, |note| note.node.load(Ordering::Relaxed));
    note == OUTSIDE || note < PLACE && note & LOCKS != 0
}

/// Notes that.
pub fn may_lock(descriptor: c_int) {
    if let Some(note) = note_of(descriptor).filter(|_| !vfork::is_child()) {
        let known = note.node.load(Ordering::Relaxed);
        if node_in(known).is_some() {
            let _ = note.node.compare_exchange(
                known,
                known | LOCKS,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
    }
}

/// What a descriptor was opened for, as far as is known: it may have been replaced since, without our being asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing is known.
    Unknown,
    /// It cannot write anything of the tree.
    Reads,
    /// To write this node.
    Writes(u64),
}

/// What a descriptor was opened for.
#[inline]
pub fn purpose(descriptor: c_int) -> Purpose {
    let note = note_of(descriptor).map_or(0, |note| note.node.load(Ordering::Relaxed));
    // Also what was opened outside, or is a placeholder.
    if note & READS != 0 {
        Purpose::Reads
    } else if note & WRITES != 0 {
        node_in(note).map_or(Purpose::Unknown, Purpose::Writes)
    } else {
        Purpose::Unknown
    }
}

/// Whether another descriptor of this process was opened to write this node, as far as is known: among the first, where shells
/// put what is redirected.
pub fn is_written_by_another(node: u64) -> bool {
    const FIRST: c_int = 16;
    (0..FIRST).any(|other| purpose(other) == Purpose::Writes(node))
}

/// Notes that a descriptor was opened outside the tree.
#[inline]
pub fn opened_outside(descriptor: c_int) {
    put(descriptor, OUTSIDE);
}

/// Notes that a descriptor was opened of a placeholder.
pub fn opened_place(descriptor: c_int) {
    put(descriptor, PLACE);
}

/// Whether a descriptor was opened in the tree, as far as is known: nothing but the order in which to ask depends on it.
#[inline]
pub fn may_be_inside(descriptor: c_int) -> bool {
    let note = note_of(descriptor).map_or(0, |note| note.node.load(Ordering::Relaxed));
    note != 0 && note != OUTSIDE
}

/// Whether a descriptor is known to be a file of the tree.
pub fn is_noted(descriptor: c_int) -> bool {
    note_of(descriptor).is_some_and(|note| node_in(note.node.load(Ordering::Relaxed)).is_some())
}

/// Notes for which node a blob or a draft was opened, and whether to be written.
#[inline]
pub fn opened(descriptor: c_int, node: u64, writes: bool) {
    if !writes && apart::descriptors() {
        mark_blob(descriptor, node);
    }
    put(descriptor, node | if writes { WRITES } else { READS });
}

/// Notes where the node was found.
#[inline]
pub fn found_at(descriptor: c_int, hint: u32) {
    if let Some(note) = note_of(descriptor) {
        note.hint.store(hint, Ordering::Relaxed);
    }
}

/// The node of the tree that a descriptor is of.
#[inline]
pub fn node(given: &'static Given, descriptor: c_int, node: u64) -> Result<At, Errno> {
    let hint = note_of(descriptor).map_or(0, |note| note.hint.load(Ordering::Relaxed));
    find::by_number_near(given, node, hint)
}

#[inline]
fn put(descriptor: c_int, value: u64) {
    if vfork::is_child() {
        // These notes are the parent's.
        return;
    }
    if let Some(note) = note_of(descriptor) {
        note.inode.store(0, Ordering::Relaxed);
        note.node.store(value, Ordering::Release);
    }
}

/// Nothing is known of the descriptor any more.
#[inline]
pub fn forget(descriptor: c_int) {
    if let Some(note) = note_of(descriptor)
        && note.node.load(Ordering::Relaxed) != 0
        && !vfork::is_child()
    {
        note.node.store(0, Ordering::Release);
    }
}

/// What is noted of a descriptor: its node and how it was opened, and the inode.
#[derive(Clone, Copy)]
pub struct Known(u64, u64);

/// What is noted of a descriptor.
pub fn known(descriptor: c_int) -> Known {
    let note = note_of(descriptor);
    note.map_or(Known(0, 0), |note| {
        Known(note.node.load(Ordering::Acquire), note.inode.load(Ordering::Acquire))
    })
}

/// Notes again what was noted.
pub fn know(descriptor: c_int, Known(node, inode): Known) {
    put(descriptor, node);
    if let Some(note) = note_of(descriptor).filter(|_| !vfork::is_child()) {
        note.inode.store(inode, Ordering::Release);
    }
}

/// `new` is a duplicate of `old`.
pub fn duplicated(old: c_int, new: c_int) {
    match known(old) {
        Known(0, _) => forget(new),
        known => know(new, known),
    }
}

/// What the descriptor stands for, and what the kernel says of it.
#[inline(always)]
pub fn look(given: &'static Given, descriptor: c_int) -> Result<(Held, Stat), Errno> {
    let stat = rustix::fs::fstat(borrow(descriptor)?)?;
    Ok((judge(given, descriptor, &stat), stat))
}

/// Whether a mode may be that of something of ours.
#[inline]
pub fn may_be_ours(mode: u32) -> bool {
    const STICKY: u32 = 0o1000;
    mode & STICKY != 0
}

/// What the descriptor stands for, of which the kernel says `stat`.
#[inline]
pub fn judge(given: &'static Given, descriptor: c_int, stat: &Stat) -> Held {
    const TYPE: u32 = 0o170000;
    if !may_be_ours(stat.st_mode) {
        return Held::Foreign;
    }
    match stat.st_mode & TYPE {
        0o040000 => places::node_of(stat)
            .or_else(|| strays::held(given, descriptor, stat))
            .map_or(Held::Foreign, Held::Directory),
        0o100000 => content(given, descriptor, stat),
        0o010000 => pipe(given, descriptor).map_or(Held::Foreign, Held::Directory),
        _ => Held::Foreign,
    }
}

/// The node of a directory of the tree that a descriptor stands for.
pub fn directory(given: &'static Given, descriptor: c_int) -> Result<Option<u64>, Errno> {
    match look(given, descriptor)?.0 {
        Held::Directory(node) => Ok(Some(node)),
        // A path from a file is ENOTDIR, and that is what the kernel will say of it.
        _ => Ok(None),
    }
}

/// Whether what is open is a blob, or on its way to be one.
pub fn is_blob(stat: &Stat) -> bool {
    is_content(stat) && stat.st_mode & 0o7777 == BLOB
}

/// Whether the kernel's answer is that of a file of a store, whose content may be of the tree.
#[inline]
pub fn is_content(stat: &Stat) -> bool {
    const TYPE_AND_STICKY: u32 = 0o171000;
    stat.st_mode & TYPE_AND_STICKY == 0o101000
}

/// The permission bits of a blob; a draft has others, until it becomes one.
const BLOB: u32 = 0o1555;

#[inline]
fn content(given: &'static Given, descriptor: c_int, stat: &Stat) -> Held {
    let draft = stat.st_mode & 0o7777 != BLOB;
    if let Some(note) = note_of(descriptor)
        && let Some(node) = node_in(note.node.load(Ordering::Acquire))
    {
        let mut inode = note.inode.load(Ordering::Acquire);
        if inode == 0 {
            let first =
                note.inode.compare_exchange(0, stat.st_ino, Ordering::AcqRel, Ordering::Acquire);
            inode = first.err().unwrap_or(stat.st_ino);
        }
        if inode == stat.st_ino {
            return Held::Content { node, draft };
        }
    }
    by_name(given, descriptor, stat).unwrap_or(Held::Foreign)
}

/// The node of a named pipe, by the path of its meeting place.
#[cold]
fn pipe(given: &'static Given, descriptor: c_int) -> Option<u64> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let length = path(descriptor, buffer)?;
    pipes::node_of_path(given, buffer.get(..length)?)
}

/// Asks the kernel by which name the file was opened.
#[cold]
fn by_name(given: &'static Given, descriptor: c_int, stat: &Stat) -> Option<Held> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let length = path(descriptor, buffer)?;
    let path = buffer.get(..length)?;
    let Some(held) = of_path(given, path, fd::mark(borrow(descriptor).ok()?)) else {
        // It was opened without a name, and has one by now.
        let session = session::session(given).ok().filter(|session| session.is_nameless(path))?;
        return Some(Held::Content { node: session.node_of_inode(stat.st_ino)?, draft: true });
    };
    Some(match held {
        Held::Content { node, draft } => {
            // What was opened as a draft is a blob by now, if it was sealed; its name is that of then.
            let draft = draft && stat.st_mode & 0o7777 != BLOB;
            match draft {
                // How it was opened is not known.
                true => know(descriptor, Known(node, stat.st_ino)),
                false => opened(descriptor, node, false),
            }
            Held::Content { node, draft }
        }
        held => held,
    })
}

/// The mark of a file among those with the same content: one of as many as a description can carry.
fn mark_of(node: u64) -> u8 {
    const MARKS: u64 = 62;
    1 + (node % MARKS) as u8
}

/// Before descriptors come into hands that have no notes, by a program that is executed or through a socket: what is open of
/// the store's content gets the mark of its file, which stays with it.
pub fn leave_marks() {
    for (number, note) in NOTES.iter().enumerate() {
        let value = note.node.load(Ordering::Acquire);
        if value == OUTSIDE || value & READS == 0 {
            continue;
        }
        let (Some(node), Ok(number)) = (node_in(value), c_int::try_from(number)) else { continue };
        mark_if(number, node, note.inode.load(Ordering::Acquire));
    }
}

/// Where nothing is noted it is marked at once.
#[cold]
fn mark_blob(descriptor: c_int, node: u64) {
    mark_if(descriptor, node, 0);
}

/// Marks what is open of a blob, if it is the inode that is known, or none is.
fn mark_if(descriptor: c_int, node: u64, inode: u64) {
    let Some(file) = fd::borrow(descriptor) else { return };
    let Ok(stat) = rustix::fs::fstat(file) else { return };
    // It may have been replaced since, without our being asked.
    if (inode == 0 || inode == stat.st_ino) && is_blob(&stat) {
        fd::set_mark(file, mark_of(node));
    }
}

/// A descriptor for reading goes to who has asked for it.
#[cfg(target_arch = "x86_64")]
#[cold]
pub fn hand_out(given: &'static Given, node: u64) {
    if let Ok(session) = session::session(given) {
        contents::hand_out(session, node, mark_of(node));
    }
}

/// What a path stands for by which the kernel knows a file of the store. With the mark of what is open by it, if it has one.
pub fn of_path(given: &'static Given, path: &[u8], mark: Option<u8>) -> Option<Held> {
    use std::os::unix::ffi::OsStrExt;
    let name = path.strip_suffix(b" (deleted)").unwrap_or(path);
    let inside =
        name.strip_prefix(given.handover.store.as_os_str().as_bytes())?.strip_prefix(b"/")?;
    if let Some(rest) = inside.strip_prefix(b"workspaces/") {
        let rest = rest.strip_prefix(given.handover.workspace.as_bytes())?;
        let draft = rest.strip_prefix(b"/drafts/")?;
        let end = draft.iter().position(|&byte| byte == b'.')?;
        let node = std::str::from_utf8(draft.get(..end)?).ok()?.parse().ok()?;
        return Some(Held::Content { node, draft: true });
    }
    let digest = match inside.strip_prefix(b"blobs/") {
        Some(name) => [name.get(..2)?, name.get(3..)?].concat(),
        None => inside.strip_prefix(b"trash/")?.to_vec(),
    };
    let digest: Digest = std::str::from_utf8(&digest).ok()?.parse().ok()?;
    let session = session::session(given).ok()?;
    #[cfg(target_arch = "x86_64")]
    if client::is_answering()
        && let Some(node) = mark.and_then(|mark| contents::recall(session, &digest, mark))
    {
        return Some(Held::Content { node, draft: false });
    }
    let fits = |node| mark.is_none_or(|mark| mark == mark_of(node));
    Some(match session.tree().with_content(&digest, fits) {
        Some((node, true)) => {
            #[cfg(target_arch = "x86_64")]
            if client::is_answering()
                && let Some(mark) = mark
            {
                contents::hand_out(session, node, mark);
            }
            Held::Content { node, draft: false }
        }
        Some((node, false)) => Held::Lost(Some(node)),
        None => Held::Lost(session.tree().with_content(&digest, |_| true).map(|(node, _)| node)),
    })
}

/// The path by which the kernel knows a descriptor; its length.
pub fn path(descriptor: c_int, buffer: &mut [u8; PATH_MAX]) -> Option<usize> {
    let mut link = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0\0\0";
    let digits = link.get_mut(14..)?;
    let mut left = u32::try_from(descriptor).ok()?;
    let mut text = [0u8; 10];
    let mut start = text.len();
    loop {
        start -= 1;
        *text.get_mut(start)? = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    let number = text.get(start..)?;
    digits.get_mut(..number.len())?.copy_from_slice(number);
    let link = std::ffi::CStr::from_bytes_until_nul(&link).ok()?;
    rustix::fs::readlinkat_raw(rustix::fs::CWD, link, &mut buffer[..]).ok()
}

/// Moves the offset to the end. What has none stays as it is.
pub fn to_end(descriptor: c_int) {
    let _ = borrow(descriptor).and_then(|file| rustix::fs::seek(file, SeekFrom::End(0)));
}

/// A descriptor of the program's, for the time of a call.
pub fn borrow(descriptor: c_int) -> Result<BorrowedFd<'static>, Errno> {
    fd::borrow(descriptor).ok_or(Errno::BADF)
}
