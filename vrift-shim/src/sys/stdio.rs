//! The few functions of libc's streams that are needed to make one of a descriptor of ours.

use std::ffi::{c_int, c_void};

use super::next::Next;
use crate::abi::args::CPath;

/// A stream of libc's: only ever passed on.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Stream(*mut c_void);

impl Stream {
    /// No stream.
    pub const NULL: Stream = Stream(std::ptr::null_mut());

    /// Whether it is none.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }
}

macro_rules! next {
    ($(#[$note:meta])* fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty, $text:literal) => {
        $(#[$note])*
        pub fn $name($($arg: $type),*) -> $result {
            static NEXT: Next = Next::new();
            // SAFETY: libc's definition has this signature.
            let function = unsafe {
                core::mem::transmute::<*mut c_void, extern "C" fn($($type),*) -> $result>(NEXT.get($text))
            };
            function($($arg),*)
        }
    };
}

next!(
    /// A stream over a descriptor.
    fn of_descriptor(descriptor: c_int, mode: CPath) -> Stream, c"fdopen"
);
next!(
    /// The descriptor of a stream; -1: it has none.
    fn descriptor_of(stream: Stream) -> c_int, c"fileno"
);
next!(
    /// Writes what a stream still holds.
    fn flush(stream: Stream) -> c_int, c"fflush"
);
next!(
    /// close(2), as the next library defines it.
    fn close_next(descriptor: c_int) -> c_int, c"close"
);
