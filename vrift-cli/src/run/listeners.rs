//! Taking in the listeners of programs that no library is in, each of which a thread then answers.

use std::cell::RefCell;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketAddrUnix,
    SocketFlags, SocketType, bind, recvmsg, socket_with,
};
use vrift_manifest::handover::{Handover, SESSION_VARIABLE};
use vrift_manifest::listener;

use super::environment::PRELOAD;
use super::host;

/// Bytes of a thread's stack: paths lie on it, several deep.
const STACK: usize = 1 << 20;

/// Where listeners come in.
#[derive(Debug)]
pub struct Listeners {
    socket: OwnedFd,
    /// Can be read when one of them is not answered any more.
    ended: Arc<OwnedFd>,
    /// Those that came, as long as they are answered.
    held: RefCell<Vec<Weak<Listener>>>,
    handed: Arc<CString>,
    library: Arc<CString>,
}

#[derive(Debug)]
struct Listener {
    file: OwnedFd,
    ended: Arc<OwnedFd>,
}

impl Listener {
    /// Whether there is a process that could ask.
    fn is_used(&self) -> bool {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut waiting = [PollFd::new(&self.file, PollFlags::empty())];
        let _ = poll(&mut waiting, Some(&none));
        let [waiting] = waiting;
        !waiting.revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Full, it can be read as well.
        let _ = rustix::io::write(&self.ended, &1_u64.to_ne_bytes());
    }
}

/// What a thread needs to answer.
#[derive(Clone)]
struct Duty {
    listener: Arc<Listener>,
    handed: Arc<CString>,
    library: Arc<CString>,
}

impl Duty {
    /// Starts a thread for it; whether there is one.
    fn begin(self) -> bool {
        let work = move || {
            let again = || self.clone().begin();
            host::answer(self.listener.file.as_fd(), &self.handed, &self.library, &again);
        };
        thread::Builder::new().name("answer".to_owned()).stack_size(STACK).spawn(work).is_ok()
    }
}

impl Listeners {
    /// Opens the place; `None`: it cannot be, and such programs are named at the end as those that could not be seen.
    pub fn open(handover: &Handover, library: &Path) -> Option<Listeners> {
        // This process is a program of an outer run. The library is in it, and answers from that one's tree.
        let is_set = |name: &str| std::env::var_os(name).is_some();
        if is_set(SESSION_VARIABLE) && is_set(PRELOAD) {
            return None;
        }
        let name = listener::name(handover.id.as_bytes(), handover.run);
        let opened = || -> Result<OwnedFd, Errno> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
            bind(&socket, &SocketAddrUnix::new_abstract_name(&name)?)?;
            Ok(socket)
        };
        let handed = format!("{SESSION_VARIABLE}={}", handover.to_text());
        let (handed, library) =
            (CString::new(handed), CString::new(library.as_os_str().as_bytes()));
        let (handed, library) = (Arc::new(handed.ok()?), Arc::new(library.ok()?));
        let ended = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?);
        Some(Listeners { socket: opened().ok()?, ended, held: RefCell::default(), handed, library })
    }

    /// Takes in what has come.
    pub fn take(&self) {
        while let Some(taken) = self.receive() {
            for listener in taken {
                let (handed, library) = (self.handed.clone(), self.library.clone());
                let listener = Arc::new(Listener { file: listener, ended: self.ended.clone() });
                let mut held = self.held.borrow_mut();
                held.retain(|listener| listener.strong_count() > 0);
                held.push(Arc::downgrade(&listener));
                // Without a thread the listener is closed, and the calls fail.
                Duty { listener, handed, library }.begin();
            }
        }
    }

    /// Whether there is a process that could ask. (Before Linux 5.9 the kernel does not tell; then whatever was answered once
    /// counts.)
    pub fn are_used(&self) -> bool {
        // What was told by the descriptor is looked at from here on.
        let _ = rustix::io::read(&self.ended, &mut [0; 8]);
        self.held.borrow().iter().filter_map(Weak::upgrade).any(|listener| listener.is_used())
    }

    /// What tells that one is not answered any more.
    pub fn ended(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }

    fn receive(&self) -> Option<Vec<OwnedFd>> {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let mut byte = [0];
        let mut bytes = [rustix::io::IoSliceMut::new(&mut byte)];
        loop {
            match recvmsg(&self.socket, &mut bytes, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => continue,
                Err(_) => return None,
                Ok(_) => break,
            }
        }
        let rights = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files),
            _ => None,
        });
        Some(rights.flatten().collect())
    }
}

impl AsFd for Listeners {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
