//! Covering a process that is about to become a program in which no library can be: its calls on paths are told to
//! `vrift run`, which answers them (`crate::answer`), in it and in all that it starts.
//!
//! This is done between fork and exec, maybe on the parent's stack: nothing is kept, no memory is taken.

use std::ffi::c_long;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use libc::{sock_filter, sock_fprog};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, connect, sendmsg, socket_with,
};

use super::errno;
use super::fd::{Brief, own};
use super::marked::MARK;

/// Numbers of calls that are told, at most: a jump is told in a byte.
const MOST: usize = 200;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const END: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
const TOLD: u32 = libc::SECCOMP_RET_USER_NOTIF;
const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

/// The machine whose calls have these numbers: AUDIT_ARCH_X86_64.
const MACHINE: u32 = 0xc000_003e;

/// Where the machine, the number and the two halves of the sixth argument stand in what a filter sees.
const AT_MACHINE: u32 = 4;
const AT_NUMBER: u32 = 0;
const AT_MARK: [u32; 2] = [56, 60];

/// Why a process is not covered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Uncovered {
    /// Somebody else listens to this process already: it may be the same run.
    Taken,
    /// Nobody takes listeners in, or the machine forbids it.
    Refused,
}

/// Has the calls `told` of this process told to who takes listeners in under `name`; `refused` are ENOSYS.
pub fn cover(name: &[u8], told: &[c_long], refused: &[c_long]) -> Result<(), Uncovered> {
    errno::kept(|| {
        // First the way there: a filter cannot be taken back.
        let way = way(name).map_err(|_| Uncovered::Refused)?;
        let listener = listen(told, refused).map_err(|errno| match errno {
            Errno::BUSY => Uncovered::Taken,
            _ => Uncovered::Refused,
        })?;
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut room);
        let handed = [listener.as_fd()];
        control.push(SendAncillaryMessage::ScmRights(&handed));
        // If the run has ended meanwhile, all these calls fail from here on, as they do when it ends later.
        let _ = sendmsg(
            way.as_fd(),
            &[rustix::io::IoSlice::new(b"l")],
            &mut control,
            SendFlags::NOSIGNAL,
        );
        Ok(())
    })
}

fn way(name: &[u8]) -> Result<Brief, Errno> {
    let address = SocketAddrUnix::new_abstract_name(name)?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let socket = Brief::new(socket);
    connect(socket.as_fd(), &address)?;
    Ok(socket)
}

/// Sets the filter; its listener.
fn listen(told: &[c_long], refused: &[c_long]) -> Result<Brief, Errno> {
    let mut filter = [statement(END, ALLOWED); MOST + 16];
    let count = fill(&mut filter, told, refused).ok_or(Errno::TOOBIG)?;
    let length = u16::try_from(count).map_err(|_| Errno::TOOBIG)?;
    let program = sock_fprog { len: length, filter: filter.as_mut_ptr() };
    // Until a call that was taken up is answered only a kill interrupts it (since Linux 5.19): it may have happened.
    let listens = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let killable = listens | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let set = |flags| match set(flags, &program) {
        // Who may gain no rights may set filters.
        Err(Errno::ACCESS) => {
            rustix::thread::set_no_new_privs(true)?;
            set(flags, &program)
        }
        other => other,
    };
    match set(killable) {
        Err(Errno::INVAL) => set(listens),
        other => other,
    }
}

fn set(flags: libc::c_ulong, program: &sock_fprog) -> Result<Brief, Errno> {
    // SAFETY: the kernel reads the program, which has as many instructions as it says.
    let listener = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            program as *const sock_fprog,
        )
    };
    match i32::try_from(listener) {
        Ok(listener) if listener >= 0 => Ok(Brief::new(own(listener))),
        _ => Err(errno::last()),
    }
}

/// How many instructions it has; `None`: they are too many.
fn fill(filter: &mut [sock_filter], told: &[c_long], refused: &[c_long]) -> Option<usize> {
    let numbers = told.len() + refused.len();
    if numbers > MOST {
        return None;
    }
    // The ends stand behind the comparisons: allowed, refused, told. Arguments are looked at last: the kernel asks no filter about
    // a number that this allows whatever its arguments are. What has the library's mark is allowed as well.
    let head = [
        statement(LOAD, AT_MACHINE),
        jump(MACHINE, 1, 0),
        statement(END, ALLOWED),
        statement(LOAD, AT_NUMBER),
    ];
    let compare = |(at, (number, end)): (usize, (&c_long, usize))| {
        let distance = numbers - at - 1 + end;
        jump(*number as u32, u8::try_from(distance).unwrap_or(u8::MAX), 0)
    };
    let told = told.iter().map(|number| (number, 2));
    let compares = told.chain(refused.iter().map(|number| (number, 1))).enumerate().map(compare);
    let [low, high] = AT_MARK;
    let ends = [
        statement(END, ALLOWED),
        statement(END, REFUSED),
        statement(LOAD, low),
        jump(MARK as u32, 0, 3),
        statement(LOAD, high),
        jump((MARK >> 32) as u32, 0, 1),
        statement(END, ALLOWED),
        statement(END, TOLD),
    ];
    let mut count = 0;
    for (place, instruction) in filter.iter_mut().zip(head.into_iter().chain(compares).chain(ends))
    {
        *place = instruction;
        count += 1;
    }
    (count == head.len() + numbers + ends.len()).then_some(count)
}

fn statement(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

fn jump(k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: IF_EQUAL, jt, jf, k }
}
