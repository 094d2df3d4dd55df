//! The few system calls that the lock needs and that no library offers without going through libc's names, which a
//! program (or our own hooks) may define.

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("the shared lock is written for Linux on x86-64 and aarch64");

/// A system call with four arguments; the result is negative errno on failure.
///
/// # Safety
/// The arguments must be valid for call `number`.
#[cfg(target_arch = "x86_64")]
pub unsafe fn syscall4(number: i64, a: usize, b: usize, c: usize, d: usize) -> isize {
    let result: isize;
    // SAFETY: the x86-64 Linux calling convention: number in rax, arguments in rdi rsi rdx r10; rcx and r11 are
    // clobbered; the caller vouches for the arguments.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// A system call with four arguments; the result is negative errno on failure.
///
/// # Safety
/// The arguments must be valid for call `number`.
#[cfg(target_arch = "aarch64")]
pub unsafe fn syscall4(number: i64, a: usize, b: usize, c: usize, d: usize) -> isize {
    let result: isize;
    // SAFETY: the aarch64 Linux calling convention: number in x8, arguments in x0..x3, result in x0; the caller
    // vouches for the arguments.
    unsafe {
        core::arch::asm!("svc 0", in("x8") number as isize, inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, options(nostack));
    }
    result
}

/// Opens the file whose path is `path`, with the NUL that it ends with: to read, by the kernel's own call.
#[inline]
pub fn open_to_read(path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    if path.last() != Some(&0) {
        return Err(Errno::INVAL);
    }
    let flags = flags.difference(OFlags::RWMODE | OFlags::CREATE | OFlags::TMPFILE);
    let flags = flags | OFlags::LARGEFILE;
    // SAFETY: the kernel reads the path up to its first NUL, and there is one in the slice. Of the flags none makes a file,
    // so the mode is not looked at.
    let result = unsafe {
        syscall4(
            libc::SYS_openat,
            libc::AT_FDCWD as usize,
            path.as_ptr() as usize,
            flags.bits() as usize,
            0,
        )
    };
    match i32::try_from(result) {
        // SAFETY: the kernel has just made the descriptor, and nobody else knows it.
        Ok(file @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(file) }),
        Ok(errno) => Err(Errno::from_raw_os_error(errno.wrapping_neg())),
        Err(_) => Err(Errno::IO),
    }
}

/// Closes a file by the kernel's own call.
pub fn close(file: OwnedFd) {
    // SAFETY: the descriptor is owned, and nobody has it after this.
    unsafe { syscall4(libc::SYS_close, file.into_raw_fd() as usize, 0, 0, 0) };
}

/// The kernel's `struct robust_list_head`: the list itself is not used by us, only `pending`.
#[repr(C)]
pub struct RobustHead {
    pub list: *mut RobustHead,
    pub futex_offset: isize,
    pub pending: *mut u8,
}

/// This thread's robust list head as the kernel knows it; null if none was registered.
pub fn robust_head() -> *mut RobustHead {
    let mut head: *mut RobustHead = core::ptr::null_mut();
    let mut length = 0usize;
    // SAFETY: both pointers are to live locals; thread 0 is the caller.
    let result = unsafe {
        syscall4(libc::SYS_get_robust_list, 0, &raw mut head as usize, &raw mut length as usize, 0)
    };
    if result < 0 { core::ptr::null_mut() } else { head }
}

/// Registers `head` (or none) as this thread's robust list.
///
/// # Safety
/// `head` must stay valid until it is replaced or the thread ends.
pub unsafe fn set_robust_head(head: *mut RobustHead) {
    // SAFETY: the caller keeps `head` alive; the size is the kernel's.
    unsafe {
        syscall4(libc::SYS_set_robust_list, head as usize, core::mem::size_of::<RobustHead>(), 0, 0)
    };
}

/// The kernel's signal mask: 64 signals.
#[derive(Clone, Copy)]
pub struct SignalMask(u64);

impl SignalMask {
    /// Blocks every signal and returns the mask that was in force.
    pub fn block_all() -> SignalMask {
        SignalMask(Self::change(u64::MAX))
    }

    /// Puts this mask in force.
    pub fn restore(self) {
        Self::change(self.0);
    }

    fn change(new: u64) -> u64 {
        let mut old = 0u64;
        // SAFETY: both pointers are to live locals of the 8 bytes that the last argument says.
        unsafe {
            syscall4(
                libc::SYS_rt_sigprocmask,
                libc::SIG_SETMASK as usize,
                &raw const new as usize,
                &raw mut old as usize,
                8,
            )
        };
        old
    }
}

/// The kernel's number of the calling thread: never cached, so that it is right after fork, vfork and clone.
pub fn thread_id() -> u32 {
    // SAFETY: gettid takes no arguments.
    (unsafe { syscall4(libc::SYS_gettid, 0, 0, 0, 0) }) as u32
}

/// Sleeps while `*word == value`, not for long. Any return means: look again.
pub fn futex_wait(word: &core::sync::atomic::AtomicU32, value: u32) {
    // Long enough to cost nothing, short enough for a lost wake-up: see `super::protocol::acquire`.
    let longest = libc::timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    // SAFETY: the word is a live, aligned u32, and so is the timeout, in the form that the kernel has on the two
    // targets.
    unsafe {
        syscall4(
            libc::SYS_futex,
            word.as_ptr() as usize,
            libc::FUTEX_WAIT as usize,
            value as usize,
            &raw const longest as usize,
        )
    };
}

/// Wakes one sleeper on `word`.
pub fn futex_wake_one(word: &core::sync::atomic::AtomicU32) {
    // SAFETY: the word is a live, aligned u32.
    unsafe { syscall4(libc::SYS_futex, word.as_ptr() as usize, libc::FUTEX_WAKE as usize, 1, 0) };
}
