//! What the library needs of the process that it lives in: memory, the next definition of a name, state that is
//! shared by threads. Every `unsafe` that is not at the C boundary itself is here.
#![allow(unsafe_code)]

pub mod errno;
pub mod fd;
pub mod gate;
pub mod heap;
pub mod next;
pub mod slot;
pub mod start;
pub mod stdio;
pub mod vfork;
pub mod zeroed;
