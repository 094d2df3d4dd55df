//! Sockets with names in the tree: AF_UNIX.
//!
//! The node is a socket of the tree; the meeting place is a real one beside the placeholders, `NODE.socket`. By which
//! name it was bound is kept beside that, as the target of the symlink `NODE.name`: getsockname and its relatives say
//! just that name, wherever the node has moved meanwhile. When the node has gone its meeting place is nobody's: numbers
//! are not used again, and what is bound lives as long as it is open.

use std::ffi::{CStr, c_int};
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};
use vrift_manifest::attributes::Kind;
use vrift_manifest::name::{NAME_MAX, NameBuf};
use vrift_manifest::places;
use vrift_manifest::tree::Change;
use vrift_manifest::tree::path::{PATH_MAX, Scratch};

use super::descriptor::borrow;
use super::find::{self, Name, Work};
use super::session::{self, Given};
use super::{Answer, who};

/// The longest path in an address.
pub const LONGEST: usize = 108;
/// Bytes before the path: the family.
pub const HEAD: usize = 2;

const SUFFIX: &[u8] = b".socket";
const NAME_SUFFIX: &[u8] = b".name";
/// A way to a directory whose own path is too long for an address.
const BY_DESCRIPTOR: &[u8] = b"/proc/self/fd/";

/// The path in a socket's address, if it has one: neither without a name nor abstract.
pub fn path(address: &[u8]) -> Option<&[u8]> {
    let (family, path) = address.split_at_checked(HEAD)?;
    let path = path.get(..path.iter().position(|&byte| byte == 0).unwrap_or(path.len()))?;
    let named = family == (libc::AF_UNIX as u16).to_ne_bytes() && !path.is_empty();
    (named && path.len() <= LONGEST).then_some(path)
}

/// The address of a meeting place.
pub struct Address {
    bytes: [u8; HEAD + LONGEST],
    length: usize,
    /// What the path leads through.
    _way: Option<OwnedFd>,
}

