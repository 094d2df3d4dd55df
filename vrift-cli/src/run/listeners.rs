//! Taking in the listeners of programs that no library is in, each of which a thread then answers.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

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
    handed: Arc<CString>,
    library: Arc<CString>,
}

/// What a thread needs to answer.
#[derive(Clone)]
struct Duty {
    listener: Arc<OwnedFd>,
    handed: Arc<CString>,
    library: Arc<CString>,
}

impl Duty {
    /// Starts a thread for it; whether there is one.
    fn begin(self) -> bool {
        let work = move || {
            let again = || self.clone().begin();
            host::answer(self.listener.as_fd(), &self.handed, &self.library, &again);
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
        Some(Listeners { socket: opened().ok()?, handed, library })
    }

    /// Takes in what has come.
    pub fn take(&self) {
        while let Some(taken) = self.receive() {
            for listener in taken {
                let (handed, library) = (self.handed.clone(), self.library.clone());
                // Without a thread the listener is closed, and the calls fail.
                Duty { listener: Arc::new(listener), handed, library }.begin();
            }
        }
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
