//! What a walk of fts(3) gives to the program: `FTSENT`.

use std::ffi::{c_char, c_int, c_long, c_short, c_ushort, c_void};
use std::ptr;

use libc::stat as Stat;

use super::args::{CPath, Out};
use super::stat;
use crate::sys::{errno, zeroed};

/// What an entry is.
pub(super) mod info {
    use std::ffi::c_ushort;
    pub const D: c_ushort = 1;
    pub const DC: c_ushort = 2;
    pub const DEFAULT: c_ushort = 3;
    pub const DNR: c_ushort = 4;
    pub const DOT: c_ushort = 5;
    pub const DP: c_ushort = 6;
    pub const ERR: c_ushort = 7;
    pub const F: c_ushort = 8;
    pub const NS: c_ushort = 10;
    pub const NSOK: c_ushort = 11;
    pub const SL: c_ushort = 12;
    pub const SLNONE: c_ushort = 13;
}

/// What a program may ask for of an entry: look again.
pub(super) const AGAIN: c_ushort = 1;
/// What a program may ask for of an entry: follow the symlink.
pub(super) const FOLLOW: c_ushort = 2;
/// What a program may ask for of an entry: nothing.
pub(super) const NOTHING: c_ushort = 3;
/// What a program may ask for of an entry: leave it out.
pub(super) const SKIP: c_ushort = 4;

/// Room for a name, with its NUL.
const NAME: usize = 256;

/// `FTSENT`, and behind its name what is ours.
#[repr(C)]
pub struct Entry {
    pub(super) cycle: *mut Entry,
    pub(super) parent: *mut Entry,
    pub(super) link: *mut Entry,
    pub(super) number: c_long,
    pub(super) pointer: *mut c_void,
    pub(super) access: *const c_char,
    pub(super) path: *const c_char,
    pub(super) errno: c_int,
    pub(super) descriptor: c_int,
    pub(super) path_length: c_ushort,
    pub(super) name_length: c_ushort,
    pub(super) inode: u64,
    pub(super) device: u64,
    /// Of fewer bits on other machines than this one.
    pub(super) links: libc::nlink_t,
    pub(super) level: c_short,
    pub(super) info: c_ushort,
    pub(super) flags: c_ushort,
    pub(super) instruction: c_ushort,
    pub(super) stat: *mut Stat,
    pub(super) name: [u8; NAME],
    pub(super) seen: Stat,
    pub(super) text: Vec<u8>,
}

impl Entry {
    /// A new entry, by its path.
    pub(super) fn make(
        parent: *mut Entry,
        level: c_short,
        mut text: Vec<u8>,
        name: &[u8],
    ) -> *mut Entry {
        text.push(0);
        let entry = Box::into_raw(Box::new(Entry {
            cycle: ptr::null_mut(),
            parent,
            link: ptr::null_mut(),
            number: 0,
            pointer: ptr::null_mut(),
            access: ptr::null(),
            path: ptr::null(),
            errno: 0,
            descriptor: -1,
            path_length: (text.len() - 1) as c_ushort,
            name_length: 0,
            inode: 0,
            device: 0,
            links: 0,
            level,
            info: info::NSOK,
            flags: 0,
            instruction: NOTHING,
            stat: ptr::null_mut(),
            name: [0; NAME],
            seen: zeroed::stat(),
            text,
        }));
        // SAFETY: just made, and nobody else's.
        let new = unsafe { &mut *entry };
        new.stat = &raw mut new.seen;
        new.access = new.text.as_ptr().cast();
        new.path = new.access;
        new.rename(name);
        entry
    }

    pub(super) fn reached(&self) -> CPath {
        CPath::at(self.access)
    }

    fn rename(&mut self, name: &[u8]) {
        let name = name.get(..name.len().min(NAME - 1)).unwrap_or(b"");
        self.name = [0; NAME];
        if let Some(room) = self.name.get_mut(..name.len()) {
            room.copy_from_slice(name);
        }
        self.name_length = name.len() as c_ushort;
    }

    /// What the walk begins with has its last name from when the walk comes to it.
    pub(super) fn begin(&mut self) {
        let text = self.text.split_last().map_or(&b""[..], |(_, text)| text);
        let slash = text.iter().rposition(|&byte| byte == b'/');
        if let Some(slash) = slash.filter(|&slash| slash != 0 || text.len() > 1) {
            let name = text.get(slash + 1..).unwrap_or(b"").to_vec();
            self.rename(&name);
        }
    }

    /// Looks what it is.
    pub(super) fn look(&mut self, follow: bool) {
        self.info = self.kind(follow);
    }

    fn kind(&mut self, follow: bool) -> c_ushort {
        let path = self.reached();
        let found = follow && stat::stat(path, Out::of(&mut self.seen)) == 0;
        if !found {
            let said = errno::get();
            if stat::lstat(path, Out::of(&mut self.seen)) != 0 {
                self.errno = if follow { said } else { errno::get() };
                self.seen = zeroed::stat();
                return info::NS;
            }
            if follow {
                errno::put(0);
                return info::SLNONE;
            }
        }
        match self.seen.st_mode & libc::S_IFMT {
            libc::S_IFDIR => self.directory(),
            libc::S_IFLNK => info::SL,
            libc::S_IFREG => info::F,
            _ => info::DEFAULT,
        }
    }

    fn directory(&mut self) -> c_ushort {
        (self.device, self.inode) = (self.seen.st_dev, self.seen.st_ino);
        #[allow(clippy::useless_conversion, reason = "the type differs between targets")]
        let links = self.seen.st_nlink;
        self.links = links;
        if matches!(&self.name[..3], [b'.', 0, _] | [b'.', b'.', 0]) {
            return info::DOT;
        }
        let mut above = self.parent;
        // SAFETY: the entries of the directories above live as long as this one.
        while let Some(at) = unsafe { above.as_ref() } {
            if (at.device, at.inode) == (self.device, self.inode) {
                self.cycle = above;
                return info::DC;
            }
            above = at.parent;
        }
        info::D
    }
}
