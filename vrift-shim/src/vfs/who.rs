//! On whose behalf this process acts: its user for permissions, its umask for what it makes, its record for history.
//!
//! What the kernel says is kept until a call changes it.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use vrift_manifest::attributes::Attributes;
use vrift_manifest::session::Who;
use vrift_manifest::tree::Credentials;
use vrift_manifest::tree::path::Scratch;
use vrift_manifest::workspace::Author;

use super::exec::farm;
use super::session::Given;
use super::{directory, process, strays};
use crate::sys::slot::Slot;
use crate::sys::{apart, client, vfork};

/// User, groups, and whether permission bits are overridden.
#[derive(Clone)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    groups: Vec<u32>,
    privileged: bool,
}

impl Identity {
    /// In the form that a tree takes.
    #[inline]
    pub fn as_tree(&self) -> Credentials<'_> {
        Credentials {
            uid: self.uid,
            gid: self.gid,
            groups: &self.groups,
            privileged: self.privileged,
        }
    }

    /// Whether the bits `wanted` (4 read, 2 write, 1 execute or search) are granted: EACCES.
    pub fn need(&self, node: &Attributes, wanted: u32) -> Result<(), Errno> {
        if self.as_tree().may(node, wanted) { Ok(()) } else { Err(Errno::ACCESS) }
    }

    /// Whether it may do what only the owner may: EPERM.
    pub fn need_owner(&self, node: &Attributes) -> Result<(), Errno> {
        if self.privileged || node.uid == self.uid { Ok(()) } else { Err(Errno::PERM) }
    }

    /// Whether it may remove `victim` from `directory`: what it may write it may empty, except where the sticky bit
    /// keeps what others own.
    pub fn need_removal(&self, directory: &Attributes, victim: &Attributes) -> Result<(), Errno> {
        self.need(directory, 3)?;
        let kept = directory.mode & 0o1000 != 0 && directory.uid != self.uid;
        if kept { self.need_owner(victim) } else { Ok(()) }
    }

    /// Whether it has the group.
    pub fn is_in(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// Whether permission bits are overridden.
    pub fn is_privileged(&self) -> bool {
        self.privileged
    }
}

static IDENTITY: Slot<Identity> = Slot::empty();
static REAL: Slot<Identity> = Slot::empty();

/// Who the process is to the file system.
#[inline]
pub fn credentials() -> &'static Identity {
    match IDENTITY.get() {
        Some(identity) => identity,
        None => learn_ids(&IDENTITY, || {
            ask(rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
        }),
    }
}

/// Who the process is by its real ids, which is what `access` asks for.
pub fn real() -> &'static Identity {
    match REAL.get() {
        Some(identity) => identity,
        None => learn_ids(&REAL, || {
            ask(rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw())
        }),
    }
}

/// How often the ids have changed: who asked before that keeps nothing after it.
static CHANGES: AtomicU32 = AtomicU32::new(0);

/// Keeps the answer, unless it is a vfork child's, who may have changed its ids, and whose memory is its parent's.
#[cold]
fn learn_ids(slot: &'static Slot<Identity>, ask: impl FnOnce() -> Identity) -> &'static Identity {
    let before = CHANGES.load(Ordering::Acquire);
    let identity = ask();
    if vfork::is_child() {
        return Box::leak(Box::new(identity));
    }
    let kept = slot.put(identity);
    if CHANGES.load(Ordering::Acquire) != before {
        slot.clear();
    }
    kept
}

/// The ids have changed.
pub fn forget() {
    CHANGES.fetch_add(1, Ordering::AcqRel);
    IDENTITY.clear();
    REAL.clear();
}

#[cold]
fn ask(uid: u32, gid: u32) -> Identity {
    let groups = rustix::process::getgroups().unwrap_or_default();
    let groups = groups.into_iter().map(|group| group.as_raw()).collect();
    let effective = rustix::thread::capabilities(None).map(|sets| sets.effective);
    let privileged = effective
        .is_ok_and(|set| set.contains(rustix::thread::CapabilitySet::DAC_OVERRIDE))
        && (uid == 0 || uid == rustix::process::geteuid().as_raw());
    Identity { uid, gid, groups, privileged }
}

/// The umask + 1; 0: not known.
static UMASK: AtomicU32 = AtomicU32::new(0);

/// The permission bits that are left of `mode` for something new.
pub fn masked(given: &'static Given, mode: u32) -> u32 {
    if let Some(umask) = client::umask() {
        return mode & 0o7777 & !umask;
    }
    let known = UMASK.load(Ordering::Relaxed);
    let umask = if known == 0 || apart::directories() { learn(given) } else { known - 1 };
    mode & 0o7777 & !umask
}

/// The program has set the umask.
pub fn umask_is(umask: u32) {
    if !apart::directories() {
        UMASK.store((umask & 0o777) + 1, Ordering::Relaxed);
    }
}

/// To ask for the umask is to set it, which other threads would notice. So a file without a name is made, and what is
/// left of its mode says it.
#[cold]
fn learn(given: &'static Given) -> u32 {
    let all = Mode::from_raw_mode(0o777);
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let made = rustix::fs::openat(CWD, given.handover.runtime.as_path(), flags, all)
        .and_then(|file| rustix::fs::fstat(&file));
    match made {
        Ok(stat) => {
            let umask = !stat.st_mode & 0o777;
            umask_is(umask);
            umask
        }
        Err(_) => 0o022,
    }
}

/// This process, for a change.
pub fn who() -> Who<'static> {
    Who { process: process::own(), author: &author }
}

/// What history says of this process.
#[cold]
fn author() -> Author {
    Author {
        parent: process::parent(),
        pid: process::pid(),
        program: program(),
        arguments: read(&own("cmdline")),
        directory: working_directory(),
    }
}

/// The program's path, as programs see it.
pub fn program() -> Vec<u8> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let path = rustix::fs::readlinkat_raw(CWD, &*own("exe"), &mut buffer[..]);
    let Ok(length) = path else { return Vec::new() };
    let given = super::session::given();
    let seen = given.and_then(|given| farm::as_seen(given, buffer, length));
    buffer.get(..seen.unwrap_or(length)).unwrap_or_default().to_vec()
}

/// The working directory, as programs see it.
fn working_directory() -> Vec<u8> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    match strays::left_alone(|| directory::path(buffer)) {
        Ok(Some(length)) => buffer.get(..length).unwrap_or_default().to_vec(),
        _ => rustix::process::getcwd(Vec::new()).map(|path| path.into_bytes()).unwrap_or_default(),
    }
}

/// A file of the kernel's about the process for which this one acts, or about itself.
fn own(name: &str) -> String {
    match client::thread() {
        Some(thread) => format!("/proc/{thread}/{name}"),
        None => format!("/proc/self/{name}"),
    }
}

/// The most bytes that are read of a file.
const MOST: usize = 32 << 10;

fn read(path: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let file = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let Ok(file) = file else { return text };
    // Room that nothing is written to costs nothing, and mostly there is little to read.
    while text.len() < MOST {
        text.reserve(2048);
        let room = text.capacity() - text.len();
        if rustix::io::read(&file, spare_capacity(&mut text)) != Ok(room) {
            break;
        }
    }
    text.truncate(MOST);
    text
}
