//! The preloaded library: libc's path calls, answered from a workspace.
//!
//! ```text
//! program -> abi (libc's names)  -> vfs (ours or the kernel's? which node? act) -> vrift-manifest session
//!                 |                  |
//!                 +-- next definition+-- sys (memory, next definitions, state of the process)
//! ```
//! It holds no descriptor, no thread and no lock across a call; it prints nothing and changes nothing that the program
//! can see; what it cannot do is an errno.
#![deny(unsafe_code)]

mod abi;
mod answer;
mod sys;
mod vfs;
