//! Processes whose calls are told to this one: what they ask, their memory, the answer.

use std::ffi::{c_int, c_long, c_void};
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null;
use std::time::{Duration, Instant};

use libc::{iovec, seccomp_notif, seccomp_notif_addfd, seccomp_notif_resp, user_regs_struct};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::errno;

/// The size of a page, at least: memory ends at the end of one.
const PAGE: usize = 4096;

/// A call that waits for its answer.
#[derive(Clone, Copy)]
pub struct Told {
    /// What the answer refers to.
    id: u64,
    /// The thread that calls, and waits.
    pub thread: u32,
    /// Where its code calls.
    pub place: u64,
    /// Which call it is.
    pub number: c_long,
    /// Its arguments.
    pub words: [usize; 6],
}

/// What a call returns.
#[derive(Clone, Copy)]
pub enum Said {
    /// What the kernel says when it does it.
    Kernel,
    /// This.
    Value(c_long),
    /// This error.
    Error(c_int),
}

fn result(returned: c_int) -> Result<c_int, Errno> {
    if returned < 0 { Err(errno::last()) } else { Ok(returned) }
}

/// Who waits for an answer is to go on where it is given (since Linux 6.6), for then there is nothing else to do there.
pub fn wake_here(listener: BorrowedFd<'_>) {
    // _IOW('!', 4, u64), and its one flag.
    const SET_FLAGS: libc::Ioctl = 0x4008_2104;
    const SYNC_WAKE_UP: libc::c_ulong = 1;
    // SAFETY: a number.
    let _ = unsafe { libc::ioctl(listener.as_raw_fd(), SET_FLAGS, SYNC_WAKE_UP) };
}

