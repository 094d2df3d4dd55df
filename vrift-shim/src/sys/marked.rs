//! Calls of the library's own that a filter above is not to tell to `vrift run` (`super::cover`): they are the kernel's anyway,
//! and to be told costs ten times as much as what they do.
//!
//! A filter sees numbers only. So these calls have a mark in the sixth argument, which none of them has. A program that sets
//! it gains nothing: its calls are not answered.

use std::ffi::{CStr, c_int, c_long, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

/// What no program has there by chance.
#[cfg(target_arch = "x86_64")]
pub const MARK: u64 = 0xb65d_91e3_7f0a_c82b;

/// A call with the mark.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn call(number: c_long, words: [usize; 4]) -> Result<usize, Errno> {
    let [first, second, third, fourth] = words;
    let result: isize;
    // SAFETY: whoever calls this gives words that the kernel may read and write what it does by; and the mark is not left
    // where a later call would have it.
    unsafe {
        std::arch::asm!(
            "syscall",
            "xor r9d, r9d",
            inlateout("rax") number as isize => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            inlateout("r9") MARK => _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack)
        );
    }
    match usize::try_from(result) {
        Ok(result) => Ok(result),
        Err(_) => Err(Errno::from_raw_os_error(result.unsigned_abs() as i32)),
    }
}

/// The same where nothing is filtered.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn call(number: c_long, words: [usize; 4]) -> Result<usize, Errno> {
    let [first, second, third, fourth] = words;
    // SAFETY: as above.
    let result = unsafe { libc::syscall(number, first, second, third, fourth) };
    usize::try_from(result).map_err(|_| super::errno::last())
}

/// readlinkat(2)
#[inline]
pub fn readlink(path: &CStr, room: &mut [u8]) -> Result<usize, Errno> {
    let words = [
        libc::AT_FDCWD as usize,
        path.as_ptr().expose_provenance(),
        room.as_mut_ptr().expose_provenance(),
        room.len(),
    ];
    call(libc::SYS_readlinkat, words)
}

/// getcwd(2): the length with the zero at the end.
#[inline]
pub fn getcwd(room: &mut [u8]) -> Result<usize, Errno> {
    call(libc::SYS_getcwd, [room.as_mut_ptr().expose_provenance(), room.len(), 0, 0])
}

/// Type and permission of what has a path; a symlink's own.
#[inline]
pub fn mode(path: &CStr) -> Result<u32, Errno> {
    let mut stat = MaybeUninit::<libc::stat64>::uninit();
    let words = [
        libc::AT_FDCWD as usize,
        path.as_ptr().expose_provenance(),
        stat.as_mut_ptr().expose_provenance(),
        libc::AT_SYMLINK_NOFOLLOW as usize,
    ];
    call(libc::SYS_newfstatat, words)?;
    // SAFETY: the kernel has written it.
    Ok(unsafe { stat.assume_init() }.st_mode)
}

/// What openat2 is asked for: `struct open_how`.
#[repr(C)]
pub struct How {
    flags: u64,
    mode: u64,
    resolve: u64,
}

impl How {
    /// Nothing is to be made.
    #[inline]
    pub fn new(flags: c_int, resolve: u64) -> How {
        How { flags: u64::from(flags.cast_unsigned()), mode: 0, resolve }
    }
}

/// openat2(2)
#[inline]
pub fn openat2(directory: BorrowedFd<'_>, path: &CStr, how: &How) -> Result<c_int, Errno> {
    let words = [
        directory.as_raw_fd() as usize,
        path.as_ptr().expose_provenance(),
        (&raw const *how).expose_provenance(),
        size_of::<How>(),
    ];
    call(libc::SYS_openat2, words).map(|file| file as c_int)
}

/// Calls `next`, the next definition of a name of libc, with the mark: a function that does nothing but ask the kernel leaves it
/// where it is. To any other it is nothing.
///
/// # Safety
///
/// `next` takes these words as its arguments, or the first of them, and returns a word or an int.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub unsafe fn through<const COUNT: usize>(next: *const c_void, words: [usize; COUNT]) -> usize {
    let [first, second, third, fourth, fifth] = five(words);
    let result: usize;
    // SAFETY: as the caller says; all that a function may change is said to be changed.
    unsafe {
        std::arch::asm!(
            "call rax",
            inlateout("rax") next => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("rcx") fourth,
            in("r8") fifth,
            in("r9") MARK,
            clobber_abi("C")
        );
    }
    result
}

/// The same where nothing is filtered.
///
/// # Safety
///
/// As above.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub unsafe fn through<const COUNT: usize>(next: *const c_void, words: [usize; COUNT]) -> usize {
    let [first, second, third, fourth, fifth] = five(words);
    // SAFETY: as the caller says; a function is called with more words than it takes.
    unsafe {
        let next: extern "C" fn(usize, usize, usize, usize, usize) -> usize =
            std::mem::transmute(next);
        next(first, second, third, fourth, fifth)
    }
}

/// The words, and nothing behind them.
#[inline(always)]
fn five<const COUNT: usize>(words: [usize; COUNT]) -> [usize; 5] {
    let mut all = [0; 5];
    all.iter_mut().zip(words).for_each(|(place, word)| *place = word);
    all
}
