//! C's arguments and results, as types that the rest can use without `unsafe`.
//!
//! What the program passes is believed as libc believes it: a pointer is to what the prototype says. Null and what else
//! lies in the first page, and what is the kernel's, goes to the kernel, which answers EFAULT.

use std::ffi::{CStr, c_char, c_int, c_long};
use std::marker::PhantomData;

use rustix::io::Errno;
use vrift_manifest::tree::path::PATH_MAX;

use crate::sys::length;
use crate::sys::strings::is_nowhere;
use crate::vfs::Answer;

/// A path, or another C string.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct CPath(*const c_char);

impl CPath {
    /// The bytes before the NUL, but no more than make a path too long: as the kernel, which reads no further.
    #[inline]
    pub fn bytes<'a>(self) -> Option<&'a [u8]> {
        if is_nowhere(self.0) {
            return None;
        }
        // SAFETY: the program passed it as a C string, which stays as it is during the call, or as bytes of which so many
        // are there.
        Some(unsafe {
            let length = length::of(self.0, PATH_MAX);
            std::slice::from_raw_parts(self.0.cast(), length)
        })
    }

    /// All bytes before the NUL: for what the C library takes apart itself, however long it is.
    pub fn text<'a>(self) -> Option<&'a [u8]> {
        if is_nowhere(self.0) {
            return None;
        }
        // SAFETY: the program passed it as a C string, which stays as it is during the call.
        Some(unsafe { CStr::from_ptr(self.0) }.to_bytes())
    }

    /// The C string; `None`: it is nowhere, or too long for a path.
    #[inline]
    pub fn c_str<'a>(self) -> Option<&'a CStr> {
        let length = self.bytes()?.len();
        if length >= PATH_MAX {
            return None;
        }
        // SAFETY: behind so many bytes there is the NUL, and it is the first.
        Some(unsafe {
            let whole = std::slice::from_raw_parts(self.0.cast(), length + 1);
            CStr::from_bytes_with_nul_unchecked(whole)
        })
    }

    /// A path of ours for the next definition.
    pub fn of(path: &CStr) -> CPath {
        CPath(path.as_ptr())
    }

    /// The path at an address.
    pub fn at(path: *const c_char) -> CPath {
        CPath(path)
    }

    /// No path.
    pub const NULL: CPath = CPath(std::ptr::null());

    /// The pointer.
    pub fn as_ptr(self) -> *const c_char {
        self.0
    }
}

/// Where a result goes.
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Clone for Out<T> {
    fn clone(&self) -> Out<T> {
        *self
    }
}

impl<T> Copy for Out<T> {}

impl<T> Out<T> {
    /// Puts the result there.
    #[inline]
    pub fn put(self, value: T) -> Result<(), Errno> {
        if is_nowhere(self.0) {
            return Err(Errno::FAULT);
        }
        // SAFETY: the program passed it as a place for a `T`.
        unsafe { self.0.write(value) };
        Ok(())
    }

    /// What stands there.
    #[inline]
    pub fn read(self) -> Option<T>
    where
        T: Copy,
    {
        if is_nowhere(self.0) {
            return None;
        }
        // SAFETY: the program passed it as a valid `T`.
        Some(unsafe { self.0.read() })
    }

    /// Whether the program passed null.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The pointer.
    pub fn as_ptr(self) -> *mut T {
        self.0
    }
}

/// A value that the program passes by pointer, or null.
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T> Clone for In<T> {
    fn clone(&self) -> In<T> {
        *self
    }
}

impl<T> Copy for In<T> {}

impl<T: Copy> In<T> {
    /// The value; `Ok(None)` for null.
    pub fn get(self) -> Result<Option<T>, Errno> {
        if self.0.is_null() {
            return Ok(None);
        }
        if is_nowhere(self.0) {
            return Err(Errno::FAULT);
        }
        // SAFETY: the program passed it as a valid `T`.
        Ok(Some(unsafe { self.0.read() }))
    }

    /// The `count` values that begin here; `Ok(None)` for null.
    pub fn slice<'a>(self, count: usize) -> Result<Option<&'a [T]>, Errno> {
        if self.0.is_null() {
            return Ok(None);
        }
        if is_nowhere(self.0) {
            return Err(Errno::FAULT);
        }
        // SAFETY: the program passed it as an array of that many.
        Ok(Some(unsafe { std::slice::from_raw_parts(self.0, count) }))
    }

    /// The pointer.
    pub fn as_ptr(self) -> *const T {
        self.0
    }
}

/// Room for bytes that the program passes with its size.
#[derive(Clone, Copy)]
pub struct Room<'a>(*mut u8, usize, PhantomData<&'a mut u8>);

impl Room<'_> {
    /// The room at `start`.
    pub fn new(start: *mut c_char, size: usize) -> Room<'static> {
        Room(start.cast(), size, PhantomData)
    }

    /// What was put there.
    pub fn bytes(&self) -> &[u8] {
        if is_nowhere(self.0) {
            return &[];
        }
        // SAFETY: room for `self.1` bytes that were written before: whoever makes one to read from it sees to that.
        unsafe { std::slice::from_raw_parts(self.0, self.1) }
    }

    /// Copies as much as there is room for; how much that was.
    pub fn fill(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let length = bytes.len().min(self.1);
        if is_nowhere(self.0) {
            return Err(Errno::FAULT);
        }
        // SAFETY: the program passed room for `self.1` bytes, and what is copied is ours, so they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0, length) };
        Ok(length)
    }
}

/// What a call returns when it fails; errno says why.
pub trait Failure {
    /// That value.
    const FAILED: Self;
}