/// Waits for the next call; `None`: there will be none.
pub fn next(listener: BorrowedFd<'_>) -> Option<Told> {
    loop {
        let mut waiting = [PollFd::from_borrowed_fd(listener, PollFlags::IN)];
        match poll(&mut waiting, None) {
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Err(_) => return None,
            Ok(_) => {}
        }
        let [waiting] = waiting;
        if !waiting.revents().contains(PollFlags::IN) {
            return None;
        }
        // SAFETY: integers, which are all zero, as the kernel wants to find it.
        let mut told: seccomp_notif = unsafe { zeroed() };
        // SAFETY: the kernel writes a notification there.
        let taken = unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut told)
        };
        match result(taken) {
            Ok(_) => {
                let words = told.data.args.map(|word| word as usize);
                let (number, place) = (c_long::from(told.data.nr), told.data.instruction_pointer);
                return Some(Told { id: told.id, thread: told.pid, place, number, words });
            }
            // It was killed before it was taken up.
            Err(Errno::NOENT | Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

impl Told {
    /// Whether it still waits: if so, the thread's number is still its own.
    pub fn is_waiting(&self, listener: BorrowedFd<'_>) -> bool {
        // SAFETY: the kernel reads a number.
        let valid = unsafe {
            libc::ioctl(
                listener.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
                &raw const self.id,
            )
        };
        result(valid).is_ok()
    }

    /// Answers it. It may be gone meanwhile.
    pub fn answer(&self, listener: BorrowedFd<'_>, said: Said) {
        let (val, error, flags) = match said {
            Said::Kernel => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Said::Value(value) => (value, 0, 0),
            Said::Error(errno) => (0, -errno, 0),
        };
        let answer = seccomp_notif_resp { id: self.id, val, error, flags };
        // SAFETY: the kernel reads the answer.
        let _ = unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer)
        };
    }

    /// Answers it with a descriptor of this process's.
    pub fn hand_out(&self, listener: BorrowedFd<'_>, descriptor: BorrowedFd<'_>, flags: u32) {
        let source = descriptor.as_raw_fd().unsigned_abs();
        let adds = |how: c_int| {
            let add = seccomp_notif_addfd {
                id: self.id,
                flags: how as u32,
                srcfd: source,
                newfd: 0,
                newfd_flags: flags,
            };
            // SAFETY: the kernel reads it.
            result(unsafe {
                libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw const add)
            })
        };
        let added = match adds(libc::SECCOMP_ADDFD_FLAG_SEND as c_int) {
            // Before Linux 5.14 these are two steps.
            Err(Errno::INVAL) => {
                adds(0).map(|number| self.answer(listener, Said::Value(number.into())))
            }
            other => other.map(|_| ()),
        };
        if let Err(errno) = added {
            self.answer(listener, Said::Error(errno.raw_os_error()));
        }
    }

    /// How many descriptors who calls may have, if that can be asked.
    pub fn most_descriptors(&self) -> Option<u64> {
        let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the kernel writes there, and reads nothing.
        let asked = unsafe {
            libc::prlimit64(self.thread as c_int, libc::RLIMIT_NOFILE, null(), &raw mut limit)
        };
        result(asked).ok().map(|_| limit.rlim_cur)
    }

    /// Reads memory at `address`, as far as there is some; how much.
    pub fn read(&self, address: usize, room: &mut [u8]) -> usize {
        let mut length = 0;
        while length < room.len() {
            let at = address.wrapping_add(length);
            let part = room.len().saturating_sub(length).min(PAGE - at % PAGE);
            let Some(to) = room.get_mut(length..length + part) else { break };
            let local = iovec { iov_base: to.as_mut_ptr().cast(), iov_len: part };
            let remote = iovec { iov_base: at as *mut c_void, iov_len: part };
            // SAFETY: the room is written to as far as it goes; the address is the other process's.
            let read = unsafe {
                libc::process_vm_readv(
                    self.thread as c_int,
                    &raw const local,
                    1,
                    &raw const remote,
                    1,
                    0,
                )
            };
            match usize::try_from(read) {
                Ok(read) if read > 0 => length += read,
                _ => break,
            }
        }
        length
    }

    /// Writes all of `bytes` to memory: EFAULT.
    pub fn write(&self, address: usize, bytes: &[u8]) -> Result<(), Errno> {
        let mut left = bytes;
        let mut at = address;
        while !left.is_empty() {
            let local = iovec { iov_base: left.as_ptr().cast_mut().cast(), iov_len: left.len() };
            let remote = iovec { iov_base: at as *mut c_void, iov_len: left.len() };
            // SAFETY: the bytes are only read; the address is the other process's.
            let written = unsafe {
                libc::process_vm_writev(
                    self.thread as c_int,
                    &raw const local,
                    1,
                    &raw const remote,
                    1,
                    0,
                )
            };
            match usize::try_from(written) {
                Ok(written) if written > 0 => {
                    left = left.get(written..).unwrap_or_default();
                    at = at.wrapping_add(written);
                }
                _ => return Err(Errno::FAULT),
            }
        }
        Ok(())
    }

    /// Has the call done again with other arguments: `make` is told where there is room for `size` bytes in the memory of
    /// who calls, and says the bytes and the arguments. EACCES: somebody else traces it, or it cannot be traced.
    ///
    /// The kernel has no answer that changes an argument. So the thread is stopped, its call undone, and told again.
    pub fn again(
        &self,
        listener: BorrowedFd<'_>,
        size: usize,
        make: impl FnOnce(usize) -> (Vec<u8>, [usize; 6]),
    ) -> Result<(), Errno> {
        let traced = Traced::stop(self, listener)?;
        let failed = traced.change(self, size, make).is_err();
        if failed {
            traced.fail(self.number, Errno::NOMEM);
        }
        traced.go();
        Ok(())
    }
}

/// That the call is to be made again, for whoever looks before a thread goes on.
const AGAIN: c_int = 513;

/// How long a thread may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread that is stopped.
struct Traced(c_int);

/// `what`: the C libraries disagree on its sign, some also with themselves.
fn trace(what: impl Into<i64>, thread: c_int, address: usize, data: usize) -> Result<(), Errno> {
    let (address, data) = (address as *mut c_void, data as *mut c_void);
    // SAFETY: whoever calls this passes addresses of memory that `what` may use.
    let done = unsafe { libc::ptrace(what.into() as _, thread, address, data) };
    if done < 0 { Err(errno::last()) } else { Ok(()) }
}

