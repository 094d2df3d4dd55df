//! Descriptors of the program.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::{DupFlags, Errno, dup3};

use super::errno;

use super::next::Next;

/// The descriptor, to be asked about or worked on in one system call; the program may close it at any time, and the
/// kernel then says so.
pub fn borrow(descriptor: c_int) -> Option<BorrowedFd<'static>> {
    if descriptor < 0 {
        return None;
    }
    // SAFETY: not -1. It is only handed to system calls, which check it; nothing is kept or closed by it.
    Some(unsafe { BorrowedFd::borrow_raw(descriptor) })
}

/// Closes a descriptor that was made for the program and is not handed out after all, or never was to be.
pub fn close_own(descriptor: c_int) {
    if descriptor >= 0 {
        // SAFETY: it is this library's: the program has not seen its number.
        let _ = unsafe { rustix::io::try_close(descriptor) };
    }
}

/// Closes a descriptor that belonged to an object of the program's, which has just ended.
pub fn close_owned(descriptor: c_int) -> Result<(), rustix::io::Errno> {
    if descriptor < 0 {
        return Err(rustix::io::Errno::BADF);
    }
    // SAFETY: by asking for this the program has given it up.
    unsafe { rustix::io::try_close(descriptor) }
}

/// A descriptor that was opened a moment ago for the program, and that the program has not been told of.
pub fn own(descriptor: c_int) -> OwnedFd {
    // SAFETY: whoever calls this opened it, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// Opens what may have to be waited for, as the program would: it may be cancelled meanwhile, so nothing that has to be
/// put right may be at hand.
pub fn open_waiting(path: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
    static NEXT: Next = Next::new();
    type Open = extern "C" fn(c_int, *const c_char, c_int, c_int) -> c_int;
    // SAFETY: the next definition of openat is called as C calls it: a variadic integer is passed as any other.
    let open = unsafe { core::mem::transmute::<*mut c_void, Open>(NEXT.get(c"openat")) };
    let before = errno::get();
    let opened = open(libc::AT_FDCWD, path.as_ptr(), flags.bits() as c_int, 0);
    if opened < 0 {
        return Err(errno::last());
    }
    errno::put(before);
    Ok(own(opened))
}

/// Makes the program's `descriptor` one of `file`.
pub fn replace(file: impl AsFd, descriptor: c_int, close_on_exec: bool) -> Result<(), Errno> {
    if descriptor < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: the number is the program's, which has it open and goes on using it; it is never closed by this value.
    let mut number = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(descriptor) });
    let flags = if close_on_exec { DupFlags::CLOEXEC } else { DupFlags::empty() };
    dup3(file, &mut number, flags)
}

/// The numbers of the commands, the same on all of Linux; the crate `libc` leaves them out.
const F_SETSIG: c_int = 10;
const F_GETSIG: c_int = 11;

/// Leaves a mark, of 1 to 64, with what is open as a descriptor, for whoever has it after this process or beside it. It is
/// kept as the signal that would tell of input if anybody asked for that, which regular files have not.
pub fn set_mark(file: BorrowedFd<'_>, mark: u8) {
    errno::kept(|| {
        // SAFETY: a command that takes a number, on a descriptor that the borrow keeps open.
        unsafe {
            libc::syscall(libc::SYS_fcntl, file.as_raw_fd(), F_SETSIG, libc::c_long::from(mark))
        }
    });
}

/// The mark that was left, if there is one.
pub fn mark(file: BorrowedFd<'_>) -> Option<u8> {
    let mark = errno::kept(|| {
        // SAFETY: as above, without an argument.
        unsafe { libc::syscall(libc::SYS_fcntl, file.as_raw_fd(), F_GETSIG, 0) }
    });
    u8::try_from(mark).ok().filter(|&mark| mark != 0)
}

/// A descriptor of our own for a moment: closed by the kernel alone, not by the hook that looks at what is closed.
pub struct Brief(ManuallyDrop<OwnedFd>);

impl Brief {
    /// Takes it over.
    pub fn new(descriptor: OwnedFd) -> Brief {
        Brief(ManuallyDrop::new(descriptor))
    }
}

impl AsFd for Brief {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Brief {
    fn drop(&mut self) {
        // SAFETY: it is owned, and nobody sees it after this.
        let _ = unsafe { rustix::io::try_close(self.0.as_raw_fd()) };
    }
}