impl Address {
    /// The address in C's form.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Whether it is a socket that can have such a name. If not the kernel says what it is.
pub fn takes_paths(socket: c_int) -> bool {
    borrow(socket)
        .and_then(sockopt::socket_domain)
        .is_ok_and(|domain| domain == AddressFamily::UNIX)
}

/// Whether each message that it sends can go to another name. If not the kernel says what it is, and looks for none.
pub fn sends_to_names(socket: c_int) -> bool {
    borrow(socket)
        .and_then(sockopt::socket_type)
        .is_ok_and(|kind| matches!(kind, SocketType::DGRAM | SocketType::RAW))
}

/// Where the kernel is to go, instead of where the program says.
pub enum Way {
    /// Where the program says.
    AsSaid,
    /// Outside the tree, by a path of its own.
    Outside(Address),
    /// A meeting place.
    Place(Address),
}

/// A name that is being bound.
pub struct Bound {
    given: &'static Given,
    parent: u64,
    name: NameBuf,
    node: u64,
}

/// bind(2): makes the node. The kernel's binding follows, and then [`Bound::done`].
pub fn bind(socket: c_int, path: &[u8]) -> Result<(Way, Option<Bound>), Errno> {
    if session::given().is_none() || !takes_paths(socket) {
        return Ok((Way::AsSaid, None));
    }
    let mut work = Work::default();
    let place = match find::place(find::CWD, Some(path), &mut work)? {
        Answer::Ours(place) => place,
        Answer::Elsewhere(path) => return Ok((Way::Outside(place_outside(path)?), None)),
        Answer::Kernel => return Ok((Way::AsSaid, None)),
    };
    if place.name != Name::Root {
        place.searched()?;
    }
    let Name::Ordinary(name) = place.name else { return Err(Errno::ADDRINUSE) };
    if name.len() > NAME_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    let tree = place.session.tree();
    let above = tree.attributes(place.parent).map_err(|_| Errno::IO)?;
    if Kind::of_mode(above.mode) != Some(Kind::Directory) {
        return Err(Errno::NOTDIR);
    }
    let who = who::credentials();
    who.need(&above, 1)?;
    if place.child()?.is_some() {
        return Err(Errno::ADDRINUSE);
    }
    if place.slash {
        return Err(Errno::NOENT);
    }
    who.need(&above, 3)?;
    let (given, parent) = (place.given, tree.number(place.parent).map_err(|_| Errno::IO)?);
    // What `fchmod` made of the socket is what its name gets.
    let own = borrow(socket).and_then(rustix::fs::fstat)?;
    let mode = Kind::Socket as u32 | who::masked(given, own.st_mode & 0o7777);
    let (uid, gid) = (who.uid, who.gid);
    let create = Change::Create { parent, name, mode, uid, gid, rdev: 0, target: b"" };
    let made = session::with(given, |session| session.change(&who::who(), &create));
    let node = match made {
        Err(Errno::EXIST) => return Err(Errno::ADDRINUSE),
        other => other?.node,
    };
    match address_of(given, node) {
        Ok(address) => {
            let bound = Bound { given, parent, name: NameBuf::of(name), node };
            Ok((Way::Place(address), Some(bound)))
        }
        Err(errno) => {
            remove(given, parent, name);
            Err(errno)
        }
    }
}

impl Bound {
    /// The kernel has bound it, under the name `path`, or not.
    pub fn done(self, path: &[u8], succeeded: bool) {
        if !succeeded {
            remove(self.given, self.parent, &self.name);
            return;
        }
        let mut buffer = Scratch::default();
        let buffer = buffer.bytes();
        if let Ok(link) = beside(self.given, self.node, NAME_SUFFIX, buffer) {
            let _ = rustix::fs::symlinkat(path, CWD, link);
        }
        // The node's mode is what counts, and was asked.
        if let Ok(real) = beside(self.given, self.node, SUFFIX, buffer) {
            let _ = rustix::fs::chmodat(
                CWD,
                real,
                Mode::from_raw_mode(0o600),
                rustix::fs::AtFlags::empty(),
            );
        }
    }
}

fn remove(given: &'static Given, parent: u64, name: &[u8]) {
    let unlink = Change::Unlink { parent, name };
    let _ = session::with(given, |session| session.change(&who::who(), &unlink));
}

/// connect(2), and what else is sent to a name: where the kernel is to send it.
pub fn peer(socket: c_int, path: &[u8]) -> Result<Way, Errno> {
    if !takes_paths(socket) {
        return Ok(Way::AsSaid);
    }
    let mut work = Work::default();
    let at = match find::node(find::CWD, Some(path), true, &mut work)? {
        Answer::Ours(at) => at,
        Answer::Elsewhere(path) => return peer_outside(path).map(Way::Outside),
        Answer::Kernel => return Ok(Way::AsSaid),
    };
    let attributes = at.session.tree().attributes(at.cursor).map_err(|_| Errno::IO)?;
    who::credentials().need(&attributes, 2)?;
    if Kind::of_mode(attributes.mode) != Some(Kind::Socket) {
        return Err(Errno::CONNREFUSED);
    }
    address_of(at.given, at.number()?).map(Way::Place)
}

/// A socket outside that the tree led to.
fn peer_outside(path: &CStr) -> Result<Address, Errno> {
    if path.count_bytes() < LONGEST {
        return address(path.to_bytes(), None);
    }
    let held = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    behind(held, format_args!(""))
}

/// A name outside that the tree led to, for a socket.
fn place_outside(path: &CStr) -> Result<Address, Errno> {
    let bytes = path.to_bytes();
    if bytes.len() < LONGEST {
        return address(bytes, None);
    }
    let slash = bytes.iter().rposition(|&byte| byte == b'/').ok_or(Errno::NAMETOOLONG)?;
    let (above, name) = bytes.split_at_checked(slash + 1).ok_or(Errno::NAMETOOLONG)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let way = rustix::fs::open(above, flags, Mode::empty())?;
    let mut text = [0; LONGEST];
    let mut rest = &mut text[..];
    write!(rest, "/proc/self/fd/{}/", way.as_raw_fd()).map_err(|_| Errno::NAMETOOLONG)?;
    rest.write_all(name).map_err(|_| Errno::NAMETOOLONG)?;
    let left = rest.len();
    address(text.get(..LONGEST - left).unwrap_or_default(), Some(way))
}

/// The name by which a meeting place was bound, if `path` is that of one; its length.
pub fn name_of(path: &[u8], buffer: &mut [u8; LONGEST]) -> Option<usize> {
    let given = session::given()?;
    let slash = path.iter().rposition(|&byte| byte == b'/')?;
    let node = number(path.get(slash + 1..)?.strip_suffix(SUFFIX)?)?;
    let above = path.get(..slash)?;
    let mut room = Scratch::default();
    let room = room.bytes();
    let (runtime, id) = (given.handover.runtime.as_os_str().as_bytes(), &given.handover.id);
    let directory = places::directory(runtime, id.as_bytes(), room).ok()?;
    if above != directory.to_bytes() && !above.starts_with(BY_DESCRIPTOR) {
        return None;
    }
    let link = beside(given, node, NAME_SUFFIX, room).ok()?;
    rustix::fs::readlinkat_raw(CWD, link, &mut buffer[..]).ok()
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The path of what is beside the placeholder of a node.
fn beside<'b>(
    given: &'static Given,
    node: u64,
    suffix: &[u8],
    buffer: &'b mut [u8; PATH_MAX],
) -> Result<&'b CStr, Errno> {
    let (runtime, id) = (given.handover.runtime.as_os_str().as_bytes(), &given.handover.id);
    let length = places::path(runtime, id.as_bytes(), node, buffer)?.count_bytes();
    let end = length + suffix.len();
    buffer.get_mut(length..end).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(suffix);
    *buffer.get_mut(end).ok_or(Errno::NAMETOOLONG)? = 0;
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::INVAL)
}

