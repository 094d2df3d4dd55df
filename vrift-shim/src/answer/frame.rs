//! A call in this process's own memory and descriptors.

use std::ffi::{CString, c_int, c_long};
use std::os::fd::AsRawFd;

use rustix::fs::OFlags;
use rustix::io::Errno;
use vrift_manifest::attributes::Kind;
use vrift_manifest::tree::path::PATH_MAX;

use super::caller::{self, Place};
use super::calls::{Argument, CREAT, Call, Makes};
use super::{Reply, contents};
use crate::abi;
use crate::sys::client;
use crate::sys::fd::{Brief, own};
use crate::sys::tracee::Told;
use crate::vfs::find::{self, CWD, Work};
use crate::vfs::lead::Last;
use crate::vfs::{Answer, descriptor, directory, open, pipes, session};

/// Whether a call may be the question whether this run answers.
pub fn may_ask(number: c_long) -> bool {
    matches!(number, libc::SYS_access | libc::SYS_faccessat | libc::SYS_faccessat2)
}

/// Whether a call that is about a descriptor only looks at it.
fn only_looks(number: c_long) -> bool {
    matches!(number, libc::SYS_fstat | libc::SYS_newfstatat | libc::SYS_statx)
}

/// The most bytes that are taken for one argument: of a listing, more than C libraries ask for; the largest attribute.
const LARGEST: usize = 64 << 10;

/// A call.
pub struct Frame<'t> {
    told: &'t Told,
    call: &'static Call,
    words: [usize; 6],
    /// Paths and other texts, and the room for results, each with the number of its argument.
    texts: Vec<(usize, CString)>,
    rooms: Vec<(usize, Vec<u64>)>,
    held: Vec<Brief>,
    place: Place,
}