impl Failure for c_int {
    const FAILED: c_int = -1;
}

impl Failure for c_long {
    const FAILED: c_long = -1;
}

impl Failure for isize {
    const FAILED: isize = -1;
}

impl<T> Failure for *mut T {
    const FAILED: *mut T = std::ptr::null_mut();
}

/// Sets errno; what the call returns then.
#[cold]
pub fn fail<R: Failure>(errno: Errno) -> R {
    crate::sys::errno::set(errno);
    R::FAILED
}

/// The result of a call that is all ours.
#[inline]
pub fn give<R: Failure>(result: Result<R, Errno>) -> R {
    result.unwrap_or_else(fail)
}

/// Gives an answer of `vfs` to the program: ours in C's form, or that of the next definition, for the path that was
/// asked for or for the one that the walk found outside the tree.
#[inline]
pub fn answer<T, R: Failure>(
    asked: CPath,
    answer: Result<Answer<'_, T>, Errno>,
    kernel: impl FnOnce(CPath) -> R,
    ours: impl FnOnce(T) -> Result<R, Errno>,
) -> R {
    match answer {
        Ok(Answer::Kernel) => kernel(asked),
        Ok(Answer::Elsewhere(path)) => kernel(CPath::of(path)),
        Ok(Answer::Ours(value)) => give(ours(value)),
        Err(errno) => fail(errno),
    }
}

/// A path that ends in six X's and a suffix, in memory of the program, to be made one that nobody has.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Template(*mut c_char);

/// How many letters are chosen.
const CHOSEN: usize = 6;

impl Template {
    /// The path as it is now.
    pub fn bytes<'a>(self) -> Option<&'a [u8]> {
        CPath(self.0).bytes()
    }

    /// All of it: libc looks for the X's before the kernel finds it too long.
    fn text<'a>(self) -> Option<&'a [u8]> {
        CPath(self.0).text()
    }

    /// Chooses letters at random. EINVAL: there are no six X's before the suffix.
    pub fn randomise(self, suffix: usize) -> Result<(), Errno> {
        const LETTERS: &[u8; 62] =
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let mut random = [0u8; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let mut value = u64::from_le_bytes(random);
        let mut chosen = [b'X'; CHOSEN];
        for letter in &mut chosen {
            *letter = LETTERS.get((value % 62) as usize).copied().unwrap_or(b'a');
            value /= 62;
        }
        self.replace(suffix, &[b'X'; CHOSEN], &chosen)
    }

    /// Puts the X's back.
    pub fn restore(self, suffix: usize) {
        let now = self.text().and_then(|text| {
            let end = text.len().checked_sub(suffix)?;
            text.get(end.checked_sub(CHOSEN)?..end)?.first_chunk::<CHOSEN>().copied()
        });
        if let Some(now) = now {
            let _ = self.replace(suffix, &now, &[b'X'; CHOSEN]);
        }
    }

    /// Makes it the empty string, which is how mktemp fails.
    pub fn clear(self) {
        if self.bytes().is_some() {
            // SAFETY: a C string has at least its NUL, and this one is the program's to be written.
            unsafe { self.0.write(0) };
        }
    }

    fn replace(self, suffix: usize, old: &[u8; CHOSEN], new: &[u8; CHOSEN]) -> Result<(), Errno> {
        let text = self.text().ok_or(Errno::FAULT)?;
        let start = text.len().checked_sub(suffix).and_then(|end| end.checked_sub(CHOSEN));
        let start = start.ok_or(Errno::INVAL)?;
        if text.get(start..start + CHOSEN) != Some(old) {
            return Err(Errno::INVAL);
        }
        // SAFETY: the six bytes lie inside the string, which the program passed to be written.
        unsafe { std::ptr::copy_nonoverlapping(new.as_ptr().cast(), self.0.add(start), CHOSEN) };
        Ok(())
    }
}

impl Failure for Template {
    const FAILED: Template = Template(std::ptr::null_mut());
}

/// The same for a call on a descriptor: `None` is the kernel's.
#[inline]
pub fn answer_for_descriptor<T, R: Failure>(
    answer: Result<Option<T>, Errno>,
    kernel: impl FnOnce() -> R,
    ours: impl FnOnce(T) -> Result<R, Errno>,
) -> R {
    match answer {
        Ok(None) => kernel(),
        Ok(Some(value)) => give(ours(value)),
        Err(errno) => fail(errno),
    }
}

/// Success of a call that returns nothing else.
pub fn done((): ()) -> Result<c_int, Errno> {
    Ok(0)
}

impl<T> Out<T> {
    /// A place of ours, for a call to a name that is hooked.
    pub fn of(place: &mut T) -> Out<T> {
        Out(place)
    }
}

/// The name in a directory entry that a stream has just given; `None` for null.
pub fn name_of<'a>(entry: *const libc::dirent64) -> Option<&'a CStr> {
    if entry.is_null() {
        return None;
    }
    // SAFETY: a stream's entry is whole, and stays until the stream is read again; the name ends with a NUL. Only the
    // name's own bytes are touched, for an entry need not be as long as the structure.
    Some(unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) })
}

impl<T> Out<T> {
    /// The place at an address.
    pub fn at(place: *mut T) -> Out<T> {
        Out(place)
    }
}

impl<T> In<T> {
    /// The value at an address.
    pub fn at(value: *const T) -> In<T> {
        In(value)
    }

    /// Values of ours, for a call to a name that is hooked.
    pub fn to(values: &[T]) -> In<T> {
        In(values.as_ptr())
    }
}