impl Traced {
    fn stop(told: &Told, listener: BorrowedFd<'_>) -> Result<Traced, Errno> {
        let thread = told.thread as c_int;
        let options = libc::PTRACE_O_TRACESYSGOOD as usize;
        trace(libc::PTRACE_SEIZE, thread, 0, options).map_err(|_| Errno::ACCESS)?;
        let traced = Traced(thread);
        trace(libc::PTRACE_INTERRUPT, thread, 0, 0).map_err(|_| Errno::ACCESS)?;
        // It comes back from its call, and stops before anything else.
        told.answer(listener, Said::Error(AGAIN));
        traced.wait()?;
        Ok(traced)
    }

    /// Waits until it has stopped: the kernel then says its registers. (Who waits for children in the ordinary way could
    /// take the news from another thread of this process, and does.)
    fn wait(&self) -> Result<user_regs_struct, Errno> {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            match self.registers() {
                Ok(registers) => return Ok(registers),
                Err(Errno::SRCH) if begun.elapsed() < PATIENCE => {}
                Err(errno) => return Err(errno),
            }
            tries += 1;
            if tries < 200 {
                std::thread::yield_now();
            } else {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    fn registers(&self) -> Result<user_regs_struct, Errno> {
        // SAFETY: integers.
        let mut registers: user_regs_struct = unsafe { zeroed() };
        trace(libc::PTRACE_GETREGS, self.0, 0, (&raw mut registers).addr())?;
        Ok(registers)
    }

    fn set(&self, registers: &user_regs_struct) -> Result<(), Errno> {
        trace(libc::PTRACE_SETREGS, self.0, 0, (&raw const *registers).addr())
    }

    /// Signals that wait for the program, and the mask instead.
    fn mask(&self, mask: u64) -> Result<u64, Errno> {
        let mut before = 0_u64;
        let size = size_of::<u64>();
        trace(libc::PTRACE_GETSIGMASK, self.0, size, (&raw mut before).addr())?;
        trace(libc::PTRACE_SETSIGMASK, self.0, size, (&raw const mask).addr())?;
        Ok(before)
    }

    fn change(
        &self,
        told: &Told,
        size: usize,
        make: impl FnOnce(usize) -> (Vec<u8>, [usize; 6]),
    ) -> Result<(), Errno> {
        let before = self.registers()?;
        let mask = self.mask(u64::MAX)?;
        let made = self.room(&before, size).and_then(|room| {
            let (bytes, words) = make(room);
            told.write(room, &bytes).map(|()| words)
        });
        self.mask(mask)?;
        let words = made?;
        let mut after = before;
        let [a, b, c, d, e, f] = words.map(|word| word as u64);
        (after.rdi, after.rsi, after.rdx, after.r10, after.r8, after.r9) = (a, b, c, d, e, f);
        call(&mut after, told.number);
        self.set(&after)
    }

    /// Lets it take room for `size` bytes: where.
    fn room(&self, before: &user_regs_struct, size: usize) -> Result<usize, Errno> {
        let mut asks = *before;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        (asks.rdi, asks.rsi, asks.rdx) =
            (0, size as u64, (libc::PROT_READ | libc::PROT_WRITE) as u64);
        (asks.r10, asks.r8, asks.r9) = (kind as u64, u64::MAX, 0);
        call(&mut asks, libc::SYS_mmap);
        self.set(&asks)?;
        // Into the call, and out of it.
        for _ in 0..2 {
            trace(libc::PTRACE_SYSCALL, self.0, 0, 0)?;
            self.wait()?;
        }
        let room = self.registers()?.rax as usize;
        if room > usize::MAX - PAGE { Err(Errno::NOMEM) } else { Ok(room) }
    }

    /// The call has failed after all.
    fn fail(&self, number: c_long, errno: Errno) {
        if let Ok(mut registers) = self.registers() {
            registers.orig_rax = u64::MAX;
            registers.rax = i64::from(-errno.raw_os_error()) as u64;
            let _ = (number, self.set(&registers));
        }
    }

    fn go(&self) {
        let _ = trace(libc::PTRACE_DETACH, self.0, 0, 0);
    }
}

/// Puts it before its call again, which is `number` now. The instruction has two bytes.
fn call(registers: &mut user_regs_struct, number: c_long) {
    registers.rip = registers.rip.wrapping_sub(2);
    registers.rax = number as u64;
    registers.orig_rax = u64::MAX;
}
