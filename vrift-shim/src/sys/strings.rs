//! Arrays of C strings that end with a null pointer: arguments and environments.

use std::ffi::{CStr, c_char};

/// The size of a page, at least.
const PAGE: usize = 4096;

/// Whether nothing can be at the address: it lies in the first page, or in the last one, as -1 and what else C makes of
/// a failure does, or elsewhere where the kernel is. The kernel says EFAULT. (With a tag in its highest byte an address
/// of the program may look like one of the kernel on aarch64.)
#[inline]
pub fn is_nowhere<T: ?Sized>(address: *const T) -> bool {
    let address = address.cast::<u8>().addr();
    match cfg!(target_arch = "x86_64") {
        true => address.cast_signed() < PAGE.cast_signed(),
        false => address.wrapping_add(PAGE) < 2 * PAGE,
    }
}

/// Such an array, or null, which the kernel takes for an empty one.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Strings(*const *const c_char);

// SAFETY: libc has it, of this type.
unsafe extern "C" {
    static mut environ: *const *const c_char;
}

impl Strings {
    /// None.
    pub const EMPTY: Strings = Strings(std::ptr::null());

    /// The array that `pointers` is, whose last pointer is null.
    pub fn of(pointers: &[*const c_char]) -> Strings {
        match pointers.last() {
            Some(last) if last.is_null() => Strings(pointers.as_ptr()),
            _ => Strings::EMPTY,
        }
    }

    /// The environment of this process.
    pub fn environment() -> Strings {
        // SAFETY: the variable is libc's; it is read at once. A program that changes it in another thread at the same
        // time has the same race with libc.
        Strings(unsafe { environ })
    }

    /// Makes this the environment of the process. It has to stay where it is.
    pub fn become_environment(self) {
        // SAFETY: as above.
        unsafe { environ = self.0 };
    }

    /// Whether it is an address that nothing can be at: the kernel says EFAULT.
    pub fn is_nowhere(self) -> bool {
        !self.0.is_null() && is_nowhere(self.0)
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.pointers().count()
    }

    /// The pointers before the null pointer.
    pub fn pointers(self) -> impl Iterator<Item = *const c_char> {
        let mut at = self.0;
        std::iter::from_fn(move || {
            if at.is_null() {
                return None;
            }
            // SAFETY: the program passed it as such an array, and the end was not reached.
            let string = unsafe { *at };
            if string.is_null() {
                return None;
            }
            // SAFETY: the array goes on behind a pointer that is not null.
            at = unsafe { at.add(1) };
            Some(string)
        })
    }

    /// The array whose address stands behind this array's end, as execle's caller puts it there.
    pub fn behind(self) -> Strings {
        if self.0.is_null() {
            return Strings::EMPTY;
        }
        // SAFETY: the caller has one there.
        Strings(unsafe { *self.0.add(self.len() + 1) }.cast())
    }

    /// The array's address.
    pub fn as_ptr(self) -> *const *const c_char {
        self.0
    }
}

/// The bytes of one of the strings.
pub fn bytes<'a>(string: *const c_char) -> &'a [u8] {
    if is_nowhere(string) {
        return b"";
    }
    // SAFETY: an array's pointers are to C strings, which stay as they are during the call.
    unsafe { CStr::from_ptr(string) }.to_bytes()
}

/// Overwrites the bytes of one of the strings from `at`, as far as they go.
pub fn overwrite(string: *const c_char, at: usize, text: &[u8]) {
    if bytes(string).len() < at.saturating_add(text.len()) {
        return;
    }
    // SAFETY: the string has that many bytes; an environment's strings are writable memory, by the kernel's and by
    // putenv's contract.
    unsafe {
        std::ptr::copy_nonoverlapping(
            text.as_ptr(),
            string.cast_mut().cast::<u8>().add(at),
            text.len(),
        )
    };
}
