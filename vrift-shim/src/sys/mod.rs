//! What the library needs of the process that it lives in: memory, the next definition of a name, state that is
//! shared by threads. Every `unsafe` that is not at the C boundary itself is here.
#![allow(unsafe_code)]

pub mod alone;
pub mod ample;
pub mod apart;
pub mod client;
#[cfg(target_arch = "x86_64")]
pub mod cover;
pub mod decimal;
pub mod definition;
pub mod environment;
pub mod errno;
pub mod fd;
pub mod fork;
pub mod gate;
pub mod heap;
pub mod lend;
pub mod length;
pub mod marked;
pub mod next;
pub mod own;
pub mod played;
pub mod pool;
pub mod shared;
pub mod slot;
pub mod stack;
pub mod start;
pub mod stdio;
pub mod streams;
pub mod strings;
#[cfg(target_arch = "x86_64")]
pub mod tracee;
pub mod vfork;
pub mod zeroed;