impl<'t> Frame<'t> {
    /// Reads the paths, as the kernel does before it looks at anything else.
    pub fn take(told: &'t Told, call: &'static Call) -> Result<Frame<'t>, Errno> {
        let (texts, rooms, held) = (Vec::new(), Vec::new(), Vec::new());
        let place = Place::default();
        let mut frame = Frame { told, call, words: told.words, texts, rooms, held, place };
        for (at, argument) in call.arguments.iter().enumerate() {
            let address = frame.word(at);
            // Of some calls the path may be missing: they are about the descriptor before it.
            if !matches!(argument, Argument::Path | Argument::Text) || address == 0 && at > 0 {
                continue;
            }
            frame.texts.push((at, caller::text(told, address, PATH_MAX)?));
        }
        Ok(frame)
    }

    fn word(&self, at: usize) -> usize {
        self.words.get(at).copied().unwrap_or(0)
    }

    fn put(&mut self, at: usize, word: usize) {
        if let Some(place) = self.words.get_mut(at) {
            *place = word;
        }
    }

    fn text(&self, at: usize) -> Option<&[u8]> {
        self.texts.iter().find(|(place, _)| *place == at).map(|(_, text)| text.to_bytes())
    }

    /// The first path.
    pub fn path(&self) -> Option<&[u8]> {
        let at = self.call.arguments.iter().position(|argument| *argument == Argument::Path)?;
        self.text(at)
    }

    /// Whether the call is about something of the tree. What it needs of the caller's to be done here is here then.
    pub fn is_ours(&mut self) -> Result<bool, Errno> {
        contents::looks(true);
        let ours = self.leads_to_ours();
        contents::looks(false);
        ours
    }

    fn leads_to_ours(&mut self) -> Result<bool, Errno> {
        if self.call.number == libc::SYS_getcwd {
            return Ok(self.place.enter(self.told)? && directory::node()?.is_some());
        }
        let mut ours = false;
        for (at, argument) in self.call.arguments.iter().enumerate() {
            match argument {
                Argument::Descriptor => ours |= self.take_descriptor(at)?,
                Argument::Path => {
                    let before = at.checked_sub(1).filter(|&before| {
                        self.call.arguments.get(before) == Some(&Argument::Directory)
                    });
                    ours |= self.is_path_ours(before, at)?;
                }
                _ => {}
            }
        }
        Ok(ours)
    }

    /// Takes the caller's descriptor; whether it is one of ours.
    fn take_descriptor(&mut self, at: usize) -> Result<bool, Errno> {
        let number = self.word(at) as c_int;
        if number == CWD {
            // To read or set an attribute newer kernels take it.
            return Ok(self.place.enter(self.told)? && directory::node()?.is_some());
        }
        let Some(file) = caller::descriptor(self.told, number) else { return Ok(false) };
        let ours = caller::is_ours(&file)?;
        self.put(at, caller::number(&file) as usize);
        self.held.push(file);
        Ok(ours)
    }

    fn is_path_ours(&mut self, before: Option<usize>, at: usize) -> Result<bool, Errno> {
        let begins = before.map_or(CWD, |before| self.word(before) as c_int);
        let path = self.text(at).map(<[u8]>::to_vec);
        let last = if self.means_links() { Last::Itself } else { Last::Followed };
        match path.as_deref() {
            Some(path) if path.starts_with(b"/") => {
                if let Some(before) = before {
                    self.put(before, CWD as usize);
                }
                match caller::own_link(self.told, path)? {
                    caller::Link::No => find::begins_inside_by(CWD, path, last),
                    caller::Link::Other(text, file) => {
                        let reads =
                            matches!(self.call.number, libc::SYS_readlink | libc::SYS_readlinkat);
                        let ours = match &file {
                            // What it stands for itself the kernel opens.
                            Some(_) if self.open_flags() & libc::O_PATH != 0 => false,
                            // A pipe is the same by whatever way.
                            Some(file) if self.is_open() && caller::is_pipe(file) => false,
                            Some(file) => caller::is_ours(file)?,
                            None => reads,
                        };
                        self.held.extend(file);
                        self.texts.retain(|(place, _)| *place != at);
                        self.texts.push((at, text));
                        Ok(ours)
                    }
                }
            }
            // Nothing stands for the descriptor itself, where a flag says so; else it is ENOENT to everybody.
            None | Some(b"") if begins != CWD => match before {
                Some(before) => self.take_descriptor(before),
                None => Ok(false),
            },
            None => Ok(false),
            Some(path) if begins == CWD => {
                if !self.place.enter(self.told)? {
                    return Ok(false);
                }
                match path {
                    b"" => Ok(directory::node()?.is_some()),
                    path => find::begins_inside_by(CWD, path, last),
                }
            }
            Some(path) => {
                let Some(before) = before else { return Ok(false) };
                self.take_descriptor(before)?;
                match self.word(before) as c_int {
                    // There is no such descriptor.
                    same if same == begins && self.held.is_empty() => Ok(false),
                    taken => find::begins_inside_by(taken, path, last),
                }
            }
        }
    }

    /// Whether a named pipe is to be opened: which argument is to name its meeting place, and that. Who opens one may
    /// have to wait, and only the caller itself can.
    pub fn pipe(&self) -> Result<Option<(usize, CString)>, Errno> {
        let Makes::Open(_) = self.call.makes else { return Ok(None) };
        let at = self.call.arguments.iter().position(|argument| *argument == Argument::Path);
        let (Some(at), Some(path), Some(given)) = (at, self.path(), session::given()) else {
            return Ok(None);
        };
        let begins = at.checked_sub(1).map_or(CWD, |before| self.word(before) as c_int);
        let flags = self.open_flags();
        if flags & libc::O_PATH != 0
            || flags & (libc::O_CREAT | libc::O_EXCL) == libc::O_CREAT | libc::O_EXCL
        {
            return Ok(None);
        }
        let mut work = Work::default();
        let follow = flags & libc::O_NOFOLLOW == 0;
        let Ok(Answer::Ours(node)) = find::node(begins, Some(path), follow, &mut work) else {
            return Ok(None);
        };
        let mode = node.attributes()?.mode;
        if Kind::of_mode(mode) != Some(Kind::Fifo) || flags & libc::O_DIRECTORY != 0 {
            return Ok(None);
        }
        open::permitted(&node, mode, OFlags::from_bits_retain(flags as u32))?;
        pipes::meeting_place(given, node.number()?).map(|path| Some((at, path)))
    }

    /// Whether the call only looks, and at a symlink in the last place itself.
    fn means_links(&self) -> bool {
        let nofollow = |at| self.word(at) as c_int & libc::AT_SYMLINK_NOFOLLOW != 0;
        match self.call.number {
            libc::SYS_lstat | libc::SYS_readlink | libc::SYS_readlinkat => true,
            libc::SYS_newfstatat => nofollow(3),
            libc::SYS_statx => nofollow(2),
            _ => self.open_flags() & libc::O_NOFOLLOW != 0,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.call.makes, Makes::Open(_))
    }

    /// open's flags.
    fn open_flags(&self) -> c_int {
        match self.call.makes {
            Makes::Open(CREAT) => libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC,
            Makes::Open(at) if self.call.number == libc::SYS_openat2 => {
                let mut flags = [0; 8];
                self.told.read(self.word(at), &mut flags);
                u64::from_ne_bytes(flags) as c_int
            }
            Makes::Open(at) => self.word(at) as c_int,
            _ => 0,
        }
    }

    /// Does it.
    pub fn call(&mut self) -> Result<Reply, Errno> {
        if self.call.number == libc::SYS_name_to_handle_at {
            return Err(Errno::OPNOTSUPP);
        }
        let flags = self.open_flags();
        let makes = match self.call.makes {
            Makes::New => true,
            Makes::Open(_) => flags & (libc::O_CREAT | libc::O_TMPFILE & !libc::O_DIRECTORY) != 0,
            Makes::Nothing => false,
        };
        if makes {
            client::set_umask(caller::umask(self.told));
            if self.call.makes != Makes::New {
                caller::has_room(self.told)?;
            }
        }
        self.fill()?;
        contents::looks(only_looks(self.call.number));
        let result = abi::answer(self.call.number, self.words);
        contents::looks(false);
        let result = result?;
        self.give(result)?;
        if !matches!(self.call.makes, Makes::Open(_)) {
            return Ok(Reply::Value(result));
        }
        let file = own(c_int::try_from(result).map_err(|_| Errno::BADF)?);
        if flags & libc::O_PATH != 0 {
            // The kernel gives away only what is open for more: whoever asks opens it again, by the name of what it is.
            let mut buffer = [0; PATH_MAX];
            let length = descriptor::path(file.as_raw_fd(), &mut buffer).ok_or(Errno::NOENT)?;
            let path = CString::new(buffer.get(..length).unwrap_or_default());
            let at = self.call.arguments.iter().position(|argument| *argument == Argument::Path);
            return Ok(Reply::Again(at.unwrap_or(0), path.map_err(|_| Errno::NOENT)?));
        }
        Ok(Reply::Descriptor(file, (flags & libc::O_CLOEXEC) as u32))
    }

    /// Puts the arguments where the call finds them.
    fn fill(&mut self) -> Result<(), Errno> {
        for at in 0..self.texts.len() {
            if let Some((place, text)) = self.texts.get(at) {
                let (place, address) = (*place, text.as_ptr().expose_provenance());
                self.put(place, address);
            }
        }
        for (at, argument) in self.call.arguments.iter().enumerate() {
            let (size, read) = match argument {
                Argument::Bytes(size) => (*size, true),
                Argument::BytesOf(other) => (self.word(*other), true),
                Argument::Into(size) => (*size, false),
                Argument::Room(other) => (self.word(*other), false),
                _ => continue,
            };
            let address = self.word(at);
            if address == 0 {
                continue;
            }
            if read && size > LARGEST {
                return Err(Errno::TOOBIG);
            }
            let size = size.min(LARGEST);
            let mut room = vec![0_u64; size.div_ceil(8).max(1)];
            if read {
                let mut bytes = vec![0; size];
                if self.told.read(address, &mut bytes) != size {
                    return Err(Errno::FAULT);
                }
                for (place, part) in room.iter_mut().zip(bytes.chunks(8)) {
                    let mut word = [0; 8];
                    word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
                    *place = u64::from_ne_bytes(word);
                }
            }
            let place = room.as_mut_ptr().expose_provenance();
            self.rooms.push((at, room));
            self.put(at, place);
            if let Argument::Room(other) | Argument::BytesOf(other) = argument {
                let size = size.min(self.word(*other));
                self.put(*other, size);
            }
        }
        Ok(())
    }

    /// Gives the caller what the call has written.
    fn give(&self, result: i64) -> Result<(), Errno> {
        for (at, room) in &self.rooms {
            let length = match self.call.arguments.get(*at) {
                Some(Argument::Into(size)) => *size,
                // Of an attribute without room only the size was asked for.
                Some(Argument::Room(other)) if self.word(*other) > 0 => {
                    usize::try_from(result).unwrap_or(0)
                }
                _ => continue,
            };
            let bytes: Vec<u8> =
                room.iter().flat_map(|word| word.to_ne_bytes()).take(length).collect();
            self.told.write(self.told.words.get(*at).copied().unwrap_or(0), &bytes)?;
        }
        Ok(())
    }
}