/// The address of the meeting place of a node.
fn address_of(given: &'static Given, node: u64) -> Result<Address, Errno> {
    let mut buffer = Scratch::default();
    let buffer = buffer.bytes();
    let (runtime, id) = (given.handover.runtime.as_os_str().as_bytes(), &given.handover.id);
    // The directory is there once a placeholder is.
    places::make(runtime, id.as_bytes(), node, buffer)?;
    let path = beside(given, node, SUFFIX, buffer)?;
    if path.count_bytes() < LONGEST {
        return address(path.to_bytes(), None);
    }
    let mut room = [0; PATH_MAX];
    let above = places::directory(runtime, id.as_bytes(), &mut room)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let way = rustix::fs::open(above, flags, Mode::empty())?;
    let suffix = std::str::from_utf8(SUFFIX).unwrap_or_default();
    behind(way, format_args!("/{node}{suffix}"))
}

/// The address of what is behind a descriptor.
fn behind(way: OwnedFd, rest_of_path: std::fmt::Arguments<'_>) -> Result<Address, Errno> {
    let mut text = [0; LONGEST];
    let mut rest = &mut text[..];
    write!(rest, "/proc/self/fd/{}{rest_of_path}", way.as_raw_fd())
        .map_err(|_| Errno::NAMETOOLONG)?;
    let left = rest.len();
    address(text.get(..LONGEST - left).unwrap_or_default(), Some(way))
}

/// The address of a path in C's form: the family, the path, a NUL.
fn address(path: &[u8], way: Option<OwnedFd>) -> Result<Address, Errno> {
    let mut bytes = [0; HEAD + LONGEST];
    let (family, room) = bytes.split_at_mut_checked(HEAD).ok_or(Errno::NAMETOOLONG)?;
    family.copy_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
    room.get_mut(..path.len()).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(path);
    let length = (HEAD + path.len() + 1).min(bytes.len());
    Ok(Address { bytes, length, _way: way })
}
